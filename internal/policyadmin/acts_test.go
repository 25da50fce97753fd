package policyadmin_test

import (
	"testing"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/identity/identitytest"
	"github.com/clientele/clientele/internal/policyadmin"
	"github.com/clientele/clientele/internal/tenancy"
)

func specNamed(t testing.TB, name string) act.Spec {
	t.Helper()
	for _, s := range policyadmin.Specs() {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no act %s", name)
	return act.Spec{}
}

func TestEveryAct(t *testing.T) {
	t.Parallel()
	manager := func(x *identitytest.Tenant) *tenancy.Session { return x.Manager.Session }
	identitytest.EveryAct(t, policyadmin.Specs(), []identitytest.Case{
		{Spec: specNamed(t, "policy.draft"), Policy: true, Make: func(t testing.TB, x *identitytest.Tenant) (call, call) {
			published(t, x, drafted(t, x, 1, []policyadmin.Rule{allow()})) // no other tenant has a version 2
			in := policyadmin.PolicyDraft{BaseNumber: 2, Reason: "收紧", Remove: []int{1}}
			other := in
			other.Remove = []int{2}
			return of(service(x).PolicyDraft, in), of(service(x).PolicyDraft, other)
		}},
		{Spec: specNamed(t, "policy.discard"), Policy: true, Make: func(t testing.TB, x *identitytest.Tenant) (call, call) {
			in := policyadmin.PolicyDiscard{PolicyVersion: drafted(t, x, 1, []policyadmin.Rule{allow()}), ExpectedVersion: 1, Reason: "作废"}
			other := in
			other.Reason = "不用了"
			return of(service(x).PolicyDiscard, in), of(service(x).PolicyDiscard, other)
		}},
		{Spec: specNamed(t, "policy.publish"), By: manager, Policy: true, Make: func(t testing.TB, x *identitytest.Tenant) (call, call) {
			in := policyadmin.PolicyPublish{PolicyVersion: drafted(t, x, 1, []policyadmin.Rule{allow()}), ExpectedVersion: 1}
			other := in
			other.ExpectedVersion = 2
			return of(service(x).PolicyPublish, in), of(service(x).PolicyPublish, other)
		}},
		{Spec: specNamed(t, "policy.rollback"), Policy: true, Make: func(t testing.TB, x *identitytest.Tenant) (call, call) {
			published(t, x, drafted(t, x, 1, []policyadmin.Rule{allow()}))
			published(t, x, drafted(t, x, 2, nil, 1))
			in := policyadmin.PolicyRollback{ToNumber: 2, Reason: "恢复"}
			other := in
			other.ToNumber = 1
			return of(service(x).PolicyRollback, in), of(service(x).PolicyRollback, other)
		}},
		{Spec: specNamed(t, "role.create"), Policy: true, Make: func(t testing.TB, x *identitytest.Tenant) (call, call) {
			parent := "list_reader"
			in := policyadmin.RoleCreate{Key: "shift_lead", NameZH: "班长", NameEN: "Shift lead", ParentKey: &parent, Company: &x.Company}
			other := in
			other.NameZH = "组长"
			return of(service(x).RoleCreate, in), of(service(x).RoleCreate, other)
		}},
		{Spec: specNamed(t, "role.retire"), Policy: true, Make: func(t testing.TB, x *identitytest.Tenant) (call, call) {
			in := policyadmin.RoleRetire{Role: role(t, x, "shift_lead", nil), ExpectedVersion: 1, Reason: "并入其他角色"}
			other := in
			other.Reason = "撤销"
			return of(service(x).RoleRetire, in), of(service(x).RoleRetire, other)
		}},
		{Spec: specNamed(t, "policyTest.add"), Make: func(t testing.TB, x *identitytest.Tenant) (call, call) {
			in := policyadmin.PolicyTestAdd{Name: "起草不发布", Expectation: "NEVER", Staff: &x.Admin.Staff, Object: "policy", Action: "policy.publish"}
			other := in
			other.Name = "另一条"
			return of(service(x).PolicyTestAdd, in), of(service(x).PolicyTestAdd, other)
		}},
		{Spec: specNamed(t, "policyTest.retire"), Make: func(t testing.TB, x *identitytest.Tenant) (call, call) {
			r, err := service(x).PolicyTestAdd(t.Context(), x.Admin.Session, policyadmin.PolicyTestAdd{Name: "起草不发布", Expectation: "NEVER", Staff: &x.Admin.Staff, Object: "policy", Action: "policy.publish"}, identitytest.Key())
			if err != nil {
				t.Fatal(err)
			}
			in := policyadmin.PolicyTestRetire{PolicyTest: r.Subject.ID, ExpectedVersion: 1, Reason: "不再需要"}
			other := in
			other.Reason = "误加"
			return of(service(x).PolicyTestRetire, in), of(service(x).PolicyTestRetire, other)
		}},
	})
}
