package policyadmin

import (
	"context"
	"errors"
	"regexp"
	"slices"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/ent/db/company"
	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

var roleKey = regexp.MustCompile(`^[a-z][a-z0-9_]{1,62}$`)

// RoleCreate: permission role.create. The role has the rules of its parent at once; rules of its own come with a draft.
// CONFLICT ROLE_KEY_TAKEN, also by a retired role; INVALID_INPUT NOT_FOUND for parent, template and company, ROLE_DEPTH for
// a chain that is too long, ROLE_FOR_OTHER_KIND when parent and template are for different kinds of accounts.
func (s *Service) RoleCreate(ctx context.Context, session *tenancy.Session, in RoleCreate, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, roleCreate(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		row := &policy.Row{}
		if in.Company != nil {
			row.Company = *in.Company
		}
		if err := require(w, act.Subject{Type: typeRole}, row); err != nil {
			return act.Result{}, err
		}
		if in.Company != nil {
			c, err := w.Ent().Company.Query().Where(company.TenantID(w.Tenant()), company.ID(*in.Company)).Only(ctx)
			if entdb.IsNotFound(err) || err == nil && (c.State != stateActive || !w.Rights.Decide(policy.OnOrganisation, policy.Read, &policy.Row{ID: c.ID, Company: c.ID}).Allow) {
				return act.Result{}, absentReference("input.companyId")
			}
			if err != nil {
				return act.Result{}, wrap("company", err)
			}
		}
		roles, err := rolesByKey(ctx, w.Tx)
		if err != nil {
			return act.Result{}, err
		}
		if roles[in.Key] != nil {
			return act.Result{}, fault.Conflicts("input.key", "ROLE_KEY_TAKEN", fault.Text{ZH: "角色键已被使用", EN: "the key is another role's"}, fault.Text{ZH: "请换一个角色键", EN: "choose another key"})
		}
		create := w.Ent().Role.Create().SetID(w.IDs.New()).SetTenantID(w.Tenant()).SetKey(in.Key).SetNameZh(in.NameZH).SetNameEn(in.NameEN).SetNillableTemplate(in.Template).
			SetNillableCompanyID(in.Company).SetCreatedAt(w.Now()).SetNillableCreatedBy(w.Staff()).SetUpdatedAt(w.Now()).SetNillableUpdatedBy(w.Staff())
		parent, err := parentOf(ctx, w, in, roles)
		if err != nil {
			return act.Result{}, err
		}
		if parent != nil {
			create.SetParentID(parent.ID)
		}
		r, err := create.Save(ctx)
		if err != nil {
			return act.Result{}, wrap("write role", err)
		}
		return act.Result{
			Subject: act.Subject{Type: typeRole, ID: r.ID, Version: r.Version}, Snapshot: roleSnapshot(r),
			Changes: []act.Change{{Field: "key", New: r.Key}, {Field: "nameZh", New: r.NameZh}, {Field: "nameEn", New: r.NameEn}, {Field: "parent", New: in.ParentKey}, {Field: "template", New: in.Template}},
		}, nil
	})
}

// parentOf is the role to inherit from, once it is clear that policy still compiles with it; nil for none.
func parentOf(ctx context.Context, w *act.Work, in RoleCreate, roles map[string]*entdb.Role) (*entdb.Role, error) {
	if in.Template != nil && !slices.ContainsFunc(policy.ShippedRoles(), func(r policy.ShippedRole) bool { return r.Key == *in.Template && r.Holder != "OPERATOR" }) {
		return nil, absentReference("input.template")
	}
	if in.ParentKey == nil {
		return nil, nil
	}
	parent := roles[*in.ParentKey]
	if parent == nil || parent.State != stateActive {
		return nil, absentReference("input.parentKey")
	}
	// SECURITY: a role for staff that inherits from one for apps or for the operator would carry their rules over.
	wants, _ := identity.HolderOf(parent)
	if has, _ := identity.HolderOf(&entdb.Role{Key: in.Key, Template: in.Template}); has != wants {
		return nil, fault.Invalid("input.parentKey", "ROLE_FOR_OTHER_KIND", fault.Text{ZH: "上级角色适用于另一类账号", EN: "the parent is for another kind of account"}, fault.Text{})
	}
	current, err := versionInForce(ctx, w.Tx)
	if err != nil {
		return nil, err
	}
	rules, err := access.Rules(ctx, w.Tx, current.ID)
	if err != nil {
		return nil, err
	}
	inherits, err := access.Inherits(ctx, w.Tx)
	if err != nil {
		return nil, err
	}
	// SECURITY: a chain that is too deep would keep the policy from being loaded, and the tenant from being served.
	classes, err := access.Classes(ctx, w.Tx, current.ID)
	if err != nil {
		return nil, err
	}
	_, err = policy.CompileWith(current.Number, rules, append(inherits, [2]string{in.Key, parent.Key}), classes)
	var bad *policy.CompileError
	if errors.As(err, &bad) {
		p := bad.Problems[0]
		return nil, fault.Invalid("input.parentKey", p.Code, fault.Text(p.Message), fault.Text{})
	}
	return parent, wrap("compile", err)
}
