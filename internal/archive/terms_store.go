package archive

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/act"
)

// searched tells whether anything that a client is found by differs.
func searched(a, b Client) bool {
	return a.Code != b.Code || a.Name != b.Name || a.SortKey != b.SortKey || !same(a.UnifiedCreditCode, b.UnifiedCreditCode) || !same(a.Phone, b.Phone)
}

// rewriteTerms makes the client's entries those of its present facts, touching only what differs.
func rewriteTerms(ctx context.Context, w *act.Work, c Client) error {
	former, err := formerNames(ctx, w, c.ID)
	if err != nil {
		return err
	}
	terms := Terms(Named{
		Code: c.Code, Name: c.Name, SortKey: c.SortKey, FormerNames: former,
		CreditCode: deref(c.UnifiedCreditCode), Phone: deref(c.Phone),
	})
	classes, texts := make([]int16, len(terms)), make([]string, len(terms))
	for i, t := range terms {
		classes[i], texts[i] = t.Class, t.Term
	}
	_, err = w.Exec(ctx, `DELETE FROM client_search_terms s WHERE s.tenant_id = $1 AND s.client_id = $2
		AND NOT EXISTS (SELECT 1 FROM unnest($3::smallint[], $4::text[]) AS n (class, term) WHERE n.class = s.field_class AND n.term = s.term)`,
		w.Tenant(), c.ID, classes, texts)
	if err != nil {
		return fmt.Errorf("archive: search terms: %w", err)
	}
	_, err = w.Exec(ctx, `INSERT INTO client_search_terms (tenant_id, field_class, term, client_id)
		SELECT $1, n.class, n.term, $2 FROM unnest($3::smallint[], $4::text[]) AS n (class, term)
		ON CONFLICT (tenant_id, field_class, term, client_id) DO NOTHING`, w.Tenant(), c.ID, classes, texts)
	if err != nil {
		return fmt.Errorf("archive: search terms: %w", err)
	}
	return nil
}

func formerNames(ctx context.Context, w *act.Work, clientID uuid.UUID) ([]string, error) {
	var names []string
	err := w.QueryRow(ctx, `SELECT ARRAY(SELECT name FROM client_former_names WHERE tenant_id = $1 AND client_id = $2 ORDER BY used_until, id)`,
		w.Tenant(), clientID).Scan(&names)
	if err != nil {
		return nil, fmt.Errorf("archive: former names: %w", err)
	}
	return names, nil
}
