package main

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/jackc/pgx/v5"
)

// same makes sure that the comparison is fair: both sides answer the same data and leave as many rows in each table, openings of
// archives in the audit trail among them.
func (d *driver) same(ctx context.Context, floor, product *process, r role, src *source) error {
	for _, p := range []*process{floor, product} {
		if err := p.resume(); err != nil {
			return err
		}
	}
	since := time.Now()
	for n := range 8 {
		var answers [2]any
		var left [2]map[string]int64
		for i, p := range []*process{floor, product} {
			before, err := d.written(ctx, since)
			if err != nil {
				return err
			}
			vars, client := src.variables(n, d.fresh())
			if client != "" {
				vars["address"] = fmt.Sprintf("上海市 %s %d %d", d.stamp, n, i)
			}
			body, err := src.body(p.name, vars)
			if err != nil {
				return err
			}
			answer, err := d.post(ctx, p, r.token, body)
			if err != nil {
				return err
			}
			var a answerOf
			if err := json.Unmarshal(answer, &a); err != nil {
				return err
			}
			if err := json.Unmarshal(a.Data, &answers[i]); err != nil {
				return err
			}
			if client != "" {
				version, err := versionIn(answer)
				if err != nil {
					return err
				}
				src.changed(client, version)
				forget(answers[i], "version", "updatedAt", "address")
			}
			after, err := d.written(ctx, since)
			if err != nil {
				return err
			}
			left[i] = map[string]int64{}
			for table, rows := range after {
				left[i][table] = rows - before[table]
			}
		}
		if !reflect.DeepEqual(answers[0], answers[1]) {
			f, _ := json.Marshal(answers[0])
			p, _ := json.Marshal(answers[1])
			return fmt.Errorf("%s as %s, request %d: the sides answer differently\nfloor   %s\nproduct %s", src.shape.key, r.key, n, f, p)
		}
		if !reflect.DeepEqual(left[0], left[1]) {
			return fmt.Errorf("%s as %s: the floor leaves %v, the product %v", src.shape.key, r.key, left[0], left[1])
		}
		if src.shape.key == "page" || src.shape.key == "viewer" {
			return nil // it has no variables
		}
	}
	return nil
}

// forget removes what two writes one after the other cannot have in common.
func forget(v any, names ...string) {
	switch v := v.(type) {
	case map[string]any:
		for _, n := range names {
			delete(v, n)
		}
		for _, x := range v {
			forget(x, names...)
		}
	case []any:
		for _, x := range v {
			forget(x, names...)
		}
	}
}

// written counts the rows that requests have left since then. What earlier runs have left in a kept cluster is passed over.
func (d *driver) written(ctx context.Context, since time.Time) (map[string]int64, error) {
	rows, err := d.super.Query(ctx, `SELECT 'clients_history', count(*) FROM clients_history WHERE tenant_id = $1 AND recorded_to >= $2
		UNION ALL SELECT 'client_changes', count(*) FROM client_changes WHERE tenant_id = $1 AND recorded_at >= $2
		UNION ALL SELECT kind || ' ' || act || ' ' || object_type, count(*) FROM audit_records WHERE tenant_id = $1 AND occurred_at >= $2 GROUP BY 1
		UNION ALL SELECT 'events', count(*) FROM events WHERE tenant_id = $1 AND occurred_at >= $2
		UNION ALL SELECT 'idempotency_keys', count(*) FROM idempotency_keys WHERE tenant_id = $1 AND created_at >= $2 AND outcome IS NOT NULL
		UNION ALL SELECT 'numbers', event_seq FROM tenant_counters WHERE tenant_id = $1`, rowID(1, ofTenant, 1), since)
	if err != nil {
		return nil, err
	}
	out := map[string]int64{}
	var table string
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&table, &n}, func() error { out[table] = n; return nil })
	return out, err
}
