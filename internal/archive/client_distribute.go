package archive

import (
	"context"
	"fmt"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// ClientDistribute gives a prospect to a section, which ends that of the former one at once (E03); without a department it is
// taken back. INVALID_STATE NOT_A_PROSPECT: only prospects and clients under development are distributed.
func (s *Service) ClientDistribute(ctx context.Context, session *tenancy.Session, in ClientDistribute, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, clientDistribute, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		before, row, err := loadFor(ctx, w, in.Target)
		if err != nil {
			return act.Result{}, err
		}
		if err := requireGroups(w, before.subject(), []policy.Object{policy.ClientList}, row); err != nil {
			return act.Result{}, err
		}
		var to *department
		if in.DepartmentID != nil {
			d, err := activeDepartment(ctx, w, "input.departmentId", *in.DepartmentID)
			if err != nil {
				return act.Result{}, err
			}
			to = &d
			if before.Stage != StageProspect && before.Stage != StageDeveloping {
				return act.Result{}, fault.State("NOT_A_PROSPECT",
					fault.Text{ZH: "只有潜在客户和开发中的客户可以分发", EN: "only prospects and clients under development are distributed"}, fault.Text{})
			}
		}
		diffs, err := redistribute(ctx, w, before, to)
		if err != nil {
			return act.Result{}, err
		}
		after, err := store(ctx, w, before, before.copied(), diffs, clientDistribute.Name)
		if err != nil {
			return act.Result{}, err
		}
		result := clientResult(after, toChanges(diffs))
		result.Snapshot[policy.ClientList]["distributedToId"] = encoded(id.Department, in.DepartmentID)
		return result, nil
	})
}

func redistribute(ctx context.Context, w *act.Work, c Client, to *department) ([]diff, error) {
	var oldID, oldName *string
	err := w.QueryRow(ctx, `SELECT min(d.department_id::text), min(n.name) FROM client_distributions d
		JOIN departments n ON n.tenant_id = d.tenant_id AND n.id = d.department_id
		WHERE d.tenant_id = $1 AND d.client_id = $2 AND d.valid_until IS NULL`, w.Tenant(), c.ID).Scan(&oldID, &oldName)
	if err != nil {
		return nil, fmt.Errorf("archive: distribution: %w", err)
	}
	if oldID == nil && to == nil || oldID != nil && to != nil && *oldID == to.ID.String() {
		return nil, nil
	}
	_, err = w.Exec(ctx, `UPDATE client_distributions SET valid_until = GREATEST($3::timestamptz, valid_from + interval '1 microsecond'),
		version = version + 1, updated_at = $3, updated_by = $4 WHERE tenant_id = $1 AND client_id = $2 AND valid_until IS NULL`,
		w.Tenant(), c.ID, w.Now(), w.Staff())
	if err != nil {
		return nil, fmt.Errorf("archive: distribution: %w", err)
	}
	changed := diff{"distributions", policy.ClientList, oldName, nil}
	if to != nil {
		changed.new = &to.Name
		err = w.Ent().ClientDistribution.Create().SetID(w.IDs.New()).SetTenantID(w.Tenant()).SetClientID(c.ID).SetDepartmentID(to.ID).SetValidFrom(w.Now()).
			SetCreatedAt(w.Now()).SetNillableCreatedBy(w.Staff()).SetUpdatedAt(w.Now()).SetNillableUpdatedBy(w.Staff()).Exec(ctx)
		if err != nil {
			return nil, fmt.Errorf("archive: distribution: %w", err)
		}
	}
	return []diff{changed}, nil
}
