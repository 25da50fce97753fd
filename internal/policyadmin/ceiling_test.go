package policyadmin_test

import (
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/policyadmin"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit/world"
	"github.com/clientele/clientele/policy"
)

// court is a town whose policy is made anew every round: a few questions, wide roles and narrow ones, people who hold some of
// them somewhere, who bind, endorse, draft, publish and grant.
type court struct {
	*town
	random   *mathrand.Rand
	identity *identity.Service
	roles    map[string]uuid.UUID
	kinds    []kind
	anchors  [][2]*uuid.UUID
	tried    map[string]int // by way
	accepted map[string]int
}

const roleCount = 10 // r0 to r3 are wide

func newCourt(t *testing.T, seed uint64) *court {
	t.Helper()
	x := &court{town: newTown(t), random: mathrand.New(mathrand.NewPCG(seed, 11)), roles: map[string]uuid.UUID{}, kinds: kinds(), tried: map[string]int{}, accepted: map[string]int{}}
	x.identity = identity.New(x.Runner, x.DB, credential.NewHasher(1), rand.Reader)
	x.people = x.people[:8]
	for i, p := range x.people[1:] {
		x.Exec(`UPDATE employments SET superior_id = $3 WHERE tenant_id = $1 AND staff_id = $2`, p.Staff, x.people[i/2].Staff)
	}
	names := []string{"binder", "endorser"}
	for n := range roleCount {
		names = append(names, fmt.Sprintf("r%d", n))
	}
	for _, name := range names {
		x.roles[name] = x.IDs.New()
		x.Exec(`INSERT INTO roles (tenant_id, id, key, name_zh, name_en, created_at, updated_at) VALUES ($1, $2, $3, $3, $3, now(), now())`, x.roles[name], name)
	}
	x.anchors = [][2]*uuid.UUID{
		{nil, nil}, {nil, nil}, {&x.Company, nil}, {&x.OtherCompany, nil}, {nil, &x.Department}, {nil, &x.Section}, {nil, &x.Sibling}, {nil, &x.OtherDepartment},
	}
	return x
}

func choose[T any](x *court, of ...T) T { return of[x.random.IntN(len(of))] }

// rule is a random rule of a role about one of the questions of the round.
func (x *court) rule(role string, wide bool, questions []kind) policy.Rule {
	k := choose(x, questions...)
	r := policy.Rule{Role: role, Object: k.object, Action: k.action, Effect: policy.Allow}
	entity, _ := policy.EntityOf(k.object)
	i := slices.IndexFunc(policy.Catalogue(), func(e policy.Entity) bool { return e.Object == entity })
	scopes := slices.DeleteFunc(slices.Clone(policy.Catalogue()[i].Scopes), func(s policy.Scope) bool { return s == policy.Partnership })
	r.Scope = choose(x, scopes...)
	if wide {
		r.Scope = choose(x, policy.Tenant, policy.Tenant, policy.Company, policy.CompanyTree, policy.DeptTree)
	}
	conditions := []string{""}
	switch entity {
	case policy.OnClient:
		conditions = []string{"", "", "grade = VIP", "grade != A", "kind = KEY", "kind != KEY", "important = true & grade = VIP", "stage = trading"}
	case policy.OnContract:
		conditions = []string{"", "", "state = review", "state != draft", "amount <= 100", "amount < 9000000", "amount != 100", "clientKind = KEY & amount > 50"}
	}
	r.Condition = choose(x, conditions...)
	if x.random.IntN(12) == 0 {
		r.Effect = policy.Deny
	}
	return r
}

// round makes the policy and the bindings anew, past every act.
func (x *court) round(t *testing.T) (questions []kind) {
	t.Helper()
	for range 3 {
		questions = append(questions, choose(x, x.kinds...))
	}
	// whoever directs sees more than he does
	questions = append(questions, kind{object: policy.OnClient, action: policy.Read}, kind{object: policy.ClientStandard, action: policy.Reveal}, kind{object: policy.ClientList, action: policy.Reveal})
	tenant := func(role string, o policy.Object, actions ...policy.Action) (out []policy.Rule) {
		for _, a := range actions {
			out = append(out, policy.Rule{Role: role, Object: o, Action: a, Scope: policy.Tenant, Effect: policy.Allow})
		}
		return out
	}
	var rules []policy.Rule
	for _, role := range []string{"binder", "endorser"} {
		rules = append(rules, tenant(role, policy.OnAccount, policy.Read)...)
		rules = append(rules, tenant(role, policy.OnStaff, policy.Read)...)
		rules = append(rules, tenant(role, policy.OnOrganisation, policy.Read)...)
		rules = append(rules, tenant(role, policy.OnPolicy, policy.Read, policy.PolicyRead)...)
		rules = append(rules, tenant(role, policy.PolicyRules, policy.Write, policy.Reveal)...)
	}
	rules = append(rules, tenant("binder", policy.OnPolicy, policy.RoleBind, policy.PolicyWrite)...)
	rules = append(rules, tenant("binder", policy.OnGrant, policy.GrantGive)...)
	rules = append(rules, tenant("binder", policy.GrantAdmin, policy.Write)...)
	rules = append(rules, tenant("endorser", policy.OnPolicy, policy.RoleEndorse, policy.PolicyPublish)...)
	// r0 sees all of the archive somewhere, r9 what is granted
	seen := choose(x, policy.Tenant, policy.Company, policy.DeptTree)
	for _, s := range []struct {
		role  string
		scope policy.Scope
	}{{"r0", seen}, {"r9", policy.Granted}} {
		for _, o := range []policy.Object{policy.OnClient, policy.OnContract} {
			rules = append(rules, policy.Rule{Role: s.role, Object: o, Action: policy.Read, Scope: s.scope, Effect: policy.Allow})
		}
		for _, o := range []policy.Object{policy.ClientList, policy.ClientStandard, policy.ClientContacts, policy.ClientDealings, policy.ClientCredit, policy.ContractSummary, policy.ContractTerms} {
			rules = append(rules, policy.Rule{Role: s.role, Object: o, Action: policy.Reveal, Scope: s.scope, Effect: policy.Allow})
		}
	}
	for n := range roleCount {
		most := 3
		if n >= 4 {
			most = 2
		}
		for range 1 + x.random.IntN(most) {
			rules = append(rules, x.rule(fmt.Sprintf("r%d", n), n < 4, questions))
		}
	}
	x.Exec(`DELETE FROM policy_rules WHERE tenant_id = $1`)
	for i, r := range rules {
		x.Exec(`INSERT INTO policy_rules (tenant_id, id, policy_version_id, seq, role_key, object, action, data_scope, class_mask, condition, effect)
			SELECT $1, $2, id, $3, $4, $5, $6, $7, 0, $8, $9 FROM policy_versions WHERE tenant_id = $1 AND state = 'in_force'`,
			x.IDs.New(), i+1, r.Role, string(r.Object), string(r.Action), r.Scope.String(), r.Condition, r.Effect.String())
	}
	x.Exec(`UPDATE policy_versions SET state = 'discarded' WHERE tenant_id = $1 AND state = 'draft'`)
	x.Exec(`UPDATE role_bindings SET revoked_at = now() WHERE tenant_id = $1 AND revoked_at IS NULL`)
	x.Exec(`UPDATE access_grants SET revoked_at = now() WHERE tenant_id = $1 AND created_by IS NOT NULL AND revoked_at IS NULL`)
	for i, p := range x.people {
		x.bindPast(p, []string{"binder", "endorser"}[i%2], [2]*uuid.UUID{})
		if i < 6 {
			x.bindPast(p, fmt.Sprintf("r%d", choose(x, 0, 0, 1, 2, 3)), choose(x, x.anchors...))
			x.bindPast(p, fmt.Sprintf("r%d", choose(x, 1, 2, 3)), choose(x, x.anchors...))
		} else {
			x.bindPast(p, "r9", [2]*uuid.UUID{})
		}
		if i%3 == 0 {
			x.bindPast(p, fmt.Sprintf("r%d", x.random.IntN(roleCount)), choose(x, x.anchors...))
		}
	}
	return questions
}

// bindPast binds past every act.
func (x *court) bindPast(p world.Person, role string, anchor [2]*uuid.UUID) {
	x.Exec(`INSERT INTO role_bindings (tenant_id, id, account_id, role_id, company_id, department_id, valid_from, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, now() - interval '1 day', now(), now())`,
		x.IDs.New(), p.Account, x.roles[role], anchor[0], anchor[1])
}

type rowset map[string]map[uuid.UUID]bool // by question

func question(o policy.Object, a policy.Action) string { return string(o) + " " + string(a) }

// reach is what somebody's rights of now reach, by the predicates of reads run over the rows; own leaves out what was granted to him.
func (x *court) reach(t *testing.T, p world.Person, own bool) rowset {
	t.Helper()
	out := rowset{}
	err := x.DB.InTx(t.Context(), p.Session, func(ctx context.Context, tx *tenancy.Tx) error {
		rights, err := x.rights.For(ctx, tx)
		if err != nil {
			return err
		}
		b := &pgx.Batch{}
		var asked []kind
		add := func(k kind) {
			reach := rights.Reach(k.object, k.action)
			if own {
				reach.Allow = slices.DeleteFunc(slices.Clone(reach.Allow), func(term policy.Term) bool { return term.Scope == policy.Granted })
			}
			args := []any{x.ID, tx.Now()}
			cols := k.cols
			cols.Tenant, cols.Now = "t.tenant_id", "$2::timestamptz"
			where := policy.SQL(reach, cols, func(v any) string {
				args = append(args, v)
				return fmt.Sprintf("$%d", len(args))
			})
			b.Queue(`SELECT `+k.id+` FROM `+k.from+` WHERE t.tenant_id = $1 AND $2::timestamptz IS NOT NULL AND `+where, args...)
			asked = append(asked, k)
		}
		for _, k := range x.kinds {
			add(k)
			if k.action == policy.Read && k.typ == "Client" { // what directing needs besides
				k.object, k.action = policy.ClientList, policy.Reveal
				add(k)
				k.object, k.action = policy.ClientDealings, policy.Reveal
				add(k)
			}
			if k.action == policy.Read && k.typ == "Contract" {
				k.object, k.action = policy.ContractSummary, policy.Reveal
				add(k)
			}
		}
		br := tx.SendBatch(ctx, b)
		defer br.Close()
		for _, k := range asked {
			rows, err := br.Query()
			if err != nil {
				return err
			}
			ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
			if err != nil {
				return err
			}
			set := map[uuid.UUID]bool{}
			for _, u := range ids {
				set[u] = true
			}
			out[question(k.object, k.action)] = set
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// behind is somebody who stands behind a delegation, as he was before it.
type behind struct {
	rowset
	directs bool
}

func (x *court) behind(t *testing.T, i int) behind {
	return behind{x.reach(t, x.people[i], true), i%2 == 1}
}

// holds tells whether a gained row is one of somebody's: held by him, or of an act on the archive that he directs.
func (b behind) holds(k kind, row uuid.UUID) bool {
	if b.rowset[question(k.object, k.action)][row] {
		return true
	}
	entity, _ := policy.EntityOf(k.object)
	if !b.directs || entity != policy.OnClient && entity != policy.OnContract {
		return false
	}
	var groups []policy.Object
	for _, e := range policy.Catalogue() {
		for _, a := range e.Acts {
			if a.Action == k.action {
				groups = a.Writes
			}
		}
	}
	if k.action == policy.Write {
		groups = []policy.Object{k.object}
	}
	if len(groups) == 0 || !b.rowset[question(entity, policy.Read)][row] {
		return false
	}
	return !slices.ContainsFunc(groups, func(g policy.Object) bool { return !b.rowset[question(g, policy.Reveal)][row] })
}

// beyond names what somebody gained that none of those behind it held.
func (x *court) beyond(person world.Person, before, after rowset, by ...behind) string {
	for _, k := range x.kinds {
		q := question(k.object, k.action)
		for row := range after[q] {
			if before[q][row] || k.typ == "Staff" && row == person.Staff {
				continue
			}
			if !slices.ContainsFunc(by, func(b behind) bool { return b.holds(k, row) }) {
				return fmt.Sprintf("%s gained %s on %s", person.Name, q, row)
			}
		}
	}
	return ""
}

// one tries one delegation of any kind and gives what is wrong with it.
func (x *court) one(t *testing.T, questions []kind) string {
	t.Helper()
	giver, grantee := choose(x, 0, 2, 4, 6), x.random.IntN(len(x.people))
	if giver == grantee {
		return ""
	}
	switch n := x.random.IntN(20); {
	case n == 0:
		return x.publish(t, giver, questions)
	case n < 4:
		return x.grant(t, giver, grantee)
	}
	anchor := choose(x, x.anchors...)
	in := identity.RoleBind{Account: x.people[grantee].Account, RoleKey: fmt.Sprintf("r%d", x.random.IntN(roleCount)), Company: anchor[0], Department: anchor[1]}
	if x.random.IntN(4) == 0 {
		until := time.Now().Add(time.Duration(1+x.random.IntN(100)) * time.Hour)
		in.ValidUntil = &until
	}
	before, gives := x.reach(t, x.people[grantee], false), x.behind(t, giver)
	x.tried["bind"]++
	bound, err := x.identity.RoleBind(t.Context(), x.people[giver].Session, in, x.Key())
	if err != nil {
		return refusedAs(err, "CONFLICT", "FORBIDDEN", "INVALID_INPUT") // a place that he may not see is none
	}
	waits := x.Text(`SELECT awaits_endorsement FROM role_bindings WHERE tenant_id = $1 AND id = $2`, bound.Subject.ID) == "true"
	defer x.Exec(`UPDATE role_bindings SET revoked_at = now() WHERE tenant_id = $1 AND id = $2`, bound.Subject.ID)
	if !waits {
		x.accepted["bind"]++
		return x.beyond(x.people[grantee], before, x.reach(t, x.people[grantee], false), gives)
	}
	if after := x.reach(t, x.people[grantee], false); x.beyond(x.people[grantee], before, after) != "" {
		return "a binding that waits gives something"
	}
	endorser := choose(x, 1, 3, 5, 7)
	second := x.behind(t, endorser)
	x.tried["endorse"]++
	_, err = x.identity.RoleEndorse(t.Context(), x.people[endorser].Session, identity.RoleEndorse{Binding: bound.Subject.ID, ExpectedVersion: 1}, x.Key())
	if err != nil {
		return refusedAs(err, "FORBIDDEN", "DUTY_CONFLICT", "CONFLICT")
	}
	x.accepted["endorse"]++
	return x.beyond(x.people[grantee], before, x.reach(t, x.people[grantee], false), gives, second)
}

func (x *court) grant(t *testing.T, giver, grantee int) string {
	classes := []int{choose(x, 0, 1, 2, 3, 4, 5)}
	in := identity.AccessGrantGive{Grantee: x.people[grantee].Staff, Client: choose(x, x.rows["Client"]...), Classes: classes, Purpose: "x", ValidUntil: time.Now().Add(time.Hour)}
	before, gives := x.reach(t, x.people[grantee], false), x.behind(t, giver)
	gives.directs = false
	x.tried["grant"]++
	if _, err := x.identity.AccessGrantGive(t.Context(), x.people[giver].Session, in, x.Key()); err != nil {
		return refusedAs(err, "FORBIDDEN", "INVALID_INPUT")
	}
	x.accepted["grant"]++
	// A grant opens what its classes stand for; acts and filters on the client go the way of roles.
	seen := *x
	seen.kinds = slices.DeleteFunc(slices.Clone(x.kinds), func(k kind) bool { return k.action != policy.Reveal && k.action != policy.Peek })
	wrong := seen.beyond(x.people[grantee], before, x.reach(t, x.people[grantee], false), gives)
	x.Exec(`UPDATE access_grants SET revoked_at = now() WHERE tenant_id = $1 AND created_by IS NOT NULL AND revoked_at IS NULL`)
	return wrong
}

func (x *court) publish(t *testing.T, author int, questions []kind) string {
	publisher := choose(x, 1, 3, 5, 7)
	r := x.rule(fmt.Sprintf("r%d", x.random.IntN(roleCount)), x.random.IntN(2) == 0, questions)
	line := policyadmin.Rule{RoleKey: r.Role, Object: string(r.Object), Action: string(r.Action), Scope: r.Scope.String(), Condition: r.Condition, Effect: r.Effect.String()}
	var base int64
	if _, err := fmt.Sscan(x.Text(`SELECT number FROM policy_versions WHERE tenant_id = $1 AND state = 'in_force'`), &base); err != nil {
		t.Fatal(err)
	}
	drafted, err := x.service.PolicyDraft(t.Context(), x.people[author].Session, policyadmin.PolicyDraft{BaseNumber: base, Reason: "x", Add: []policyadmin.Rule{line}}, x.Key())
	if err != nil {
		return err.Error()
	}
	var before []rowset
	for _, p := range x.people {
		before = append(before, x.reach(t, p, false))
	}
	by := []behind{x.behind(t, author), x.behind(t, publisher)}
	x.tried["publish"]++
	if _, err = x.service.PolicyPublish(t.Context(), x.people[publisher].Session, policyadmin.PolicyPublish{PolicyVersion: drafted.Subject.ID, ExpectedVersion: 1}, x.Key()); err != nil {
		return refusedAs(err, "FORBIDDEN")
	}
	x.accepted["publish"]++
	for i, p := range x.people {
		if wrong := x.beyond(p, before[i], x.reach(t, p, false), by...); wrong != "" {
			return wrong
		}
	}
	return ""
}

// refusedAs is empty for a refusal of one of the codes.
func refusedAs(err error, codes ...string) string {
	if slices.Contains(codes, string(fault.CodeOf(err))) {
		return ""
	}
	return err.Error()
}

// Whatever is bound, endorsed, published or granted by whomever: what people gain, by the predicates run over the rows, those
// who gave it held.
func TestNobodyGivesMoreThanHeHolds(t *testing.T) {
	t.Parallel()
	x := newCourt(t, 5)
	for range 26 {
		questions := x.round(t)
		for range 50 {
			if wrong := x.one(t, questions); wrong != "" {
				t.Fatal(wrong)
			}
		}
	}
	t.Logf("tried %v, accepted %v", x.tried, x.accepted)
	accepted := x.accepted["bind"] + x.accepted["endorse"] + x.accepted["grant"] + x.accepted["publish"]
	if accepted < 300 || x.accepted["bind"] < 50 || x.accepted["endorse"] < 50 || x.accepted["publish"] < 3 || x.accepted["grant"] < 10 || x.accepted["bind"]+x.accepted["endorse"] == x.tried["bind"] {
		t.Error("the run shows little")
	}
}

// Bindings made past the ceiling are noticed by the same measure.
func TestABindingPastTheCeilingIsNoticed(t *testing.T) {
	t.Parallel()
	x := newCourt(t, 6)
	noticed, made := 0, 0
	for range 3 {
		x.round(t)
		for range 10 {
			giver, grantee := choose(x, 0, 2, 4), choose(x, 1, 3, 5, 7)
			before, gives := x.reach(t, x.people[grantee], false), x.behind(t, giver)
			x.bindPast(x.people[grantee], fmt.Sprintf("r%d", x.random.IntN(roleCount)), choose(x, x.anchors...))
			made++
			if x.beyond(x.people[grantee], before, x.reach(t, x.people[grantee], false), gives) != "" {
				noticed++
			}
		}
	}
	t.Logf("%d of %d bindings gave more than their giver holds", noticed, made)
	if noticed < 5 {
		t.Error("the run shows little")
	}
}
