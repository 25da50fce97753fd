package archive

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/ent/db/clientkind"
	"github.com/clientele/clientele/ent/db/clientrecord"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// store writes what an act made of a client: the row at its next version, kinds, a former name, the change records, the
// search terms. Nothing is written when nothing differs. It returns the client as stored.
func store(ctx context.Context, w *act.Work, before, after Client, diffs []diff, source string) (Client, error) {
	if len(diffs) == 0 {
		return before, nil
	}
	// SECURITY: whether a code is registered is told only here, to those who may write it.
	if !same(before.UnifiedCreditCode, after.UnifiedCreditCode) {
		if err := refuseTakenCode(ctx, w, after.ID, after.UnifiedCreditCode); err != nil {
			return Client{}, err
		}
	}
	after.Version++
	after.UpdatedAt, after.UpdatedBy = w.Now(), w.Staff()
	if err := updateRow(ctx, w, before, after); err != nil {
		return Client{}, err
	}
	if err := replaceKinds(ctx, w, before, after); err != nil {
		return Client{}, err
	}
	if before.Name != after.Name {
		// A name that comes back and goes again has been a former name before.
		_, err := w.Exec(ctx, `INSERT INTO client_former_names (tenant_id, id, client_id, name, used_until) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (tenant_id, client_id, name) DO NOTHING`, w.Tenant(), w.IDs.New(), after.ID, before.Name, w.Now())
		if err != nil {
			return Client{}, fmt.Errorf("archive: former name: %w", err)
		}
		if after.FormerNames, err = formerNames(ctx, w, after.ID); err != nil {
			return Client{}, err
		}
	}
	for _, d := range diffs {
		recordChange(w, w.IDs.New(), after.ID, d, source)
	}
	if searched(before, after) {
		if err := rewriteTerms(ctx, w, after); err != nil {
			return Client{}, err
		}
	}
	return after, nil
}

// updateRow writes the columns that differ. It goes out with COMMIT, unless a unique key can refuse it: the row is locked and
// its version was compared, so that nothing else can.
func updateRow(ctx context.Context, w *act.Work, before, c Client) error {
	u := w.ChangeRow(clientrecord.Table, c.ID, before.Version)
	u.Set(clientrecord.FieldUpdatedAt, c.UpdatedAt)
	set(u, clientrecord.FieldCompanyID, before.CompanyID, c.CompanyID)
	set(u, clientrecord.FieldDepartmentID, before.DepartmentID, c.DepartmentID)
	set(u, clientrecord.FieldName, before.Name, c.Name)
	set(u, clientrecord.FieldSortKey, before.SortKey, c.SortKey)
	set(u, clientrecord.FieldStage, before.Stage, c.Stage)
	set(u, clientrecord.FieldSuspended, before.Suspended, c.Suspended)
	set(u, clientrecord.FieldImportant, before.Important, c.Important)
	put(u, clientrecord.FieldUpdatedBy, before.UpdatedBy, c.UpdatedBy)
	put(u, clientrecord.FieldOwnerID, before.OwnerID, c.OwnerID)
	put(u, clientrecord.FieldRegion, before.Region, c.Region)
	put(u, clientrecord.FieldUnifiedCreditCode, before.UnifiedCreditCode, c.UnifiedCreditCode)
	put(u, clientrecord.FieldLegalRepresentative, before.LegalRepresentative, c.LegalRepresentative)
	put(u, clientrecord.FieldAddress, before.Address, c.Address)
	put(u, clientrecord.FieldPostcode, before.Postcode, c.Postcode)
	put(u, clientrecord.FieldPhone, before.Phone, c.Phone)
	put(u, clientrecord.FieldFax, before.Fax, c.Fax)
	put(u, clientrecord.FieldBusinessScope, before.BusinessScope, c.BusinessScope)
	put(u, clientrecord.FieldRegisteredCapitalMinor, before.RegisteredCapitalMinor, c.RegisteredCapitalMinor)
	put(u, clientrecord.FieldRegisteredCapitalCurrency, before.RegisteredCapitalCurrency, c.RegisteredCapitalCurrency)
	put(u, clientrecord.FieldSpecialType, before.SpecialType, c.SpecialType)
	put(u, clientrecord.FieldAcquisition, before.Acquisition, c.Acquisition)
	put(u, clientrecord.FieldGrade, before.Grade, c.Grade)
	put(u, clientrecord.FieldPolicyNote, before.PolicyNote, c.PolicyNote)
	put(u, clientrecord.FieldAttitude, before.Attitude, c.Attitude)
	put(u, clientrecord.FieldNextContactOn, before.NextContactOn, c.NextContactOn)
	put(u, clientrecord.FieldCreditLimitMinor, before.CreditLimitMinor, c.CreditLimitMinor)
	put(u, clientrecord.FieldCreditLimitCurrency, before.CreditLimitCurrency, c.CreditLimitCurrency)
	put(u, clientrecord.FieldCreditNote, before.CreditNote, c.CreditNote)
	sql, args := u.Statement()
	if same(before.UnifiedCreditCode, c.UnifiedCreditCode) {
		w.Later(sql, args...)
		return nil
	}
	if _, err := w.Exec(ctx, sql, args...); err != nil {
		return duplicate(fmt.Errorf("archive: update client: %w", err))
	}
	return nil
}

// set sets a column that differs.
func set[T comparable](u *tenancy.RowChange, column string, before, after T) {
	if before != after {
		u.Set(column, after)
	}
}

// put sets a nullable column that differs.
func put[T comparable](u *tenancy.RowChange, column string, before, after *T) {
	switch {
	case after == nil && before != nil:
		u.Set(column, nil)
	case after != nil && (before == nil || *before != *after):
		u.Set(column, *after)
	}
}

func replaceKinds(ctx context.Context, w *act.Work, before, after Client) error {
	if same(list(before.Kinds), list(after.Kinds)) {
		return nil
	}
	_, err := w.Ent().ClientKind.Delete().
		Where(clientkind.TenantID(w.Tenant()), clientkind.ClientID(after.ID), clientkind.KindNotIn(after.Kinds...)).Exec(ctx)
	if err != nil {
		return fmt.Errorf("archive: kinds: %w", err)
	}
	var added []string
	for _, k := range after.Kinds {
		if !contains(before.Kinds, k) {
			added = append(added, k)
		}
	}
	return addKinds(ctx, w, after.ID, added)
}

func addKinds(ctx context.Context, w *act.Work, clientID uuid.UUID, kinds []string) error {
	if len(kinds) == 0 {
		return nil
	}
	rows := make([]*entdb.ClientKindCreate, len(kinds))
	for i, k := range kinds {
		rows[i] = w.Ent().ClientKind.Create().SetID(w.IDs.New()).SetTenantID(w.Tenant()).SetClientID(clientID).SetKind(k)
	}
	if err := w.Ent().ClientKind.CreateBulk(rows...).Exec(ctx); err != nil {
		return fmt.Errorf("archive: kinds: %w", err)
	}
	return nil
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

const insertChange = `INSERT INTO client_changes (tenant_id, id, client_id, field, field_class, old_value, new_value, source, reported_by, recorded_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

// recordChange writes the record of one changed fact (F06) with the act, with the field's own class.
func recordChange(w *act.Work, changeID, clientID uuid.UUID, d diff, source string) {
	class, known := policy.ClassOf(d.group)
	if !known {
		class = policy.NumClasses - 1 // SECURITY: what is not known is shown to nobody
	}
	w.Later(insertChange, w.Tenant(), changeID, clientID, d.field, int16(class), d.old, d.new, source, w.Staff(), w.Now())
}

const creditCodeKey = "clients_credit_code"

// duplicate turns a violation of the one unique key that people can run into, into what they may know of it.
func duplicate(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "23505" && pg.ConstraintName == creditCodeKey {
		return codeTaken().Because(err)
	}
	return err
}

// codeTaken: SECURITY: only that the code is registered; neither the client nor its department may show through.
func codeTaken() *fault.Error {
	return fault.Conflicts("input.profile.unifiedCreditCode", "CREDIT_CODE_REGISTERED",
		fault.Text{ZH: "该统一社会信用代码已有客户档案", EN: "a client with this unified social credit code is registered already"},
		fault.Text{ZH: "请向大客户部经理查询该档案的归属", EN: "ask the head of the key-account department who holds its archive"})
}

// refuseTakenCode tells early what the unique key would tell late; the key still decides between concurrent acts.
func refuseTakenCode(ctx context.Context, w *act.Work, clientID uuid.UUID, code *string) error {
	if code == nil {
		return nil
	}
	var one int
	err := w.QueryRow(ctx, `SELECT 1 FROM clients WHERE tenant_id = $1 AND unified_credit_code = $2 AND id <> $3`, w.Tenant(), *code, clientID).Scan(&one)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("archive: credit code: %w", err)
	}
	return codeTaken()
}
