package matrix

import (
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/policy"
)

// custodial are the rows of custody by where they stand: a spot, or "held by", "overdue of", "returned of", "approved of", "asked by" and
// "of" with a role.
type custodial struct {
	originals, loans, requests, incidents map[string]uuid.UUID
	of                                    map[uuid.UUID][]*facts // by client
	spotted                               map[string]int         // by type, how many rows stand at the spots: they are the first
}

// hash of a mark: a digest that stands nowhere else.
func (x *town) hash() []byte {
	h := sha256.Sum256([]byte(x.mark()))
	return h[:]
}

// lender is the spot whose client lends to somebody: it is another one's own, and nobody's of those whom scopes reach.
func (x *town) lender(p *person) string {
	return "own of " + x.people[(slices.Index(x.people, p)+1)%len(x.people)].role
}

// custody keeps originals of every field class at every spot, on paper and in files, and lends them: to somebody whom no scope reaches,
// and to everybody who asks, now, once and not yet. An access grant on a client opens none of its originals.
func (x *town) custody() {
	x.custodial = custodial{map[string]uuid.UUID{}, map[string]uuid.UUID{}, map[string]uuid.UUID{}, map[string]uuid.UUID{}, map[uuid.UUID][]*facts{}, map[string]int{}}
	spots := slices.DeleteFunc(x.spots(), func(s spot) bool { return strings.HasPrefix(s.name, "own of ") })
	for n, s := range spots {
		class := policy.Class(n % int(policy.NumClasses))
		if s.name == "company KEY" {
			class = 6
		}
		original := x.original(s.name, s.name, class, "filed", x.observer.staff)
		x.loanAndRequest(n, s.name, original, class)
	}
	for _, at := range []string{"department", "section below", "company", "company KEY", "elsewhere", "elsewhere KEY"} {
		for _, class := range []policy.Class{6, 7} {
			x.original(at+" "+class.String(), at, class, "filed", x.observer.staff)
		}
	}
	x.statesOf()
	x.filesOf()
	x.incidentsOf()
	for _, typ := range []string{"Original", "OriginalVersion", "File", "CustodyIncident", "Borrowing", "BorrowingItem", "AccessRequest", "ApprovalStep"} {
		x.spotted[typ] = len(x.ids[typ])
	}
	for n, p := range x.people {
		x.lendTo(n, p)
	}
}

// original files one original with a version; every other version is a file.
func (x *town) original(name, client string, class policy.Class, state string, custodian uuid.UUID) uuid.UUID {
	c := x.clients[client]
	f := *x.clientFacts[c]
	f.class, f.classed = class, true
	x.of[c] = append(x.of[c], &f)
	n := len(x.originals)
	original := x.add("Original", "originals", &f, values{
		"client_id": c, "kind": []string{"CREDIT", "CONTENT", "RELATION", "OTHER"}[n%4], "title": x.mark(), "field_class": int(class), "provenance": x.mark(), "custodian_staff_id": custodian,
		"location": x.mark(), "state": state, "version_seq": 1,
	})
	x.originals[name] = original
	var file any
	if n%2 == 0 {
		file = x.file(original, "clean")
	}
	x.filing(original, 1, file)
	return original
}

func (x *town) filing(original uuid.UUID, seq int, file any) uuid.UUID {
	return x.add("OriginalVersion", "original_versions", x.row("Original", original).facts, values{
		"original_id": original, "seq": seq, "file_id": file, "content_hash": x.hash(), "note": x.mark(), "filed_at": time.Now(), "filed_by": x.junior,
	})
}

func (x *town) file(original uuid.UUID, state string) uuid.UUID {
	v := values{"original_id": original, "name": x.mark() + ".txt", "media_type": "text/plain", "size": 1000 + x.marks, "sha256": x.hash(), "state": state}
	if state != "awaiting" {
		v["received_at"], v["scan_note"] = time.Now(), x.mark()
	}
	if state == "clean" || state == "infected" {
		v["scanned_at"] = time.Now()
	}
	return x.add("File", "files", x.row("Original", original).facts, v)
}

func (x *town) row(typ string, u uuid.UUID) *placed { return x.rows[x.gid(typ, u)] }

// loan is a borrowing of one original.
type loan struct {
	name, client string
	borrower     uuid.UUID
	state        string
	original     uuid.UUID
	from, until  any
	ended        any
}

func (x *town) loan(l loan) uuid.UUID {
	c := x.clients[l.client]
	class := x.row("Original", l.original).facts.class
	f := *x.clientFacts[c]
	f.person, f.class, f.classed = l.borrower, class, true
	x.of[c] = append(x.of[c], &f)
	if l.until == nil {
		l.until = time.Now().AddDate(10, 0, 0)
	}
	v := values{"client_id": c, "borrower_staff_id": l.borrower, "purpose": x.mark(), "state": l.state, "top_class": int(class), "due_at": l.until, "out_at": l.from, "ended_at": l.ended}
	var condition any
	if l.from != nil {
		v["renewed_at"] = time.Now()
	}
	if l.ended != nil {
		v["condition_note"] = x.mark()
		if condition = "INTACT"; l.state == "lost" {
			condition = "MISSING"
		}
	}
	u := x.add("Borrowing", "borrowings", &f, v)
	x.loans[l.name] = u
	version := uuid.MustParse(x.Text(`SELECT id FROM original_versions WHERE tenant_id = $1 AND original_id = $2 AND seq = 1`, l.original))
	x.add("BorrowingItem", "borrowing_items", &f, values{
		"borrowing_id": u, "original_id": l.original, "original_version_id": version, "borrower_staff_id": l.borrower, "client_id": c, "field_class": int(class), "content_hash": x.hash(),
		"valid_from": l.from, "valid_until": l.until, "ended_at": l.ended, "condition": condition,
	})
	return u
}

// step is a decision that a subject waits for; decided by nobody, it is active or waits.
type step struct {
	key     string
	state   string
	decided uuid.UUID
}

// steps are those of a subject; it is noted what decides the active one, and who has decided another.
func (x *town) steps(subject *placed, typ string, u, client uuid.UUID, list ...step) {
	for i, s := range list {
		var by, at any
		if s.decided != uuid.Nil {
			by, at = s.decided, time.Now()
			subject.deciders = append(subject.deciders, s.decided)
		}
		if s.state == "active" {
			subject.waits = stepActs()[typ+" "+s.key]
		}
		row := x.add("ApprovalStep", "approval_steps", subject.facts, values{
			"subject_type": typ, "subject_id": u, "client_id": client, "seq": i + 1, "key": s.key, "state": s.state, "requester_staff_id": subject.facts.person,
			"decided_by": by, "decided_at": at, "comment": x.mark(), "content_hash": x.hash(),
		})
		if s.state == "active" {
			x.row("ApprovalStep", row).waits = subject.waits
		}
	}
	for _, gid := range x.ids["ApprovalStep"][len(x.ids["ApprovalStep"])-len(list):] {
		x.rows[gid].deciders = subject.deciders
	}
}

// loanAndRequest are asked for at a spot, by the junior or the observer; who decides next differs.
func (x *town) loanAndRequest(n int, at string, original uuid.UUID, class policy.Class) {
	by, other := x.junior, x.observer.staff
	if n%2 == 1 {
		by, other = other, by
	}
	client := x.clients[at]
	u := x.loan(loan{name: at, client: at, borrower: by, state: "requested", original: original})
	first := []step{{"custodian", "active", uuid.Nil}, {"department_head", "waiting", uuid.Nil}}
	switch {
	case at == "department": // who has decided one step waits for no other
		first = []step{{"custodian", "approved", x.somebody("kam_manager").staff}, {"department_head", "active", uuid.Nil}}
	case at == "elsewhere":
		first = []step{{"custodian", "approved", x.somebody("general_manager").staff}, {"department_head", "active", uuid.Nil}}
	case n%3 == 0:
		first = []step{{"custodian", "approved", other}, {"department_head", "active", uuid.Nil}}
	case class < 4:
		first = first[:1]
	}
	x.steps(x.row("Borrowing", u), "BORROWING", u, client, first...)
	x.request(at, at, by, "requested", nil, [][]step{
		{{"department_head", "active", uuid.Nil}, {"key_account_manager", "waiting", uuid.Nil}},
		{{"department_head", "approved", other}, {"key_account_manager", "active", uuid.Nil}},
	}[n/2%2]...)
}

func (x *town) request(name, client string, requester uuid.UUID, state string, grant any, steps ...step) {
	c := x.clients[client]
	f := *x.clientFacts[c]
	f.person = requester
	x.of[c] = append(x.of[c], &f)
	v := values{
		"requester_staff_id": requester, "client_id": c, "class_mask": 1 + len(x.requests)%255, "purpose": x.mark(), "wanted_from": time.Now(), "wanted_until": time.Now().AddDate(10, 0, 0),
		"state": state, "grant_id": grant,
	}
	if state != "requested" {
		v["ended_at"] = time.Now()
	}
	u := x.add("AccessRequest", "access_requests", &f, v)
	x.requests[name] = u
	x.steps(x.row("AccessRequest", u), "ACCESS_REQUEST", u, c, steps...)
}

// statesOf places the other states of loans and requests, where somebody may and where hardly anybody does.
func (x *town) statesOf() {
	for _, at := range []string{"department", "elsewhere KEY", "elsewhere"} {
		for n, state := range []string{"approved", "out", "returned", "lost", "refused", "withdrawn", "revoked"} {
			if at != "department" && n%2 == 0 {
				continue
			}
			l := loan{name: at + " " + state, client: at, borrower: x.junior, state: state, original: x.originals[at]}
			switch state {
			case "out":
				l.original, l.from = x.originals[at+" L6"], time.Now().Add(-time.Hour)
				x.Exec(`UPDATE originals SET state = 'out' WHERE tenant_id = $1 AND id = $2`, l.original)
				x.row("Original", l.original).facts.holder = x.junior
			case "returned", "lost", "revoked":
				l.from, l.ended = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
			case "refused", "withdrawn":
				l.ended = time.Now().Add(-time.Hour)
			}
			u := x.loan(l)
			if state == "refused" {
				x.steps(x.row("Borrowing", u), "BORROWING", u, x.clients[at], step{"custodian", "refused", x.observer.staff}, step{"department_head", "void", uuid.Nil})
			}
		}
		for _, state := range []string{"granted", "refused", "withdrawn"} {
			var grant any
			if state == "granted" {
				grant = x.grants[at]
			}
			x.request(at+" "+state, at, x.observer.staff, state, grant)
		}
	}
	for _, state := range []string{"missing", "disposed"} {
		x.original("company "+state, "company", 2, state, x.junior)
	}
}

// filesOf places files that are no versions yet, or never: seen by name with the original, opened by nobody. One more version, and one class that was
// another.
func (x *town) filesOf() {
	for _, at := range []string{"department", "elsewhere KEY", "elsewhere"} {
		for _, state := range []string{"awaiting", "quarantined", "infected", "gone"} {
			x.file(x.originals[at], state)
		}
	}
	x.filing(x.originals["department L6"], 2, x.file(x.originals["department L6"], "quarantined"))
	x.Exec(`UPDATE originals SET version_seq = 2 WHERE tenant_id = $1 AND id = $2`, x.originals["department L6"])
}

// incidentsOf places incidents, open and closed.
func (x *town) incidentsOf() {
	for n, at := range []string{"department", "section below", "company", "company KEY", "elsewhere", "elsewhere KEY", "team", "distributed"} {
		v := values{
			"original_id": x.originals[at], "client_id": x.clients[at], "borrowing_id": x.loans[at], "kind": []string{"DAMAGED", "LOST", "HASH_MISMATCH", "CONTAMINATED", "OVERDUE"}[n%5],
			"note": x.mark(), "reported_by": x.junior, "state": "open",
		}
		if n%2 == 0 {
			v["state"], v["closed_at"], v["resolution"] = "closed", time.Now(), x.mark()
		}
		x.incidents[at] = x.add("CustodyIncident", "custody_incidents", x.row("Original", x.originals[at]).facts, v)
	}
}

// lendTo makes what one person holds, held, may hold soon and asks for.
func (x *town) lendTo(n int, p *person) {
	at, past := x.lender(p), time.Now().Add(-48*time.Hour)
	class := policy.Class(7)
	if p.role != "general_manager" && p.role != "kam_manager" && n%2 == 0 {
		class = policy.Class(n / 2 % int(policy.NumClasses))
	}
	held := x.original("held by "+p.role, at, class, "out", x.observer.staff)
	x.loan(loan{name: "held by " + p.role, client: at, borrower: p.staff, state: "out", original: held, from: past})
	x.row("Original", held).facts.holder = p.staff
	overdue := x.original("overdue of "+p.role, at, 7-class, "out", x.observer.staff)
	x.loan(loan{name: "overdue of " + p.role, client: at, borrower: p.staff, state: "out", original: overdue, from: past, until: time.Now().Add(-24 * time.Hour)})
	// What came back is lent until later().
	asked := x.original(at, at, policy.Class(n%int(policy.NumClasses)), "out", x.junior)
	x.loan(loan{name: "returned of " + p.role, client: at, borrower: p.staff, state: "out", original: asked, from: past})
	x.loan(loan{name: "approved of " + p.role, client: at, borrower: p.staff, state: "approved", original: asked})
	u := x.loan(loan{name: "asked by " + p.role, client: at, borrower: p.staff, state: "requested", original: asked})
	x.steps(x.row("Borrowing", u), "BORROWING", u, x.clients[at], []step{{"custodian", "active", uuid.Nil}, {"department_head", "waiting", uuid.Nil}}[:1+n%2]...)
	x.request("of "+p.role, at, p.staff, "requested", nil, []step{{"department_head", "active", uuid.Nil}, {"key_account_manager", "waiting", uuid.Nil}}[:1+n%2]...)
}

// custodyLater changes texts, ends the loans that are over now, and makes an original more secret than it was.
func (x *town) custodyLater() {
	for _, set := range []string{
		"originals SET title = title || 'n', location = location || 'n'", "borrowings SET purpose = purpose || 'n'", "access_requests SET purpose = purpose || 'n'",
		"approval_steps SET comment = comment || 'n'", "custody_incidents SET note = note || 'n'", "files SET name = name || 'n'",
	} {
		x.Exec(`UPDATE ` + set + `, version = version + 1 WHERE tenant_id = $1`)
	}
	x.Exec(`UPDATE originals SET field_class = 7 WHERE tenant_id = $1 AND id = $2`, x.originals["company KEY"])
	x.row("Original", x.originals["company KEY"]).facts.class = 7
	var over, back []uuid.UUID
	for _, p := range x.people {
		over, back = append(over, x.loans["returned of "+p.role]), append(back, x.originals[x.lender(p)])
	}
	x.Exec(`UPDATE borrowings SET state = 'returned', ended_at = now(), condition_note = 'back', version = version + 1 WHERE tenant_id = $1 AND id = ANY($2)`, over)
	x.Exec(`UPDATE borrowing_items SET ended_at = now(), condition = 'INTACT', version = version + 1 WHERE tenant_id = $1 AND borrowing_id = ANY($2)`, over)
	x.Exec(`UPDATE originals SET state = 'filed', version = version + 1 WHERE tenant_id = $1 AND id = ANY($2)`, back)
}

// somebody is the person of a role.
func (x *town) somebody(role string) *person {
	i := slices.IndexFunc(x.people, func(p *person) bool { return p.role == role })
	if i < 0 {
		x.t.Fatalf("nobody is %s", role)
	}
	return x.people[i]
}
