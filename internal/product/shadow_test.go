package product_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit/world"
	"github.com/clientele/clientele/policy"
)

// shop is a tenant with a client of each of two departments and somebody of the first.
type shop struct {
	*world.Tenant
	manager   world.Person
	token     string
	near, far uuid.UUID // clients
}

func openShop(t *testing.T, w *world.World, slug string) *shop {
	t.Helper()
	x := &shop{Tenant: w.Tenant(slug), near: w.IDs.New(), far: w.IDs.New()}
	x.manager = x.Person(x.Department, "store_manager")
	x.token = sessionToken(t, x.Tenant, x.manager)
	for client, department := range map[uuid.UUID]uuid.UUID{x.near: x.Department, x.far: x.Sibling} {
		x.Exec(`INSERT INTO clients (tenant_id, id, company_id, department_id, code, name, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5, now(), now())`,
			client, x.Company, department, client.String())
	}
	return x
}

// changes asks for a new address and tells what came of it: "" when it stands in the database.
func (x *shop) changes(s *served, client uuid.UUID, address string) string {
	s.t.Helper()
	version := x.Text(`SELECT version FROM clients WHERE tenant_id = $1 AND id = $2`, client)
	a := s.ask(x.token, fmt.Sprintf(`mutation { clientChangeProfile(input: {clientId: %q, expectedVersion: %q, profile: {address: %q}, source: "来访"}, idempotencyKey: %q) { userErrors { code } } }`,
		id.Encode(id.Client, client), version, address, x.Key()), nil)
	if a.status != http.StatusOK {
		s.t.Fatal(a.status, a.body)
	}
	done := x.Text(`SELECT COALESCE(address, '') FROM clients WHERE tenant_id = $1 AND id = $2`, client) == address
	if done != strings.Contains(a.body, `"userErrors":[]`) {
		s.t.Fatalf("done %v, and the answer is %s", done, a.body)
	}
	if done {
		return ""
	}
	return regexp.MustCompile(`"code":"([A-Z_]+)"`).FindString(a.body)
}

// lists is the number of clients that the person is shown.
func (x *shop) lists(s *served) int {
	s.t.Helper()
	a := s.ask(x.token, `{ clients(first: 10) { nodes { id } } }`, nil)
	if a.status != http.StatusOK || strings.Contains(a.body, `"errors"`) {
		s.t.Fatal(a.status, a.body)
	}
	return strings.Count(a.body, `"id":"cli_`)
}

// damages turns the compiled rights of the shop's person to another department, as a fault of the memory or of the program might:
// what a Reach shows is what decides.
func (x *shop) damages(s *served, to uuid.UUID) {
	s.t.Helper()
	err := s.db.InTx(s.t.Context(), x.manager.Session, func(ctx context.Context, tx *tenancy.Tx) error {
		rights, err := s.services.Rights.For(ctx, tx)
		if err != nil {
			return err
		}
		terms := rights.Reach(policy.OnClient, policy.ClientChangeProfile).Allow
		if len(terms) != 1 || len(terms[0].IDs) != 1 {
			s.t.Fatalf("%+v", terms)
		}
		terms[0].IDs[0] = to
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// TestTheJudgesDifferInService: compiled rights that are wrong are noticed by a sampled decision of a served request. It is refused,
// operators are told by log and by the metric that their alert reads, and casbin alone decides for that tenant, whoever asks, until
// another version of its policy is in force.
func TestTheJudgesDifferInService(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	x, other := openShop(t, w, "alpha"), openShop(t, w, "beta")
	s := serveProduct(t, w)
	s.services.Shadow(1, s.tel) // every decision is a sample
	alert, err := os.ReadFile("../../deploy/observe/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	metric := regexp.MustCompile(`alert: ClientelePolicyDisagreement\s+expr: sum\(increase\((\w+)\[`).FindStringSubmatch(string(alert))
	if metric == nil {
		t.Fatal("no alert reads the metric")
	}
	alarms := func(want int) {
		t.Helper()
		r := httptest.NewRecorder()
		s.tel.Metrics().ServeHTTP(r, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		counted := regexp.MustCompile(`(?m)^`+metric[1]+`\{[^}]*action="read"[^}]*object="client"[^}]*\} (\d+)$`).FindAllStringSubmatch(r.Body.String(), -1)
		if want == 0 && len(counted) != 0 || want > 0 && (len(counted) != 1 || counted[0][1] != fmt.Sprint(want)) {
			t.Fatalf("counted %q, want %d", counted, want)
		}
		said := strings.Count(s.log.String(), "the compiled policy and casbin disagree")
		if said != want || strings.Count(s.log.String(), "tenant="+x.ID.String()) != want || strings.Contains(s.log.String(), other.ID.String()) {
			t.Fatalf("logged %d times, want %d:\n%s", said, want, s.log)
		}
	}
	both := func(when, near, far string, listed int) {
		t.Helper()
		if got := x.changes(s, x.near, when+" 1"); got != near {
			t.Errorf("%s: a client of the department: %q, want %q", when, got, near)
		}
		if got := x.changes(s, x.far, when+" 2"); got != far {
			t.Errorf("%s: a client of another department: %q, want %q", when, got, far)
		}
		if got := x.lists(s); got != listed {
			t.Errorf("%s: %d clients are listed, want %d", when, got, listed)
		}
	}
	const absent = `"code":"NOT_FOUND"`
	both("whole", "", absent, 1)
	alarms(0)

	x.damages(s, x.Sibling)
	if got := x.changes(s, x.far, "by the wrong rights"); got != absent {
		t.Errorf("what the compiled rights alone allow: %q", got)
	}
	alarms(1)
	// They were read anew; let them be wrong again: they decide nothing any more, and the lists of the question stay closed to all.
	both("tripped", "", absent, 0)
	x.damages(s, x.Sibling)
	both("tripped, and wrong again", "", absent, 0)
	colleague := *x
	colleague.manager = x.Person(x.Department, "store_manager")
	colleague.token = sessionToken(t, x.Tenant, colleague.manager)
	if got := colleague.lists(s); got != 0 {
		t.Errorf("a colleague is listed %d clients", got)
	}
	if got := colleague.changes(s, x.near, "colleague"); got != "" {
		t.Errorf("a colleague may not change what casbin allows: %s", got)
	}
	// A draft is no other version, nor is a role.
	x.Exec(`INSERT INTO roles (tenant_id, id, key, name_zh, name_en, created_at, updated_at) VALUES ($1, $2, 'idle_role', '闲', 'idle', now(), now())`, x.IDs.New())
	both("read again", "", absent, 0)
	if other.changes(s, other.near, "elsewhere") != "" || other.changes(s, other.far, "elsewhere") != absent || other.lists(s) != 1 {
		t.Error("another tenant is touched")
	}
	alarms(1)

	x.Exec(`UPDATE policy_versions SET number = number + 1 WHERE tenant_id = $1`)
	both("another version", "", absent, 1)
	alarms(1)
}
