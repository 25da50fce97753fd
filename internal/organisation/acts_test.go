package organisation_test

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/identity/identitytest"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/organisation"
	"github.com/clientele/clientele/internal/tenancy"
)

type call = identitytest.Call

// of fixes the input of a service method.
func of[In any](method func(context.Context, *tenancy.Session, In, string) (act.Result, error), in In) call {
	return func(ctx context.Context, s *tenancy.Session, key string) (act.Result, error) {
		return method(ctx, s, in, key)
	}
}

func specNamed(t testing.TB, name string) act.Spec {
	t.Helper()
	for _, s := range organisation.Specs() {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no act %s", name)
	return act.Spec{}
}

// made runs a method that must succeed and gives the id of its subject.
func made[In any](t testing.TB, x *identitytest.Tenant, method func(context.Context, *tenancy.Session, In, string) (act.Result, error), in In) uuid.UUID {
	t.Helper()
	r, err := method(t.Context(), x.Admin.Session, in, identitytest.Key())
	if err != nil {
		t.Fatal(err)
	}
	return r.Subject.ID
}

func company(t testing.TB, x *identitytest.Tenant, name string, parent *uuid.UUID) uuid.UUID {
	t.Helper()
	return made(t, x, x.Organisation.CompanyOpen, organisation.CompanyOpen{Name: name, Parent: parent})
}

func department(t testing.TB, x *identitytest.Tenant, name string, parent *uuid.UUID) uuid.UUID {
	t.Helper()
	return made(t, x, x.Organisation.DepartmentOpen, organisation.DepartmentOpen{Company: x.Company, Name: name, Kind: "SECTION", Parent: parent})
}

func TestEveryAct(t *testing.T) {
	t.Parallel()
	identitytest.EveryAct(t, organisation.Specs(), []identitytest.Case{
		{Spec: specNamed(t, "company.open"), Org: true, Make: func(t testing.TB, x *identitytest.Tenant) (call, call) {
			in := organisation.CompanyOpen{Name: "华东公司", Parent: &x.Company}
			other := in
			other.Name = "华南公司"
			return of(x.Organisation.CompanyOpen, in), of(x.Organisation.CompanyOpen, other)
		}},
		{Spec: specNamed(t, "company.change"), Org: true, Make: func(t testing.TB, x *identitytest.Tenant) (call, call) {
			in := organisation.CompanyChange{Company: x.Company, ExpectedVersion: 1, Name: input.Set("新名称")}
			other := in
			other.LegalRepresentative = input.Null[string]()
			return of(x.Organisation.CompanyChange, in), of(x.Organisation.CompanyChange, other)
		}},
		{Spec: specNamed(t, "company.dissolve"), Org: true, Make: func(t testing.TB, x *identitytest.Tenant) (call, call) {
			in := organisation.CompanyDissolve{Company: company(t, x, "空壳", &x.Company), ExpectedVersion: 1, Reason: "合并"}
			other := in
			other.Reason = "破产"
			return of(x.Organisation.CompanyDissolve, in), of(x.Organisation.CompanyDissolve, other)
		}},
		{Spec: specNamed(t, "department.open"), Org: true, Make: func(t testing.TB, x *identitytest.Tenant) (call, call) {
			in := organisation.DepartmentOpen{Company: x.Company, Name: "大客户部", Kind: "DEPARTMENT", Parent: &x.Department}
			other := in
			other.Parent = nil
			return of(x.Organisation.DepartmentOpen, in), of(x.Organisation.DepartmentOpen, other)
		}},
		{Spec: specNamed(t, "department.change"), Org: true, Make: func(t testing.TB, x *identitytest.Tenant) (call, call) {
			in := organisation.DepartmentChange{Department: department(t, x, "一科", nil), ExpectedVersion: 1, Parent: input.Set(x.Department), Head: input.Set(x.Manager.Staff)}
			other := in
			other.Head = input.Null[uuid.UUID]()
			return of(x.Organisation.DepartmentChange, in), of(x.Organisation.DepartmentChange, other)
		}},
		{Spec: specNamed(t, "department.close"), Org: true, Make: func(t testing.TB, x *identitytest.Tenant) (call, call) {
			in := organisation.DepartmentClose{Department: department(t, x, "一科", nil), ExpectedVersion: 1, Reason: "撤并"}
			other := in
			other.Reason = "误设"
			return of(x.Organisation.DepartmentClose, in), of(x.Organisation.DepartmentClose, other)
		}},
		{Spec: specNamed(t, "position.create"), Make: func(t testing.TB, x *identitytest.Tenant) (call, call) {
			duties := "开发客户\n维护档案"
			in := organisation.PositionCreate{Department: x.Department, Title: "客户经理", Duties: &duties}
			other := in
			other.Duties = nil
			return of(x.Organisation.PositionCreate, in), of(x.Organisation.PositionCreate, other)
		}},
		{Spec: specNamed(t, "staff.hire"), Org: true, Make: func(t testing.TB, x *identitytest.Tenant) (call, call) {
			phone := "13800138000"
			in := organisation.StaffHire{Number: "A007", Name: "单雄信", Phone: &phone, Department: x.Department, Superior: &x.Manager.Staff}
			other := in
			other.Phone = nil
			return of(x.Organisation.StaffHire, in), of(x.Organisation.StaffHire, other)
		}},
		{Spec: specNamed(t, "staff.transfer"), Org: true, Make: func(t testing.TB, x *identitytest.Tenant) (call, call) {
			in := organisation.StaffTransfer{Staff: x.Nobody.Staff, ExpectedVersion: 1, Department: department(t, x, "二科", nil), Superior: &x.Manager.Staff}
			other := in
			other.Superior = nil
			return of(x.Organisation.StaffTransfer, in), of(x.Organisation.StaffTransfer, other)
		}},
		{Spec: specNamed(t, "staff.changeSuperior"), Org: true, Make: func(t testing.TB, x *identitytest.Tenant) (call, call) {
			in := organisation.StaffChangeSuperior{Staff: x.Nobody.Staff, ExpectedVersion: 1, Superior: &x.Manager.Staff}
			other := in
			other.Superior = nil
			return of(x.Organisation.StaffChangeSuperior, in), of(x.Organisation.StaffChangeSuperior, other)
		}},
	})
}
