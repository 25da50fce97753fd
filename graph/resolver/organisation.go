package resolver

import (
	"context"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/clientele/clientele/graph/model"
	"github.com/clientele/clientele/graph/scalar"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/organisation"
	"github.com/clientele/clientele/internal/tenancy"
)

// Organisation has the mutations of graph/schema/organisation.graphql.
type Organisation struct{ Service *organisation.Service }

func day(d *scalar.LocalDate) *time.Time {
	if d == nil {
		return nil
	}
	t := d.ToTime(time.UTC)
	return &t
}

func departmentKind(o graphql.Omittable[*model.DepartmentKind]) input.Optional[string] {
	kind, given := o.ValueOK()
	out := input.Optional[string]{Given: given}
	if kind != nil {
		s := string(*kind)
		out.Value = &s
	}
	return out
}

// CompanyOpen resolves companyOpen.
func (r Organisation) CompanyOpen(ctx context.Context, from model.CompanyOpenInput, key string) (p model.CompanyOpenPayload, err error) {
	var d decoder
	in := organisation.CompanyOpen{
		Name:                from.Name,
		Parent:              d.optional(id.Company, "input.parentId", from.ParentID),
		UnifiedCreditCode:   from.UnifiedCreditCode,
		LegalRepresentative: from.LegalRepresentative,
	}
	p.Company, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.CompanyOpen(ctx, s, in, key)
	})
	return p, err
}

// CompanyChange resolves companyChange.
func (r Organisation) CompanyChange(ctx context.Context, from model.CompanyChangeInput, key string) (p model.CompanyChangePayload, err error) {
	var d decoder
	in := organisation.CompanyChange{
		Company:             d.id(id.Company, "input.companyId", from.CompanyID),
		ExpectedVersion:     from.ExpectedVersion,
		Name:                maybeText(from.Name),
		Parent:              d.maybe(id.Company, "input.parentId", from.ParentID),
		UnifiedCreditCode:   maybeText(from.UnifiedCreditCode),
		LegalRepresentative: maybeText(from.LegalRepresentative),
	}
	p.Company, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.CompanyChange(ctx, s, in, key)
	})
	return p, err
}

// CompanyDissolve resolves companyDissolve.
func (r Organisation) CompanyDissolve(ctx context.Context, from model.CompanyDissolveInput, key string) (p model.CompanyDissolvePayload, err error) {
	var d decoder
	in := organisation.CompanyDissolve{
		Company:         d.id(id.Company, "input.companyId", from.CompanyID),
		ExpectedVersion: from.ExpectedVersion,
		Reason:          from.Reason,
	}
	p.Company, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.CompanyDissolve(ctx, s, in, key)
	})
	return p, err
}

// DepartmentOpen resolves departmentOpen.
func (r Organisation) DepartmentOpen(ctx context.Context, from model.DepartmentOpenInput, key string) (p model.DepartmentOpenPayload, err error) {
	var d decoder
	in := organisation.DepartmentOpen{
		Company: d.id(id.Company, "input.companyId", from.CompanyID),
		Name:    from.Name,
		Kind:    string(from.Kind),
		Parent:  d.optional(id.Department, "input.parentId", from.ParentID),
	}
	p.Department, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.DepartmentOpen(ctx, s, in, key)
	})
	return p, err
}

// DepartmentChange resolves departmentChange.
func (r Organisation) DepartmentChange(ctx context.Context, from model.DepartmentChangeInput, key string) (p model.DepartmentChangePayload, err error) {
	var d decoder
	in := organisation.DepartmentChange{
		Department:      d.id(id.Department, "input.departmentId", from.DepartmentID),
		ExpectedVersion: from.ExpectedVersion,
		Name:            maybeText(from.Name),
		Kind:            departmentKind(from.Kind),
		Parent:          d.maybe(id.Department, "input.parentId", from.ParentID),
		Head:            d.maybe(id.Staff, "input.headId", from.HeadID),
	}
	p.Department, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.DepartmentChange(ctx, s, in, key)
	})
	return p, err
}

// DepartmentClose resolves departmentClose.
func (r Organisation) DepartmentClose(ctx context.Context, from model.DepartmentCloseInput, key string) (p model.DepartmentClosePayload, err error) {
	var d decoder
	in := organisation.DepartmentClose{
		Department:      d.id(id.Department, "input.departmentId", from.DepartmentID),
		ExpectedVersion: from.ExpectedVersion,
		Reason:          from.Reason,
	}
	p.Department, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.DepartmentClose(ctx, s, in, key)
	})
	return p, err
}

// PositionCreate resolves positionCreate.
func (r Organisation) PositionCreate(ctx context.Context, from model.PositionCreateInput, key string) (p model.PositionCreatePayload, err error) {
	var d decoder
	in := organisation.PositionCreate{
		Department: d.id(id.Department, "input.departmentId", from.DepartmentID),
		Title:      from.Title,
		Duties:     from.Duties,
	}
	p.Position, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.PositionCreate(ctx, s, in, key)
	})
	return p, err
}

// StaffHire resolves staffHire.
func (r Organisation) StaffHire(ctx context.Context, from model.StaffHireInput, key string) (p model.StaffHirePayload, err error) {
	var d decoder
	in := organisation.StaffHire{
		Number:     from.Number,
		Name:       from.Name,
		Phone:      from.Phone,
		Email:      from.Email,
		HiredOn:    day(from.HiredOn),
		Department: d.id(id.Department, "input.departmentId", from.DepartmentID),
		Position:   d.optional(id.Position, "input.positionId", from.PositionID),
		Superior:   d.optional(id.Staff, "input.superiorId", from.SuperiorID),
	}
	p.Staff, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.StaffHire(ctx, s, in, key)
	})
	return p, err
}

// StaffTransfer resolves staffTransfer: a position or superior left out is none.
func (r Organisation) StaffTransfer(ctx context.Context, from model.StaffTransferInput, key string) (p model.StaffTransferPayload, err error) {
	var d decoder
	in := organisation.StaffTransfer{
		Staff:           d.id(id.Staff, "input.staffId", from.StaffID),
		ExpectedVersion: from.ExpectedVersion,
		Department:      d.id(id.Department, "input.departmentId", from.DepartmentID),
		Position:        d.optional(id.Position, "input.positionId", from.PositionID.Value()),
		Superior:        d.optional(id.Staff, "input.superiorId", from.SuperiorID.Value()),
	}
	p.Staff, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.StaffTransfer(ctx, s, in, key)
	})
	return p, err
}

// StaffChangeSuperior resolves staffChangeSuperior: a superior left out is none.
func (r Organisation) StaffChangeSuperior(ctx context.Context, from model.StaffChangeSuperiorInput, key string) (p model.StaffChangeSuperiorPayload, err error) {
	var d decoder
	in := organisation.StaffChangeSuperior{
		Staff:           d.id(id.Staff, "input.staffId", from.StaffID),
		ExpectedVersion: from.ExpectedVersion,
		Superior:        d.optional(id.Staff, "input.superiorId", from.SuperiorID.Value()),
	}
	p.Staff, p.UserErrors, err = answer(ctx, &d, &in, func(s *tenancy.Session) (act.Result, error) {
		return r.Service.StaffChangeSuperior(ctx, s, in, key)
	})
	return p, err
}
