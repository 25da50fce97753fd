package read

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/policy"
)

// ---- pages

type candidate struct {
	row rec
	key any // nil is NULL
}

func (r *reference) page(c collected, l *List, parent any, static, path string) {
	t := r.g.table.byName[l.Target]
	args := c.field.ArgumentMap(r.vars)
	masked, order := r.order(args, l, t)
	filters := r.filters(args, l)
	column := strings.TrimSuffix(strings.TrimPrefix(order.Expr, "{}."), ` COLLATE "zh-x-icu"`)
	_, chosen := r.chosenOrder(args, l, c)
	var all []candidate
	for _, row := range r.rowsAt(t.Table) {
		current := r.current(t, nid(row[t.Key]))
		if parent != nil && row[l.By] != parent || !r.visible(t, current) || !r.passes(t, l, filters, row, current) {
			continue
		}
		if chosen && !r.may(t, order.Group, policy.Filter, current) {
			continue
		}
		x := candidate{row: row}
		if column != "" && (!masked || r.own(t, current) || r.rights.Decide(order.Group, policy.Reveal, r.facts(t, current)).Allow) {
			x.key = row[column]
		}
		all = append(all, x)
	}
	slices.SortFunc(all, func(a, b candidate) int { return r.compare(order, a, b) })
	var after, before *candidate
	ordering := (&site{list: l}).ordering(order)
	for name, into := range map[string]**candidate{"after": &after, "before": &before} {
		if v := args[name]; v != nil {
			p, _ := r.g.decodeCursor(v.(string), r.s.Tenant, ordering, order)
			*into = &candidate{row: rec{t.Key: uuid.UUID(p.id)}, key: p.key}
		}
	}
	rest := []candidate{}
	prev, next := false, false
	for _, x := range all {
		switch {
		case after != nil && r.compare(order, x, *after) <= 0:
			prev = true
		case before != nil && r.compare(order, x, *before) >= 0:
			next = true
		default:
			rest = append(rest, x)
		}
		// a row can lie on both sides at once
		if after != nil && before != nil && r.compare(order, x, *before) >= 0 {
			next = true
		}
	}
	n := 20
	if v := args["first"]; v != nil {
		n, _ = whole(v)
	}
	if v := args["last"]; v != nil {
		n, _ = whole(v)
		if len(rest) > n {
			rest, prev = rest[len(rest)-n:], true
		}
	} else if len(rest) > n {
		rest, next = rest[:n], true
	}
	r.put("{")
	for i, x := range r.g.collect(t.Name+"Connection", c.sels, r.vars) {
		r.comma(i)
		r.key(x.field.Alias)
		at, st := path+"."+x.field.Alias, static+"."+x.field.Alias
		switch x.field.Name {
		case "__typename":
			r.put(strconv.Quote(t.Name + "Connection"))
		case "nodes":
			r.put("[")
			for k, row := range rest {
				r.comma(k)
				r.object(t, row.row, x.sels, st, fmt.Sprintf("%s.%d", at, k))
			}
			r.put("]")
		case "edges":
			r.put("[")
			for k, row := range rest {
				r.comma(k)
				r.put("{")
				for j, e := range r.g.collect(t.Name+"Edge", x.sels, r.vars) {
					r.comma(j)
					r.key(e.field.Alias)
					switch e.field.Name {
					case "cursor":
						r.cursor(order, ordering, t, row)
					case "node":
						r.object(t, row.row, e.sels, st+"."+e.field.Alias, fmt.Sprintf("%s.%d.%s", at, k, e.field.Alias))
					default:
						r.put(strconv.Quote(t.Name + "Edge"))
					}
				}
				r.put("}")
			}
			r.put("]")
		case "pageInfo":
			r.put("{")
			for j, e := range r.g.collect("PageInfo", x.sels, r.vars) {
				r.comma(j)
				r.key(e.field.Alias)
				switch e.field.Name {
				case "hasNextPage":
					r.json(next)
				case "hasPreviousPage":
					r.json(prev)
				case "startCursor", "endCursor":
					switch {
					case len(rest) == 0:
						r.put("null")
					case e.field.Name == "startCursor":
						r.cursor(order, ordering, t, rest[0])
					default:
						r.cursor(order, ordering, t, rest[len(rest)-1])
					}
				default:
					r.put(`"PageInfo"`)
				}
			}
			r.put("}")
		case "totalCount":
			r.put("{")
			for j, e := range r.g.collect("Count", x.sels, r.vars) {
				r.comma(j)
				r.key(e.field.Alias)
				switch e.field.Name {
				case "value":
					r.json(len(all))
				case "capped":
					r.json(false)
				default:
					r.put(`"Count"`)
				}
			}
			r.put("}")
		}
	}
	r.put("}")
}

func (r *reference) compare(o Order, a, b candidate) int {
	flip := func(desc bool, n int) int {
		if desc {
			return -n
		}
		return n
	}
	n := 0
	switch {
	case a.key == nil && b.key == nil:
	case a.key == nil:
		n = 1
	case b.key == nil:
		n = -1
	default:
		switch x := a.key.(type) {
		case string:
			y := b.key.(string)
			if strings.Contains(o.Expr, "COLLATE") {
				n = cmp.Compare(r.d.zh[x], r.d.zh[y])
			} else {
				n = cmp.Compare(x, y)
			}
		case time.Time:
			n = x.Compare(b.key.(time.Time))
		case bool:
			n = cmp.Compare(fmt.Sprint(x), fmt.Sprint(b.key))
		default:
			n = cmp.Compare(number(x), number(b.key))
		}
	}
	if n != 0 {
		return flip(o.Desc, n)
	}
	key := "id"
	u, v := nid(a.row[key]), nid(b.row[key])
	return flip(o.IDDesc, bytes.Compare(u[:], v[:]))
}

func number(v any) int64 {
	switch v := v.(type) {
	case int16:
		return int64(v)
	case int32:
		return int64(v)
	case int64:
		return v
	}
	panic(fmt.Sprintf("%T is no number", v))
}

func (r *reference) cursor(o Order, ordering string, t *Type, x candidate) {
	u := nid(x.row[t.Key])
	var key []byte
	switch v := x.key.(type) {
	case string:
		key = append([]byte{}, v...)
	case time.Time:
		if o.Kind == KindDate {
			key = binary.BigEndian.AppendUint32(nil, uint32(int32(v.Sub(epoch).Hours()/24)))
		} else {
			key = binary.BigEndian.AppendUint64(nil, uint64(v.Sub(epoch).Microseconds()))
		}
	case bool:
		key = []byte{0}
		if v {
			key[0] = 1
		}
	case int16:
		key = binary.BigEndian.AppendUint16(nil, uint16(v))
	case int32:
		key = binary.BigEndian.AppendUint32(nil, uint32(v))
	case int64:
		key = binary.BigEndian.AppendUint64(nil, uint64(v))
	}
	r.out.Write(r.g.appendCursor(nil, r.s.Tenant, ordering, u[:], key))
}

// passes tells whether the row meets every filter, and may be asked about it.
func (r *reference) passes(t *Type, l *List, filters map[string]any, row, current rec) bool {
	in := func(v any, column string, change func(string) string) bool {
		for _, x := range list(v) {
			if s, ok := row[column].(string); ok && s == change(x.(string)) {
				return true
			}
		}
		return false
	}
	same := func(s string) string { return s }
	ids := func(v any, column string) bool {
		for _, x := range list(v) {
			if _, u := r.parse(x); row[column] != nil && row[column] == u {
				return true
			}
			if _, u, err := id.Decode(x.(string)); err == nil && row[column] != nil && row[column] == u {
				return true
			}
		}
		return false
	}
	after := func(v any, column string) int {
		x, err := time.Parse(time.RFC3339, v.(string))
		if err != nil {
			x, err = time.Parse(time.DateOnly, v.(string))
		}
		must(r.w.t, err)
		at, ok := row[column].(time.Time)
		if !ok {
			return -9
		}
		return at.Compare(x)
	}
	for name, v := range filters {
		var f Filter
		for _, x := range slices.Concat(l.Filter, l.Args) {
			if x.Name == name {
				f = x
			}
		}
		if f.Kind != FilterSearch && !r.may(t, f.Group, policy.Filter, current) {
			return false
		}
		ok := false
		switch t.Name + "." + name {
		case "Client.search":
			ok = r.searched(testTerms(v.(string)), t, current)
		case "Client.code", "Staff.number", "Contract.number":
			ok = row[name] == v
		case "Client.unifiedCreditCode":
			ok = row["unified_credit_code"] == v
		case "Client.kinds":
			for _, k := range r.rowsAt("client_kinds") {
				ok = ok || k["client_id"] == row["id"] && slices.Contains(list(v), k["kind"])
			}
		case "Client.stages":
			ok = in(v, "stage", strings.ToLower)
		case "Client.grades":
			ok = in(v, "grade", same)
		case "Client.acquisitions":
			ok = in(v, "acquisition", same)
		case "Client.regions":
			ok = in(v, "region", same)
		case "Client.suspended", "Client.important":
			ok = row[name] == v
		case "Client.updatedAfter":
			ok = after(v, "updated_at") == 1
		case "Client.updatedBefore":
			ok = after(v, "updated_at") == -1
		case "Client.nextContactOnOrBefore":
			n := after(v, "next_contact_on")
			ok = n == -1 || n == 0
		case "Contract.kinds":
			ok = in(v, "kind", same)
		case "ApprovalStep.mine":
			ok = v == false || r.waits(t, current)
		case "Original.kinds":
			ok = in(v, "kind", same)
		case "Borrowing.dueBefore":
			ok = after(v, "due_at") == -1
		case "Original.states", "Borrowing.states", "AccessRequest.states":
			ok = in(v, "state", strings.ToLower)
		case "AccessReviewItem.undecided":
			ok = (row["decision"] == nil) == v
		case "RoleBinding.awaitsEndorsement":
			ok = row["awaits_endorsement"] == v
		case "Contract.states", "Staff.states", "PolicyTest.states":
			ok = in(v, "state", strings.ToLower)
		case "Contract.endsBefore":
			ok = after(v, "ends_on") == -1
		case "Contract.amountAtLeast", "Contract.amountAtMost":
			n, err := strconv.ParseInt(v.(string), 10, 64)
			must(r.w.t, err)
			if have, set := row["amount_minor"].(int64); set {
				ok = name == "amountAtLeast" && have >= n || name == "amountAtMost" && have <= n
			}
		case "Staff.name":
			ok = strings.HasPrefix(str(row["name"]), v.(string))
		case "AuditRecord.kinds":
			ok = in(v, "kind", strings.ToLower)
		case "AuditRecord.acts":
			ok = in(v, "act", same)
		case "AuditRecord.occurredAfter":
			ok = after(v, "occurred_at") == 1
		case "AuditRecord.occurredBefore":
			ok = after(v, "occurred_at") == -1
		default:
			column := map[string]string{
				"companyIds": "company_id", "departmentIds": "department_id", "ownerIds": "owner_id", "clientIds": "client_id", "actorIds": "actor_id", "objectIds": "object_id",
				"companyId": "company_id", "accountId": "account_id", "roleId": "role_id", "clientId": "client_id", "granteeId": "grantee_staff_id",
				"reviewId": "review_id", "reviewerId": "reviewer_staff_id",
				"custodianIds": "custodian_staff_id", "borrowerIds": "borrower_staff_id", "requesterIds": "requester_staff_id",
			}[name]
			if column == "" {
				r.w.t.Fatalf("the reference does not know the filter %s of %s", name, t.Name)
			}
			ok = ids(v, column)
		}
		if !ok {
			return false
		}
	}
	return true
}

func (r *reference) searched(terms []string, t *Type, current rec) bool {
	f := r.facts(t, current)
	for _, term := range terms {
		hit := false
		for _, s := range r.d.now["client_search_terms"] {
			if s["client_id"] != current["id"] || s["term"] != term {
				continue
			}
			for _, g := range clientGroups() {
				if class, _ := policy.ClassOf(g); int16(class) == s["field_class"] && r.rights.Decide(g, policy.Filter, f).Allow {
					hit = true
				}
			}
		}
		if !hit {
			return false
		}
	}
	return len(terms) > 0
}
