package matrix

import (
	"slices"

	"github.com/google/uuid"

	"github.com/clientele/clientele/policy"
)

// target is a row that an act is tried on.
type target struct {
	name  string
	gid   string
	facts *facts
	seen  *placed // absent for who does not see it; nil: it is only about to be made
	owner uuid.UUID

	also    *placed // has to be seen, too
	other   string  // BESIDE in the input
	version string  // CURRENT in the input
}

// spotsFor are the places where an act is tried: everywhere for those who may do it somewhere; for the others on rows that
// every scope of theirs reaches.
func (x *town) spotsFor(p *person, may bool) []string {
	all := []string{"own of " + p.role, "department", "team", "distributed", "granted L5", "elsewhere KEY"}
	if may {
		all = append(all, "section below", "company", "company VIP", "company KEY", "company below", "elsewhere", "elsewhere VIP", "junior", "distributed below", "team once", "distributed once", "moved here")
	}
	return all
}

func (x *town) targets(t trial, p *person, may bool) (out []target) {
	row := func(name, gid string) {
		r := x.rows[gid]
		if r == nil {
			x.t.Errorf("no row %s %s", name, gid)
			return
		}
		out = append(out, target{name: name, gid: gid, facts: r.facts, seen: r})
	}
	some := func(gids ...string) {
		for _, gid := range gids {
			row(gid, gid)
		}
	}
	switch t.on {
	case "client", "client of contract", "client of grant":
		for _, s := range x.spotsFor(p, may) {
			row(s, x.gid("Client", x.clients[s]))
		}
	case "contact":
		for _, s := range x.spotsFor(p, may) {
			row(s, x.gid("Contact", x.contacts[x.clients[s]]))
		}
	case "contract", "obligation":
		spots := x.spotsFor(p, may)
		if may {
			spots = append(spots, "company review", "company effective", "elsewhere review", "department, client elsewhere", "elsewhere, client in department", "junior, client elsewhere")
		}
		for _, s := range spots {
			if t.on == "contract" {
				row(s, x.gid("Contract", x.contracts[s]))
			} else {
				row(s, x.gid("Obligation", x.obligations[x.contracts[s]]))
			}
		}
	case "client for oneself", "client and original":
		for _, s := range x.spotsFor(p, may) {
			f := *x.clientFacts[x.clients[s]]
			f.person = p.staff
			at := target{name: s, gid: x.gid("Client", x.clients[s]), facts: &f}
			at.seen = x.rows[at.gid]
			if t.on == "client and original" {
				at.other = x.gid("Original", x.originals[s])
				at.also = x.rows[at.other]
			}
			out = append(out, at)
		}
	case "original", "original in place", "content", "borrowing", "incident", "access request":
		out = x.custodyTargets(t, p, may)
	case "place":
		for name, d := range map[string][2]uuid.UUID{"department": {x.Department, x.Company}, "section": {x.Section, x.Company}, "sibling": {x.Sibling, x.Company}, "third": {x.thirdDept, x.third}} {
			for _, owner := range []uuid.UUID{p.staff, x.junior, x.observer.staff} {
				f := &facts{department: d[0], company: d[1], person: owner, kinds: []string{"KEY"}, grade: "VIP", team: []uuid.UUID{owner}}
				out = append(out, target{name: name, gid: x.gid("Department", d[0]), facts: f, seen: x.rows[x.gid("Department", d[0])], owner: owner})
			}
		}
	case "grant":
		some(x.gid("AccessGrant", x.grants["department"]), x.gid("AccessGrant", x.grants["elsewhere KEY"]), x.gid("AccessGrant", x.grants["elsewhere"]))
	case "account":
		some(x.gid("Account", x.juniorAccount))
	case "app":
		out = append(out, target{name: "app", gid: x.gid("Account", x.app), facts: &facts{}, seen: &placed{typ: "Account", facts: &facts{}}})
	case "session":
		some(x.endedOf(x.junior, "Session"))
		if x.hasSelf(p) {
			some(x.endedOf(p.staff, "Session"))
		}
	case "token":
		some(x.endedOf(x.junior, "ApiToken"))
		if x.hasSelf(p) {
			some(x.endedOf(p.staff, "ApiToken"))
		}
	case "staff":
		some(x.gid("Staff", x.junior))
	case "binding":
		some(x.endedOf(x.observer.staff, "RoleBinding"))
	case "role":
		some(x.roleOf("list_reader"))
	case "version":
		some(x.ids["PolicyVersion"][0])
	case "assertion":
		some(x.ids["PolicyTest"][0])
	case "review":
		some(x.ids["AccessReview"][0])
	case "review item":
		some(x.ids["AccessReviewItem"][0])
	case "company":
		some(x.gid("Company", x.third))
	case "department":
		some(x.gid("Department", x.thirdDept))
	case "tenant":
		out = append(out, target{name: "tenant", facts: &facts{}})
	default:
		x.t.Errorf("nobody knows rows of the kind %q", t.on)
	}
	return out
}

// hasSelf tells who inherits the base of the staff.
func (x *town) hasSelf(p *person) bool {
	i := slices.IndexFunc(policy.ShippedRoles(), func(r policy.ShippedRole) bool { return r.Key == p.role })
	return policy.ShippedRoles()[i].Holder == "STAFF"
}

// endedOf is the row of a type that a staff member has, and that nothing depends on any more.
func (x *town) endedOf(staff uuid.UUID, typ string) string {
	sql := map[string]string{
		"Session":     `SELECT s.id FROM sessions s JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id WHERE s.tenant_id = $1 AND a.staff_id = $2 AND s.revoked_at IS NOT NULL LIMIT 1`,
		"ApiToken":    `SELECT s.id FROM api_tokens s JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id WHERE s.tenant_id = $1 AND a.staff_id = $2 LIMIT 1`,
		"RoleBinding": `SELECT s.id FROM role_bindings s JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id WHERE s.tenant_id = $1 AND a.staff_id = $2 AND s.revoked_at IS NOT NULL LIMIT 1`,
	}[typ]
	return x.gid(typ, uuid.MustParse(x.Text(sql, staff)))
}

// custodyTargets are rows of custody at the spots, and those that have to do with the person himself.
func (x *town) custodyTargets(t trial, p *person, may bool) (out []target) {
	typ, rows, mine := "Original", x.originals, []string{"held by ", "overdue of "}
	switch t.on {
	case "original in place":
		mine = nil
	case "content":
		mine = []string{"held by ", "overdue of "}
		may = true
	case "borrowing":
		typ, rows, mine = "Borrowing", x.loans, []string{"asked by "}
	case "incident":
		typ, rows, mine = "CustodyIncident", x.incidents, nil
	case "access request":
		typ, rows, mine = "AccessRequest", x.requests, []string{"of "}
	}
	names := x.spotsFor(p, may)
	if t.on == "content" {
		names = append(names, "department L6", "department L7", "elsewhere L6", "elsewhere L7", "elsewhere KEY L6", "elsewhere KEY L7", "company KEY L6", "company KEY L7")
	}
	for _, m := range mine {
		names = append(names, m+p.role)
	}
	for _, name := range names {
		u, ok := rows[name]
		if !ok { // nothing of the kind stands there
			continue
		}
		at := target{name: name, gid: x.gid(typ, u)}
		at.seen = x.rows[at.gid]
		at.facts = at.seen.facts
		switch typ {
		case "Borrowing":
			at.other = x.gid("Original", x.originals["department"])
			at.version = x.Text(`SELECT version FROM borrowings WHERE tenant_id = $1 AND id = $2`, u)
		case "AccessRequest":
			at.version = x.Text(`SELECT version FROM access_requests WHERE tenant_id = $1 AND id = $2`, u)
		}
		out = append(out, at)
	}
	if len(out) < 4 {
		x.t.Errorf("%d rows for %q: that shows little", len(out), t.on)
	}
	return out
}
