package policyadmin

import (
	"context"

	"github.com/google/uuid"

	"github.com/clientele/clientele/ent/db/rolebinding"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// RoleEndorsers: permission role.bind, or policy.read. Whom to ask about a binding that awaits endorsement, the nearest to its
// holder first; none when it does not wait. NOT_FOUND.
func (s *Service) RoleEndorsers(ctx context.Context, session *tenancy.Session, binding uuid.UUID) (out []uuid.UUID, err error) {
	err = s.asking(ctx, session, question{}, func(ctx context.Context, tx *tenancy.Tx, rights *policy.Rights) error {
		if !rights.Reach(policy.OnPolicy, policy.RoleBind).All {
			if err := mayReadRules(rights); err != nil {
				return err
			}
		}
		found, err := tx.Ent().RoleBinding.Query().Where(rolebinding.TenantID(tx.Session().Tenant.UUID()), rolebinding.ID(binding)).All(ctx)
		if err != nil {
			return wrap("binding", err)
		}
		if len(found) == 0 {
			return fault.NotFound("RoleBinding")
		}
		if !found[0].AwaitsEndorsement || found[0].RevokedAt != nil {
			return nil
		}
		out, err = identity.Endorsers(ctx, tx, rights, binding)
		return err
	})
	return out, err
}
