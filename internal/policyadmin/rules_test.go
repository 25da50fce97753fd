package policyadmin_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/identity/identitytest"
	"github.com/clientele/clientele/internal/policyadmin"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

func TestADraftIsCompleteAndChangesNothing(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	shipped := rules(t, x, 1)
	from := time.Date(2026, 1, 1, 8, 0, 0, 123456789, time.FixedZone("CST", 8*3600))
	line := allow()
	line.ValidFrom = &from
	draft := drafted(t, x, 1, []policyadmin.Rule{line, {RoleKey: "list_reader", Object: "client", Action: "reveal", Scope: "DEPT", Classes: []int{1}, Effect: "allow", Condition: "kind = KEY"}}, 3, 5)
	if got := rules(t, x, 2); got != shipped {
		t.Errorf("the draft has %d rules, the base %d", got, shipped)
	}
	var last, force int64
	var state string
	x.Scan(t, `SELECT max(r.seq), (SELECT number FROM policy_versions WHERE tenant_id = $1 AND state = 'in_force'), (SELECT state FROM policy_versions WHERE tenant_id = $1 AND id = $2)
		FROM policy_rules r WHERE r.tenant_id = $1 AND r.policy_version_id = $2`, []any{draft}, &last, &force, &state)
	if last != int64(shipped) || force != 1 || state != "draft" {
		t.Errorf("last seq %d, in force %d, state %s", last, force, state)
	}
	c, err := service(x).PolicyCompare(t.Context(), x.Admin.Session, 1, 2)
	if err != nil || len(c.Added) != 2 || len(c.Removed) != 2 || c.Removed[0].Seq != 3 || c.Removed[1].Seq != 5 || c.To != draft {
		t.Fatalf("%+v %v", c, err)
	}
	for _, s := range append(c.Added, c.Removed...) {
		if s.Text.ZH == "" || s.Text.EN == "" || s.Text.ZH == s.Text.EN {
			t.Errorf("%+v", s)
		}
	}
	published(t, x, draft) // the hash of what is stored is that of what was given, whatever zone and precision it came in
	if _, err := service(x).PolicyCompare(t.Context(), x.Nobody.Session, 1, 2); err == nil {
		t.Error("somebody without the right compares")
	} else {
		identitytest.Refused(t, err, "FORBIDDEN NO_ROLE")
	}
	_, err = service(x).PolicyCompare(t.Context(), x.Admin.Session, 1, 77)
	identitytest.Refused(t, err, "NOT_FOUND NOT_FOUND")
}

func TestWhatADraftRefuses(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	change := func(f func(*policyadmin.Rule)) policyadmin.Rule {
		r := allow()
		f(&r)
		return r
	}
	until, from := time.Now(), time.Now().Add(time.Hour)
	before := x.Footprint(t)
	_, err := service(x).PolicyDraft(t.Context(), x.Admin.Session, policyadmin.PolicyDraft{BaseNumber: 1, Reason: "x", Remove: []int{1, 1, 9999}, Add: []policyadmin.Rule{
		change(func(r *policyadmin.Rule) { r.RoleKey = "nobody_knows" }),
		change(func(r *policyadmin.Rule) { r.Object = "clients" }),
		change(func(r *policyadmin.Rule) { r.Action = "reed" }),
		change(func(r *policyadmin.Rule) { r.Scope = "DEPT" }),
		change(func(r *policyadmin.Rule) { r.Object, r.Condition = "client", "colour = RED" }),
		change(func(r *policyadmin.Rule) { r.Object, r.Action = "client", "reveal" }),
		change(func(r *policyadmin.Rule) { r.Effect = "ALLOW" }),
		change(func(r *policyadmin.Rule) { r.ValidFrom, r.ValidUntil = &from, &until }),
		allow(),
	}}, identitytest.Key())
	identitytest.Refused(t, err, "INVALID_INPUT RULE_NOT_IN_BASE input.remove.1", "INVALID_INPUT RULE_NOT_IN_BASE input.remove.2",
		"INVALID_INPUT ROLE_UNKNOWN input.add.0.roleKey", "INVALID_INPUT OBJECT_UNKNOWN input.add.1.object", "INVALID_INPUT ACTION_UNKNOWN input.add.2.action",
		"INVALID_INPUT SCOPE_NOT_APPLICABLE input.add.3.dataScope", "INVALID_INPUT CONDITION_INVALID input.add.4.condition", "INVALID_INPUT CLASSES_EMPTY input.add.5.classes",
		"INVALID_INPUT EFFECT_UNKNOWN input.add.6.effect", "INVALID_INPUT VALIDITY_EMPTY input.add.7.validUntil")
	_, err = service(x).PolicyDraft(t.Context(), x.Admin.Session, policyadmin.PolicyDraft{BaseNumber: 0, Reason: " "}, identitytest.Key())
	identitytest.Refused(t, err, "INVALID_INPUT VERSION_MALFORMED input.baseNumber", "INVALID_INPUT REQUIRED input.reason", "INVALID_INPUT NOTHING_CHANGES input.add")
	x.Unchanged(t, before, 0)
	_, err = service(x).PolicyDraft(t.Context(), x.Manager.Session, policyadmin.PolicyDraft{BaseNumber: 1, Reason: "x", Remove: []int{1}}, identitytest.Key())
	identitytest.Refused(t, err, "FORBIDDEN NO_ROLE") // who publishes does not draft
	x.Unchanged(t, before, 1)
}

func TestWhatPublishingRefuses(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	s := service(x)
	publish := func(by identitytest.Person, version uuid.UUID, expected int64, want ...string) {
		t.Helper()
		before := x.Footprint(t)
		_, err := s.PolicyPublish(t.Context(), by.Session, policyadmin.PolicyPublish{PolicyVersion: version, ExpectedVersion: expected}, identitytest.Key())
		identitytest.Refused(t, err, want...)
		refusals := int64(0)
		if !strings.HasPrefix(want[0], "STALE") && !strings.HasPrefix(want[0], "INVALID_STATE") && !strings.HasPrefix(want[0], "CONFLICT") {
			refusals = 1
		}
		x.Unchanged(t, before, refusals)
	}
	first, second := drafted(t, x, 1, []policyadmin.Rule{allow()}), drafted(t, x, 1, nil, 1)
	publish(x.Manager, first, 2, "STALE_VERSION STALE_VERSION input.expectedVersion")
	publish(x.Admin, first, 1, "FORBIDDEN NO_ROLE")
	// one who may do both, as long as that is not refused by the roles themselves, still cannot publish his own draft
	x.Scan(t, `WITH b AS (INSERT INTO role_bindings (tenant_id, id, account_id, role_id, valid_from, created_at, updated_at)
		SELECT $1, $2, $3, id, $4, $4, $4 FROM roles WHERE tenant_id = $1 AND key = 'policy_auditor' RETURNING id) SELECT id::text FROM b`,
		[]any{x.IDs.New(), x.Admin.Account, time.Now().Add(-time.Hour)}, new(string))
	publish(x.Admin, first, 1, "DUTY_CONFLICT AUTHOR_PUBLISHES")
	published(t, x, first)
	publish(x.Manager, second, 1, "CONFLICT BASE_NOT_IN_FORCE input.policyVersionId")
	publish(x.Manager, first, 2, "INVALID_STATE NOT_A_DRAFT")
	if _, err := s.PolicyDiscard(t.Context(), x.Admin.Session, policyadmin.PolicyDiscard{PolicyVersion: second, ExpectedVersion: 1, Reason: "x"}, identitytest.Key()); err != nil {
		t.Fatal(err)
	}
	publish(x.Manager, second, 2, "INVALID_STATE NOT_A_DRAFT")
	_, err := s.PolicyDiscard(t.Context(), x.Admin.Session, policyadmin.PolicyDiscard{PolicyVersion: second, ExpectedVersion: 2, Reason: "x"}, identitytest.Key())
	identitytest.Refused(t, err, "INVALID_STATE NOT_A_DRAFT")
	_, err = s.PolicyDraft(t.Context(), x.Admin.Session, policyadmin.PolicyDraft{BaseNumber: 1, Reason: "x", Remove: []int{1}}, identitytest.Key())
	identitytest.Refused(t, err, "CONFLICT BASE_NOT_IN_FORCE input.baseNumber")
}

func TestAPolicyThatPutsDutiesInOneHandOrLocksOutIsNotPublished(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	write := policyadmin.Rule{RoleKey: "general_manager", Object: "policy", Action: "policy.write", Scope: "TENANT", Effect: "allow"}
	_, err := service(x).PolicyPublish(t.Context(), x.Manager.Session, policyadmin.PolicyPublish{PolicyVersion: drafted(t, x, 1, []policyadmin.Rule{write}), ExpectedVersion: 1}, identitytest.Key())
	identitytest.Refused(t, err, "DUTY_CONFLICT DUTIES_IN_ONE_HAND")
	deny := policyadmin.Rule{RoleKey: "staff", Object: "policy", Action: "role.bind", Scope: "TENANT", Effect: "deny"}
	_, err = service(x).PolicyPublish(t.Context(), x.Manager.Session, policyadmin.PolicyPublish{PolicyVersion: drafted(t, x, 1, []policyadmin.Rule{deny}), ExpectedVersion: 1}, identitytest.Key())
	identitytest.Refused(t, err, "INVALID_STATE POLICY_LOCKS_OUT")
}

func TestRollbackIsADraftOfOldRules(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	published(t, x, drafted(t, x, 1, []policyadmin.Rule{allow()}))
	open := drafted(t, x, 2, nil, 1)
	back := func(to int64, want string) {
		t.Helper()
		_, err := service(x).PolicyRollback(t.Context(), x.Admin.Session, policyadmin.PolicyRollback{ToNumber: to, Reason: "x"}, identitytest.Key())
		identitytest.Refused(t, err, want)
	}
	back(2, "INVALID_STATE ALREADY_IN_FORCE input.toNumber")
	back(3, "INVALID_STATE NEVER_IN_FORCE input.toNumber")
	back(9, "INVALID_INPUT NOT_FOUND input.toNumber")
	r, err := service(x).PolicyRollback(t.Context(), x.Admin.Session, policyadmin.PolicyRollback{ToNumber: 1, Reason: "恢复出厂"}, identitytest.Key())
	if err != nil {
		t.Fatal(err)
	}
	published(t, x, r.Subject.ID)
	c, err := service(x).PolicyCompare(t.Context(), x.Admin.Session, 1, 4)
	if err != nil || len(c.Added)+len(c.Removed) != 0 {
		t.Fatalf("%+v %v", c, err)
	}
	_, err = service(x).PolicyPublish(t.Context(), x.Manager.Session, policyadmin.PolicyPublish{PolicyVersion: open, ExpectedVersion: 1}, identitytest.Key())
	identitytest.Refused(t, err, "CONFLICT BASE_NOT_IN_FORCE input.policyVersionId")
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	role(t, x, "unheld", nil)
	line := func(role, object, action, scope, effect string, classes ...int) policyadmin.Rule {
		return policyadmin.Rule{RoleKey: role, Object: object, Action: action, Scope: scope, Effect: effect, Classes: classes}
	}
	draft := drafted(t, x, 1, []policyadmin.Rule{
		line("unheld", "client", "read", "TENANT", "allow"),
		line("list_reader", "client", "read", "DEPT", "allow"),           // list readers see the whole list already
		line("list_reader", "client", "read", "TENANT", "allow"),         // word by word
		line("staff", "contract", "reveal", "TENANT", "deny", 5),         // takes the terms from everybody
		line("list_reader", "contract#terms", "reveal", "DEPT", "allow"), // and so from these
	})
	warnings, err := service(x).PolicyLint(t.Context(), x.Admin.Session, draft)
	if err != nil {
		t.Fatal(err)
	}
	first := rules(t, x, 1) + 1
	got := map[string]bool{}
	for _, w := range warnings {
		if w.Seq >= first {
			got[fmt.Sprintf("%d %s", w.Seq-first, w.Code)] = true
		}
	}
	want := []string{"0 ROLE_UNHELD", "1 SHADOWED", "2 DUPLICATE", "4 ALWAYS_DENIED"}
	for _, k := range want {
		if !got[k] {
			t.Errorf("no warning %q among %v", k, got)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%v, want %v", got, want)
	}
	_, err = service(x).PolicyLint(t.Context(), x.Nobody.Session, draft)
	identitytest.Refused(t, err, "FORBIDDEN NO_ROLE")
	_, err = service(x).PolicyLint(t.Context(), x.Admin.Session, uuid.New())
	identitytest.Refused(t, err, "NOT_FOUND NOT_FOUND")
}

func TestRolesOfTheTenantsOwn(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	s := service(x)
	text := func(v string) *string { return &v }
	create := func(in policyadmin.RoleCreate, want ...string) {
		t.Helper()
		in.NameZH, in.NameEN = "班长", "Shift lead"
		_, err := s.RoleCreate(t.Context(), x.Admin.Session, in, identitytest.Key())
		identitytest.Refused(t, err, want...)
	}
	lead := role(t, x, "shift_lead", text("list_reader"))
	create(policyadmin.RoleCreate{Key: "shift_lead"}, "CONFLICT ROLE_KEY_TAKEN input.key")
	create(policyadmin.RoleCreate{Key: "Shift-Lead"}, "INVALID_INPUT ROLE_KEY_MALFORMED input.key")
	create(policyadmin.RoleCreate{Key: "other", ParentKey: text("nobody_knows")}, "INVALID_INPUT NOT_FOUND input.parentKey")
	create(policyadmin.RoleCreate{Key: "other", ParentKey: text("partner_app")}, "INVALID_INPUT ROLE_FOR_OTHER_KIND input.parentKey")
	create(policyadmin.RoleCreate{Key: "other", ParentKey: text("platform_operator")}, "INVALID_INPUT ROLE_FOR_OTHER_KIND input.parentKey")
	create(policyadmin.RoleCreate{Key: "other", Template: text("platform_operator")}, "INVALID_INPUT NOT_FOUND input.template")
	absent := uuid.New()
	create(policyadmin.RoleCreate{Key: "other", Company: &absent}, "INVALID_INPUT NOT_FOUND input.companyId")
	parent := "shift_lead" // itself two steps below staff
	for i := range 8 {
		key := fmt.Sprintf("deep%d", i)
		role(t, x, key, &parent)
		parent = key
	}
	create(policyadmin.RoleCreate{Key: "deep8", ParentKey: &parent}, "INVALID_INPUT ROLE_DEPTH input.parentKey")

	// the role works at once, and is retired only when nothing needs it
	p := x.Person(t, "lead")
	x.Bind(t, identity.RoleBind{Account: p.Account, RoleKey: "deep7"})
	err := x.DB.InTx(t.Context(), p.Session, func(ctx context.Context, tx *tenancy.Tx) error {
		rights, err := x.Access.For(ctx, tx)
		if err == nil && !rights.Decide(policy.OnClient, policy.Read, &policy.Row{}).Allow {
			t.Error("no rights by a role eight steps below a list reader")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	retire := func(id uuid.UUID, want string) {
		t.Helper()
		_, err := s.RoleRetire(t.Context(), x.Admin.Session, policyadmin.RoleRetire{Role: id, ExpectedVersion: 1, Reason: "x"}, identitytest.Key())
		identitytest.Refused(t, err, want)
	}
	retire(lead, "INVALID_STATE ROLE_HAS_CHILDREN")
	var held uuid.UUID
	x.Scan(t, `SELECT id FROM roles WHERE tenant_id = $1 AND key = 'deep7'`, nil, &held)
	retire(held, "INVALID_STATE ROLE_HELD")
	unused := role(t, x, "unused", nil)
	if _, err := s.RoleRetire(t.Context(), x.Admin.Session, policyadmin.RoleRetire{Role: unused, ExpectedVersion: 1, Reason: "x"}, identitytest.Key()); err != nil {
		t.Fatal(err)
	}
	_, err = s.RoleRetire(t.Context(), x.Admin.Session, policyadmin.RoleRetire{Role: unused, ExpectedVersion: 2, Reason: "x"}, identitytest.Key())
	identitytest.Refused(t, err, "INVALID_STATE ROLE_RETIRED")
	_, err = s.PolicyDraft(t.Context(), x.Admin.Session, policyadmin.PolicyDraft{BaseNumber: 1, Reason: "x", Add: []policyadmin.Rule{{RoleKey: "unused", Object: "client", Action: "read", Scope: "TENANT", Effect: "allow"}}}, identitytest.Key())
	identitytest.Refused(t, err, "INVALID_INPUT ROLE_RETIRED input.add.0.roleKey")
}
