package identity

import (
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/policy"
)

// Specs lists every act of the package. All of them hold the tenant's epochs: they change who may do what.
func Specs() []act.Spec {
	return []act.Spec{
		tenantCreate(), accountCreate(), accountSuspend(), accountReinstate(), accountChangePassword(), accountResetPassword(),
		sessionRevoke(), tokenIssue(), tokenRevoke(), roleBind(), roleEndorse(), roleUnbind(), grantGive(), grantRevoke(),
	}
}

// changing is an act after which somebody may do more or less than before.
func changing(object policy.Object, action policy.Action, event string) act.Spec {
	s := spec(object, action, event)
	s.ChangesRights = true
	return s
}

func spec(object policy.Object, action policy.Action, event string) act.Spec {
	return act.Spec{Name: string(action), Object: object, Action: action, Event: event, Sensitive: true}
}

// tenantCreate is the operator's: policy has no word for it, and nobody in a tenant can have it.
func tenantCreate() act.Spec {
	return act.Spec{Name: "tenant.create", Object: policy.OnTenant, Event: "tenant.created.v1", Sensitive: true}
}

func accountCreate() act.Spec {
	return spec(policy.OnAccount, policy.AccountCreate, "account.created.v1")
}

func accountSuspend() act.Spec {
	return spec(policy.OnAccount, policy.AccountSuspend, "account.suspended.v1")
}

func accountReinstate() act.Spec {
	return changing(policy.OnAccount, policy.AccountReinstate, "account.reinstated.v1")
}

// accountChangePassword is one's own, which needs the current password instead of a right.
func accountChangePassword() act.Spec {
	s := accountResetPassword()
	s.Name = "account.changePassword"
	return s
}

func accountResetPassword() act.Spec {
	return spec(policy.OnAccount, policy.AccountResetPassword, "account.passwordChanged.v1")
}

func sessionRevoke() act.Spec {
	return spec(policy.OnAccount, policy.SessionRevoke, "session.revoked.v1")
}

func tokenIssue() act.Spec {
	return spec(policy.OnAccount, policy.TokenIssue, "apiToken.issued.v1")
}

func tokenRevoke() act.Spec {
	return spec(policy.OnAccount, policy.TokenRevoke, "apiToken.revoked.v1")
}

func roleBind() act.Spec {
	return changing(policy.OnPolicy, policy.RoleBind, "roleBinding.bound.v1")
}

func roleEndorse() act.Spec {
	return changing(policy.OnPolicy, policy.RoleEndorse, "roleBinding.endorsed.v1")
}

func roleUnbind() act.Spec {
	return changing(policy.OnPolicy, policy.RoleUnbind, "roleBinding.unbound.v1")
}

func grantGive() act.Spec {
	return changing(policy.OnGrant, policy.GrantGive, "accessGrant.given.v1")
}

func grantRevoke() act.Spec {
	return changing(policy.OnGrant, policy.GrantRevoke, "accessGrant.revoked.v1")
}
