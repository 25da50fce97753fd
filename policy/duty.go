package policy

import "slices"

// DutyConflict says that two acts must not be in one hand.
type DutyConflict struct {
	Key    string
	A, B   Action
	Label  Text
	Source string
}

// ShippedDutyConflicts lists the conflicts of the domain. A conflict whose acts the catalogue does not have yet binds
// from the day it does.
func ShippedDutyConflicts() []DutyConflict {
	return []DutyConflict{
		{"price", "price.request", "price.approve", Text{"特价申请与审批", "price request and approval"}, "A05"},
		{"borrowing", "borrowing.request", "borrowing.lend", Text{"借阅与出借", "borrowing and lending"}, "G04"},
		{"recognition", "recognition.apply", "recognition.approve", Text{"认定申请与终审", "recognition application and final approval"}, "D10"},
		{"payment", "payment.record", "payment.writeOff", Text{"收款登记与核销", "payment record and write-off"}, "C02"},
		{"policy", PolicyWrite, PolicyPublish, Text{"策略起草与发布", "drafting and publishing policy"}, "F16"},
		{"disposal", "disposal.propose", "disposal.approve", Text{"处理提出与批准", "proposal and approval of disposal"}, "G11"},
	}
}

// DutyBreach is a conflict that a set of roles runs into, with the roles that bring the two acts (they may be one).
type DutyBreach struct {
	Conflict     DutyConflict
	RoleA, RoleB string
}

// DutyBreaches checks roles held by one person, inheritance included. It is asked when a role is bound, when
// inheritance changes and when a version is published. Validity and conditions do not excuse: what may be one day counts.
func (t *Table) DutyBreaches(conflicts []DutyConflict, roles []string) []DutyBreach {
	var out []DutyBreach
	for _, c := range conflicts {
		a, hasA := t.bringing(c.A, roles)
		b, hasB := t.bringing(c.B, roles)
		if hasA && hasB {
			out = append(out, DutyBreach{c, a, b})
		}
	}
	return out
}

// bringing finds the first of the roles that is allowed the act on any object.
func (t *Table) bringing(act Action, roles []string) (string, bool) {
	for _, key := range roles {
		n, known := t.role(key)
		if !known {
			continue
		}
		for i := range words.keys {
			if words.keys[i].act != act {
				continue
			}
			if slices.ContainsFunc(t.cell(i), func(l uint16) bool { return !t.rules[l].deny() && t.above(n).has(t.rules[l].role) }) {
				return key, true
			}
		}
	}
	return "", false
}

// DutyBreaches is the table's answer under the policy version that these rights were bound to; nil rights know no table and
// ok is false: whoever asks must then refuse.
func (r *Rights) DutyBreaches(conflicts []DutyConflict, roles []string) (breaches []DutyBreach, ok bool) {
	if r == nil || r.table == nil {
		return nil, false
	}
	return r.table.DutyBreaches(conflicts, roles), true
}

// Brings tells whether one of the roles allows the act on any row at all, inheritance included. Who holds many people's
// bindings asks it before he binds them.
func (r *Rights) Brings(act Action, roles []string) bool {
	if r == nil || r.table == nil {
		return false
	}
	_, ok := r.table.bringing(act, roles)
	return ok
}
