package archive

import (
	"context"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// ClientMove gives the archive to another department, and with it to that one's company. The actor needs the right on both
// sides. Contracts stay where they were concluded.
func (s *Service) ClientMove(ctx context.Context, session *tenancy.Session, in ClientMove, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, clientMove, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		before, row, err := loadFor(ctx, w, in.Target)
		if err != nil {
			return act.Result{}, err
		}
		dept, err := activeDepartment(ctx, w, "input.departmentId", in.DepartmentID)
		if err != nil {
			return act.Result{}, err
		}
		after := before.copied()
		after.DepartmentID, after.CompanyID = dept.ID, dept.Company
		if err := requireGroups(w, before.subject(), []policy.Object{policy.ClientList}, row, after.row(row)); err != nil {
			return act.Result{}, err
		}
		var diffs []diff
		if before.DepartmentID != after.DepartmentID {
			old, err := departmentName(ctx, w, before.DepartmentID)
			if err != nil {
				return act.Result{}, err
			}
			diffs = append(diffs, diff{"department", policy.ClientList, old, &dept.Name})
		}
		if after, err = store(ctx, w, before, after, diffs, in.Reason); err != nil {
			return act.Result{}, err
		}
		return clientResult(after, toChanges(diffs)), nil
	})
}
