package read

import (
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/policy"
)

// ---- rights of rows

// current row of a type; nil when there is none now.
func (r *reference) current(t *Type, u uuid.UUID) rec { return r.d.byID[t.Table][u] }

func nid(v any) uuid.UUID { u, _ := v.(uuid.UUID); return u }
func str(v any) string    { s, _ := v.(string); return s }

func (r *reference) staff(v any) rec {
	if x := r.d.byID["staff"][nid(v)]; x != nil {
		return x
	}
	return rec{}
}

// facts of the anchor of a current row.
func (r *reference) facts(t *Type, row rec) *policy.Row {
	key := factKey{t, nid(row[t.Key])}
	if r.known[key] == nil {
		r.known[key] = r.gather(t, row)
	}
	return r.known[key]
}

type factKey struct {
	t *Type
	u uuid.UUID
}

func (r *reference) gather(t *Type, row rec) *policy.Row {
	if t.Anchor != "" {
		return r.facts(t.anchor, r.d.byID[t.anchor.Table][nid(row[t.AnchorKey])])
	}
	f := &policy.Row{ID: nid(row["id"])}
	client := func(c rec) {
		f.Client = nid(c["id"])
		f.Grade = str(c["grade"])
		f.Important, _ = c["important"].(bool)
		f.ClientSuspended, _ = c["suspended"].(bool)
		for _, k := range r.d.now["client_kinds"] {
			if k["client_id"] == c["id"] {
				f.Kinds = append(f.Kinds, str(k["kind"]))
			}
		}
		valid := func(x rec) bool {
			from, _ := x["valid_from"].(time.Time)
			until, limited := x["valid_until"].(time.Time)
			return !from.After(r.at) && (!limited || until.After(r.at))
		}
		for _, m := range r.d.now["client_team_members"] {
			if m["client_id"] == c["id"] && m["staff_id"] == r.s.Actor.Staff && valid(m) {
				f.OnTeam = true
			}
		}
		for _, x := range r.d.now["client_distributions"] {
			if x["client_id"] == c["id"] && valid(x) {
				f.DistributedTo = append(f.DistributedTo, nid(x["department_id"]))
			}
		}
		for _, g := range r.d.now["access_grants"] {
			due, reviewed := g["review_due_at"].(time.Time)
			if g["client_id"] == c["id"] && g["grantee_staff_id"] == r.s.Actor.Staff && valid(g) && g["revoked_at"] == nil && (!reviewed || due.After(r.at)) {
				f.Granted |= policy.ClassSet(g["class_mask"].(int16))
			}
		}
	}
	switch t.Name {
	case "Company":
		f.Company = nid(row["id"])
	case "Department":
		f.Company, f.Department = nid(row["company_id"]), nid(row["id"])
	case "Staff":
		f.Company, f.Department, f.Staff = nid(row["company_id"]), nid(row["department_id"]), nid(row["id"])
	case "Account":
		s := r.staff(row["staff_id"])
		f.Staff, f.Company, f.Department = nid(row["staff_id"]), nid(s["company_id"]), nid(s["department_id"])
	case "Role":
		f.Company = nid(row["company_id"])
	case "RoleBinding":
		account := r.d.byID["accounts"][nid(row["account_id"])]
		s := r.staff(account["staff_id"])
		f.Staff, f.Company, f.Department = nid(account["staff_id"]), nid(s["company_id"]), nid(s["department_id"])
		if row["company_id"] != nil {
			f.Company = nid(row["company_id"])
		}
		if row["department_id"] != nil {
			f.Department = nid(row["department_id"])
		}
	case "AccessGrant":
		c := r.d.byID["clients"][nid(row["client_id"])]
		client(c)
		f.Staff, f.Owner, f.Company, f.Department = nid(row["grantee_staff_id"]), nid(c["owner_id"]), nid(c["company_id"]), nid(c["department_id"])
	case "AccessReviewItem":
		f.Staff = nid(row["holder_staff_id"])
	case "AuditRecord":
		if a := r.d.byID["accounts"][nid(row["actor_id"])]; a != nil {
			f.Staff = nid(a["staff_id"])
		}
	case "Client":
		client(row)
		f.Company, f.Department, f.Owner, f.Stage = nid(row["company_id"]), nid(row["department_id"]), nid(row["owner_id"]), str(row["stage"])
	case "Original", "Borrowing", "AccessRequest", "ApprovalStep":
		c := r.d.byID["clients"][nid(row["client_id"])]
		client(c)
		f.Owner, f.Company, f.Department = nid(c["owner_id"]), nid(c["company_id"]), nid(c["department_id"])
		r.gatherCustody(t, row, f)
	case "Contract":
		client(r.d.byID["clients"][nid(row["client_id"])])
		f.Company, f.Department, f.Owner = nid(row["company_id"]), nid(row["department_id"]), nid(row["owner_id"])
		f.Kind, f.State = str(row["kind"]), str(row["state"])
		f.Amount, f.AmountSet = row["amount_minor"].(int64)
	}
	return f
}

func (r *reference) own(t *Type, row rec) bool {
	switch t.Name {
	case "Account":
		return row["id"] == r.s.Actor.Account
	case "Session", "ApiToken", "RoleBinding":
		return row["account_id"] == r.s.Actor.Account
	case "AccessGrant":
		return row["grantee_staff_id"] == r.s.Actor.Staff
	case "AccessReviewItem":
		return row["reviewer_staff_id"] == r.s.Actor.Staff
	}
	return false
}

// visible tells whether a row, given by its current form, is seen.
func (r *reference) visible(t *Type, row rec) bool {
	if row == nil {
		return false
	}
	if t.Name == "Tenant" || r.own(t, row) {
		return true
	}
	f := r.facts(t, row)
	if !r.rights.Decide(t.anchor.Entity, policy.Read, f).Allow {
		return false
	}
	if t.Cover == "" {
		return true
	}
	access, _ := r.rights.Field(t.Cover, f)
	return access != policy.Hidden
}

// access to a group of a row: 0 hidden, 1 masked, 2 in full, 3 own.
func (r *reference) access(t *Type, g policy.Object, row rec, then rec) (int, string) {
	if g == Open {
		return 2, ""
	}
	f := r.facts(t, row)
	if g == byFieldClass {
		for _, x := range clientGroups() {
			if class, _ := policy.ClassOf(x); int16(class) == then["field_class"] && r.rights.Decide(x, policy.Reveal, f).Allow {
				return 2, ""
			}
		}
		return 0, "OUT_OF_SCOPE"
	}
	if r.own(t, row) {
		return 3, ""
	}
	access, _ := r.rights.Field(g, f)
	switch access {
	case policy.Full:
		return 2, ""
	case policy.Masked:
		return 1, "MASKED_ONLY"
	}
	if t.Own.Column == "" && r.none(r.rights.Reach(g, policy.Reveal)) && r.none(r.rights.Reach(g, policy.Peek)) {
		return 0, string(r.rights.Decide(g, policy.Reveal, &policy.Row{}).Reason)
	}
	return 0, "OUT_OF_SCOPE"
}

func (r *reference) may(t *Type, g policy.Object, a policy.Action, row rec) bool {
	return g == Open || r.own(t, row) || r.rights.Decide(g, a, r.facts(t, row)).Allow
}

// gatherCustody adds what is known of originals, loans, requests and steps themselves.
func (r *reference) gatherCustody(t *Type, row rec, f *policy.Row) {
	class := func(v any) {
		n, ok := v.(int16)
		f.FieldClass, f.FieldClassSet = policy.Class(n), ok
	}
	switch t.Name {
	case "Original":
		class(row["field_class"])
		for _, b := range r.d.now["borrowing_items"] {
			from, out := b["valid_from"].(time.Time)
			if b["original_id"] == row["id"] && b["borrower_staff_id"] == r.s.Actor.Staff && out && !from.After(r.at) && b["valid_until"].(time.Time).After(r.at) && b["ended_at"] == nil {
				f.Borrowed = true
			}
		}
	case "Borrowing":
		f.Staff = nid(row["borrower_staff_id"])
		class(row["top_class"])
	case "AccessRequest":
		f.Staff = nid(row["requester_staff_id"])
	case "ApprovalStep":
		f.Staff = nid(row["requester_staff_id"])
		class(r.d.byID["borrowings"][nid(row["subject_id"])]["top_class"])
	}
}

// waits tells whether a step waits for the actor.
func (r *reference) waits(t *Type, step rec) bool {
	me := r.s.Actor.Staff
	if step["state"] != "active" || step["requester_staff_id"] == me {
		return false
	}
	for _, other := range r.d.now["approval_steps"] {
		if other["subject_id"] == step["subject_id"] && other["decided_by"] == me {
			return false
		}
	}
	act := map[string][2]string{
		"BORROWING custodian": {"borrowing", "borrowing.lend"}, "BORROWING department_head": {"borrowing", "borrowing.approve"},
		"ACCESS_REQUEST department_head": {"accessRequest", "accessRequest.endorse"}, "ACCESS_REQUEST key_account_manager": {"accessRequest", "accessRequest.approve"},
	}[str(step["subject_type"])+" "+str(step["key"])]
	return r.rights.Decide(policy.Object(act[0]), policy.Action(act[1]), r.facts(t, step)).Allow
}
