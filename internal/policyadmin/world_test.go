package policyadmin_test

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/identity/identitytest"
	"github.com/clientele/clientele/internal/policyadmin"
	"github.com/clientele/clientele/internal/tenancy"
)

type call = identitytest.Call

// of fixes the input of a service method.
func of[In any](method func(context.Context, *tenancy.Session, In, string) (act.Result, error), in In) call {
	return func(ctx context.Context, s *tenancy.Session, key string) (act.Result, error) {
		return method(ctx, s, in, key)
	}
}

func service(x *identitytest.Tenant) *policyadmin.Service {
	return policyadmin.New(x.Runner, x.DB, x.Access)
}

// allow is a line that gives list readers the records of the audit: no shipped rule does.
func allow() policyadmin.Rule {
	return policyadmin.Rule{RoleKey: "list_reader", Object: "audit", Action: "read", Scope: "TENANT", Effect: "allow"}
}

// drafted makes a draft out of the version in force.
func drafted(t testing.TB, x *identitytest.Tenant, base int64, add []policyadmin.Rule, remove ...int) uuid.UUID {
	t.Helper()
	r, err := service(x).PolicyDraft(t.Context(), x.Admin.Session, policyadmin.PolicyDraft{BaseNumber: base, Reason: "调整", Add: add, Remove: remove}, identitytest.Key())
	if err != nil {
		t.Fatal(err)
	}
	return r.Subject.ID
}

// published brings a draft into force.
func published(t testing.TB, x *identitytest.Tenant, version uuid.UUID) {
	t.Helper()
	if _, err := service(x).PolicyPublish(t.Context(), x.Manager.Session, policyadmin.PolicyPublish{PolicyVersion: version, ExpectedVersion: 1}, identitytest.Key()); err != nil {
		t.Fatal(err)
	}
}

// rules is how many a version has.
func rules(t testing.TB, x *identitytest.Tenant, number int64) (n int) {
	t.Helper()
	x.Scan(t, `SELECT count(*) FROM policy_rules r JOIN policy_versions v ON v.tenant_id = r.tenant_id AND v.id = r.policy_version_id WHERE r.tenant_id = $1 AND v.number = $2`, []any{number}, &n)
	return n
}

// role makes a role of the tenant's own.
func role(t testing.TB, x *identitytest.Tenant, key string, parent *string) uuid.UUID {
	t.Helper()
	r, err := service(x).RoleCreate(t.Context(), x.Admin.Session, policyadmin.RoleCreate{Key: key, NameZH: "班长", NameEN: "Shift lead", ParentKey: parent}, identitytest.Key())
	if err != nil {
		t.Fatal(err)
	}
	return r.Subject.ID
}
