package policyadmin_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/identity/identitytest"
	"github.com/clientele/clientele/internal/policyadmin"
	"github.com/clientele/clientele/policy"
)

// Of random drafts, published one after the other, the simulation foretells for everybody and every question exactly the rows that
// are then gained and lost.
func TestRandomForecastsAreWhatPublishingDoes(t *testing.T) {
	t.Parallel()
	x := newTown(t)
	admin, manager := x.Person(x.Department, "tenant_admin"), x.Person(x.Department, "general_manager")
	x.people = append(x.people, admin, manager)
	random := rand.New(rand.NewPCG(10, 10))
	asked := map[string]bool{}
	for _, k := range kinds() {
		asked[fmt.Sprint(k.object, k.action)] = k.typ == "Client" || k.typ == "Contract"
	}
	rows, published, beyond := 0, 0, 0
	base := int64(1)
	before := x.snapshot(t)
	for round := int64(2); published < 6; round++ { // the number of the draft
		if round > 40 {
			t.Fatal("hardly any draft lies within the ceiling")
		}
		draft := policyadmin.PolicyDraft{BaseNumber: base, Reason: "随机"}
		for range 1 + random.IntN(3) {
			draft.Add = append(draft.Add, randomLine(random))
		}
		lines := strings.Split(x.Text(`SELECT r.seq FROM policy_rules r JOIN policy_versions v ON v.tenant_id = r.tenant_id AND v.id = r.policy_version_id
			WHERE r.tenant_id = $1 AND v.state = 'in_force' AND r.object IN ('client', 'contract') AND r.action IN ('read', 'reveal', 'contract.return') ORDER BY r.seq`), ";")
		seq, err := strconv.Atoi(lines[random.IntN(len(lines))])
		if err != nil {
			t.Fatal(err)
		}
		draft.Remove = []int{seq}
		drafted, err := x.service.PolicyDraft(t.Context(), admin.Session, draft, identitytest.Key())
		if err != nil {
			t.Fatalf("%+v: %v", draft, err)
		}
		s, err := x.service.PolicySimulate(t.Context(), x.auditor.Session, drafted.Subject.ID)
		if err != nil || s.More {
			t.Fatalf("%+v %v", s, err)
		}
		// what its publisher does not hold is foretold to him, too, and nothing of it comes about
		his, err := x.service.PolicySimulate(t.Context(), manager.Session, drafted.Subject.ID)
		if err != nil {
			t.Fatal(err)
		}
		_, err = x.service.PolicyPublish(t.Context(), manager.Session, policyadmin.PolicyPublish{PolicyVersion: drafted.Subject.ID, ExpectedVersion: 1}, identitytest.Key())
		list, _ := fault.As(err)
		refused := len(list) > 0 && list[0].Reason == "BEYOND_CEILING"
		if err != nil && !refused || refused != (len(his.OverCeiling) > 0) {
			t.Fatalf("round %d, %+v: foretold to be over the ceiling %+v, published %v", round, draft, his.OverCeiling, err)
		}
		after := x.snapshot(t)
		if refused {
			beyond++
			if !maps.EqualFunc(before, after, maps.Equal) {
				t.Fatalf("round %d, %+v: refused, and yet it changes what is reached", round, draft)
			}
			continue
		}
		published, base = published+1, round
		foretold, observed := map[string]string{}, map[string]string{}
		for _, e := range s.Effects {
			if asked[fmt.Sprint(e.Object, e.Action)] {
				foretold[fmt.Sprint(e.Staff, e.Object, e.Action)] = fmt.Sprint(e.Gained, " ", e.Lost)
			}
		}
		for key, now := range after {
			if gained, lost := less(now, before[key]), less(before[key], now); gained+lost > 0 {
				observed[key] = fmt.Sprint(gained, " ", lost)
				rows += gained + lost
			}
		}
		if !maps.Equal(foretold, observed) {
			t.Fatalf("round %d, %+v:\nforetold %v\nobserved %v", round, draft, foretold, observed)
		}
		before = after
	}
	t.Logf("%d rows gained or lost as foretold by %d versions, %d beyond the ceiling as foretold", rows, published, beyond)
	if rows < 50 || beyond == 0 {
		t.Error("the run shows little")
	}
}

// randomLine is a rule on clients or contracts.
func randomLine(random *rand.Rand) policyadmin.Rule {
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	r := policyadmin.Rule{
		RoleKey: pick("ka_sales_rep", "ka_developer", "tech_engineer", "vip_officer", "finance_officer", "staff", "hr_officer", "section_head"),
		Scope:   pick("SELF", "SUBORDINATES", "CLIENT_TEAM", "DEPT", "DEPT_TREE", "DISTRIBUTED", "COMPANY", "COMPANY_TREE", "TENANT", "GRANTED"), Effect: pick("allow", "allow", "allow", "deny"),
	}
	if random.IntN(2) == 0 {
		r.Object, r.Action, r.Condition = pick("client", "client#contacts", "client#credit"), "", pick("", "", "grade = VIP", "suspended = true", "kind != KEY")
	} else {
		r.Object, r.Condition = pick("contract", "contract#terms"), pick("", "", "amount > 1000", "state != draft", "clientGrade = A")
	}
	r.Action = "read"
	if strings.Contains(r.Object, "#") {
		r.Action = pick("peek", "reveal")
	}
	return r
}

// A version that would put two duties in one hand is published while somebody is given the role that makes it so: one of the two
// happens, never both.
func TestPublishingAndBindingAtOnceKeepDutiesApart(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t)
	published, bound := 0, 0
	for round := range 5 {
		x := w.Tenant(t, fmt.Sprintf("home%d", round))
		line := policyadmin.Rule{RoleKey: "list_reader", Object: "policy", Action: string(policy.PolicyWrite), Scope: "TENANT", Effect: "allow"}
		version := drafted(t, x, 1, []policyadmin.Rule{line})
		outcome := make(chan error, 1)
		go func() {
			_, err := service(x).PolicyPublish(t.Context(), x.Manager.Session, policyadmin.PolicyPublish{PolicyVersion: version, ExpectedVersion: 1}, identitytest.Key())
			outcome <- err
		}()
		_, binding := x.Identity.RoleBind(t.Context(), x.Admin.Session, identity.RoleBind{Account: x.Nobody.Account, RoleKey: "policy_auditor"}, identitytest.Key())
		publishing := <-outcome
		if (binding == nil) == (publishing == nil) {
			t.Fatalf("round %d: bound %v, published %v", round, binding, publishing)
		}
		if binding == nil {
			bound++
		} else {
			published++
		}
		for _, err := range []error{binding, publishing} {
			if list, ok := fault.As(err); err != nil && (!ok || list[0].Code != fault.DutyConflict) {
				t.Errorf("round %d: %v", round, err)
			}
		}
	}
	t.Logf("published %d times, bound %d times", published, bound)
}

// A role that only waits for endorsement counts against a version that would make it conflict; given up, it does not.
func TestWhatAwaitsEndorsementCountsWhenPublishing(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	version := drafted(t, x, 1, []policyadmin.Rule{{RoleKey: "list_reader", Object: "policy", Action: string(policy.PolicyWrite), Scope: "TENANT", Effect: "allow"}})
	bind := of(x.Identity.RoleBind, identity.RoleBind{Account: x.Nobody.Account, RoleKey: "policy_auditor"})
	bound, err := bind(t.Context(), x.Admin.Session, identitytest.Key())
	if err != nil {
		t.Fatal(err)
	}
	var waits bool
	x.Scan(t, `SELECT awaits_endorsement FROM role_bindings WHERE tenant_id = $1 AND id = $2`, []any{bound.Subject.ID}, &waits)
	if !waits {
		t.Fatal("the binding does not wait: the case shows nothing")
	}
	publish := of(service(x).PolicyPublish, policyadmin.PolicyPublish{PolicyVersion: version, ExpectedVersion: 1})
	before := x.Footprint(t)
	_, err = publish(t.Context(), x.Manager.Session, identitytest.Key())
	identitytest.Refused(t, err, "DUTY_CONFLICT DUTIES_IN_ONE_HAND")
	x.Unchanged(t, before, 1)
	if _, err = x.Identity.RoleUnbind(t.Context(), x.Admin.Session, identity.RoleUnbind{Binding: bound.Subject.ID, ExpectedVersion: 1, Reason: "不用了"}, identitytest.Key()); err != nil {
		t.Fatal(err)
	}
	published(t, x, version)
	_, err = bind(t.Context(), x.Admin.Session, identitytest.Key())
	identitytest.Refused(t, err, "DUTY_CONFLICT DUTIES_IN_ONE_HAND input.roleKey")
}
