package resolver

import (
	"context"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/graph/model"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/policyadmin"
	"github.com/clientele/clientele/internal/read"
	"github.com/clientele/clientele/internal/tenancy"
)

// Identity has the mutations of graph/schema/identity.graphql. Reach tells what somebody could still see, and whom to ask
// about a role that waits.
type Identity struct {
	Service *identity.Service
	Reach   *policyadmin.Service
}

// AccountCreate resolves accountCreate.
func (r Identity) AccountCreate(ctx context.Context, from model.AccountCreateInput, key string) (p model.AccountCreatePayload, err error) {
	var d decoder
	in := identity.AccountCreate{
		Staff:       d.optional(id.Staff, "input.staffId", from.StaffID),
		DisplayName: from.DisplayName,
		Login:       from.Login,
		Password:    from.Password,
	}
	p.Account, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.AccountCreate(ctx, s, in, key)
	})
	return p, err
}

// AccountSuspend resolves accountSuspend.
func (r Identity) AccountSuspend(ctx context.Context, from model.AccountSuspendInput, key string) (p model.AccountSuspendPayload, err error) {
	var d decoder
	in := identity.AccountSuspend{
		Account:         d.id(id.Account, "input.accountId", from.AccountID),
		ExpectedVersion: from.ExpectedVersion,
		Reason:          from.Reason,
	}
	p.Account, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.AccountSuspend(ctx, s, in, key)
	})
	if err == nil && p.Account != nil {
		// As it is when the answer is made, also for a replay. The account is suspended whether it can be counted or not.
		if left, failed := r.Reach.ReachOfAccount(ctx, graph.SessionFrom(ctx), p.Account.ID); failed == nil {
			p.ReachableRows = &left.Rows
		}
	}
	return p, err
}

// AccountReinstate resolves accountReinstate.
func (r Identity) AccountReinstate(ctx context.Context, from model.AccountReinstateInput, key string) (p model.AccountReinstatePayload, err error) {
	var d decoder
	in := identity.AccountReinstate{
		Account:         d.id(id.Account, "input.accountId", from.AccountID),
		ExpectedVersion: from.ExpectedVersion,
		Reason:          from.Reason,
	}
	p.Account, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.AccountReinstate(ctx, s, in, key)
	})
	return p, err
}

// AccountChangePassword resolves accountChangePassword.
func (r Identity) AccountChangePassword(ctx context.Context, from model.AccountChangePasswordInput, key string) (p model.AccountChangePasswordPayload, err error) {
	var d decoder
	in := identity.AccountChangePassword{
		Account: d.optional(id.Account, "input.accountId", from.AccountID),
		Current: from.CurrentPassword,
		New:     from.NewPassword,
	}
	p.Account, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.AccountChangePassword(ctx, s, in, key)
	})
	return p, err
}

// SessionRevoke resolves sessionRevoke.
func (r Identity) SessionRevoke(ctx context.Context, from model.SessionRevokeInput, key string) (p model.SessionRevokePayload, err error) {
	var d decoder
	in := identity.SessionRevoke{
		Session: d.id(id.Session, "input.sessionId", from.SessionID),
	}
	p.Session, p.UserErrors, err = answer(ctx, &d, nil, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.SessionRevoke(ctx, s, in, key)
	})
	return p, err
}

// APITokenRevoke resolves apiTokenRevoke.
func (r Identity) APITokenRevoke(ctx context.Context, from model.APITokenRevokeInput, key string) (p model.APITokenRevokePayload, err error) {
	var d decoder
	in := identity.APITokenRevoke{
		Token: d.id(id.APIToken, "input.apiTokenId", from.APITokenID),
	}
	p.APIToken, p.UserErrors, err = answer(ctx, &d, nil, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.APITokenRevoke(ctx, s, in, key)
	})
	return p, err
}

// RoleBind resolves roleBind.
func (r Identity) RoleBind(ctx context.Context, from model.RoleBindInput, key string) (p model.RoleBindPayload, err error) {
	var d decoder
	in := identity.RoleBind{
		Account:    d.id(id.Account, "input.accountId", from.AccountID),
		RoleKey:    from.RoleKey,
		Company:    d.optional(id.Company, "input.companyId", from.CompanyID),
		Department: d.optional(id.Department, "input.departmentId", from.DepartmentID),
		ValidFrom:  from.ValidFrom,
		ValidUntil: from.ValidUntil,
	}
	p.Endorsers = []*read.Ref{}
	p.RoleBinding, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.RoleBind(ctx, s, in, key)
	})
	if err == nil && p.RoleBinding != nil {
		if ask, failed := r.Reach.RoleEndorsers(ctx, graph.SessionFrom(ctx), p.RoleBinding.ID); failed == nil { // the binding stands all the same
			for _, staff := range ask {
				p.Endorsers = append(p.Endorsers, ref("Staff", staff))
			}
		}
	}
	return p, err
}

// RoleEndorse resolves roleEndorse.
func (r Identity) RoleEndorse(ctx context.Context, from model.RoleEndorseInput, key string) (p model.RoleEndorsePayload, err error) {
	var d decoder
	in := identity.RoleEndorse{
		Binding:         d.id(id.RoleBinding, "input.roleBindingId", from.RoleBindingID),
		ExpectedVersion: from.ExpectedVersion,
	}
	p.RoleBinding, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.RoleEndorse(ctx, s, in, key)
	})
	return p, err
}

// RoleUnbind resolves roleUnbind.
func (r Identity) RoleUnbind(ctx context.Context, from model.RoleUnbindInput, key string) (p model.RoleUnbindPayload, err error) {
	var d decoder
	in := identity.RoleUnbind{
		Binding:         d.id(id.RoleBinding, "input.roleBindingId", from.RoleBindingID),
		ExpectedVersion: from.ExpectedVersion,
		Reason:          from.Reason,
	}
	p.RoleBinding, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.RoleUnbind(ctx, s, in, key)
	})
	return p, err
}

// AccessGrantGive resolves accessGrantGive.
func (r Identity) AccessGrantGive(ctx context.Context, from model.AccessGrantGiveInput, key string) (p model.AccessGrantGivePayload, err error) {
	var d decoder
	in := identity.AccessGrantGive{
		Grantee:    d.id(id.Staff, "input.granteeId", from.GranteeID),
		Client:     d.id(id.Client, "input.clientId", from.ClientID),
		Classes:    from.Classes,
		Purpose:    from.Purpose,
		ValidFrom:  from.ValidFrom,
		ValidUntil: from.ValidUntil,
	}
	p.AccessGrant, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.AccessGrantGive(ctx, s, in, key)
	})
	return p, err
}

// AccessGrantRevoke resolves accessGrantRevoke.
func (r Identity) AccessGrantRevoke(ctx context.Context, from model.AccessGrantRevokeInput, key string) (p model.AccessGrantRevokePayload, err error) {
	var d decoder
	in := identity.AccessGrantRevoke{
		Grant:           d.id(id.Grant, "input.accessGrantId", from.AccessGrantID),
		ExpectedVersion: from.ExpectedVersion,
		Reason:          from.Reason,
	}
	p.AccessGrant, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.AccessGrantRevoke(ctx, s, in, key)
	})
	return p, err
}

// APITokenIssue resolves apiTokenIssue: the secret is in this payload and nowhere else.
func (r Identity) APITokenIssue(ctx context.Context, from model.APITokenIssueInput, key string) (p model.APITokenIssuePayload, err error) {
	var d decoder
	in := identity.APITokenIssue{
		Account:   d.optional(id.Account, "input.accountId", from.AccountID),
		Name:      from.Name,
		Scopes:    from.Scopes,
		ExpiresAt: from.ExpiresAt,
	}
	p.APIToken, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		result, secret, err := r.Service.APITokenIssue(ctx, s, in, key)
		if err == nil && secret != "" {
			p.Secret = &secret
		}
		return result, err
	})
	return p, err
}
