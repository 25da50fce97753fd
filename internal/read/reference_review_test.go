package read

import (
	"strings"
	"time"
)

// value of a field in a row: its column, or what the product says about it from other rows.
func (r *reference) value(t *Type, f *Field, row rec) any {
	if column, ok := strings.CutPrefix(f.Expr, "{}."); ok {
		return row[column]
	}
	switch f.Kind {
	case KindMany, KindTexts: // see object
		return nil
	}
	switch t.Name {
	case "Borrowing": // overdue, by the time of the rows
		when := r.at
		if r.asOf != nil {
			when = *r.asOf
		}
		return row["state"] == "out" && !row["due_at"].(time.Time).After(when)
	case "AccessReview":
		return r.tally(row, f.Name)
	case "AccessReviewItem":
		return r.underReview(row, f.Name)
	}
	r.w.t.Fatalf("the reference does not know %s.%s", t.Name, f.Name)
	return nil
}

// tally is how many items of a review were answered in a way.
func (r *reference) tally(review rec, name string) (n int) {
	answer := map[string]any{"kept": "KEEP", "revoked": "REVOKE", "lapsed": "LAPSED", "undecided": nil}
	wanted, one := answer[name]
	for _, item := range r.d.now["access_review_items"] {
		if item["review_id"] == review["id"] && (!one || item["decision"] == wanted) {
			n++
		}
	}
	return n
}

// underReview is what an item says of its review, and of the binding or grant that it is about.
func (r *reference) underReview(item rec, name string) any {
	review := r.d.byID["access_reviews"][nid(item["review_id"])]
	binding := r.d.byID["role_bindings"][nid(item["binding_id"])]
	grant := r.d.byID["access_grants"][nid(item["grant_id"])]
	switch name {
	case "period":
		return review["period"]
	case "dueAt":
		return review["due_at"]
	case "classMask":
		return grant["class_mask"]
	case "purpose":
		return grant["purpose"]
	case "roleKey":
		return r.d.byID["roles"][nid(binding["role_id"])]["key"]
	case "place": // the section where there is one, or else the company
		if d := r.d.byID["departments"][nid(binding["department_id"])]; d != nil {
			return d["name"]
		}
		return r.d.byID["companies"][nid(binding["company_id"])]["name"]
	}
	r.w.t.Fatalf("the reference does not know AccessReviewItem.%s", name)
	return nil
}
