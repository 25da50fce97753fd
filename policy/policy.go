// Package policy owns the language and the judgement of rights: nouns and verbs, shipped roles, compiled decisions, their SQL form and reasons.
// It does not own data: it reads no database, keeps no state between calls, and knows rows only by the few facts in Row.
//
// casbin is the language and the reference judge (model.conf, Enforcer). A policy version is compiled once into a Table;
// a Table bound to one person's role bindings gives Rights; Rights answer Decide (one row), Reach (as SQL) and Field (one
// field group of one row). The three must always agree: the tests hold them to it.
package policy

import (
	"time"

	"github.com/google/uuid"
)

// Text is a label or sentence in both languages shown to people.
type Text struct{ ZH, EN string }

// Object is an entity ("client") or one of its field groups ("client#contacts"); see Catalogue for the closed list.
type Object string

// Action is a verb on an object: read and count on entities; peek, reveal, write and filter on field groups; business
// acts by name ("contract.submit"); see Catalogue for the closed list.
type Action string

// The verbs that are not business acts.
const (
	Read   Action = "read"   // the row may be seen
	Count  Action = "count"  // only numbers over the rows may be seen
	Peek   Action = "peek"   // the group's fields may be seen masked
	Reveal Action = "reveal" // the group's fields may be seen in full
	Write  Action = "write"  // the group's fields may be changed by the acts the person may do
	Filter Action = "filter" // the group's fields may be used in filters, orders and aggregates
)

// Scope says which rows a rule reaches. The zero value is no scope and is refused.
type Scope uint8

// The scopes of the domain, in the order of their widths as people think of them.
const (
	Self         Scope = iota + 1 // 本人: owner (client, contract, original) or subject (staff, account, grant, audit; borrower, requester) is the person
	Subordinates                  // 本人及下属: the person and everybody below by the superior of current employments
	ClientTeam                    // 客户团队成员: the person is on the client's team now
	Dept                          // 本部门
	DeptTree                      // 本部门及下级
	Distributed                   // 分发给本科室的名录: the client is distributed to the department now
	Company                       // 本公司
	CompanyTree                   // 本公司及子公司
	Tenant                        // 全租户
	Granted                       // 专项授权与有效借阅: a grant in force names the person, the client and the field class; on originals a live borrowing of that very one
	Partnership                   // 互联披露: rows disclosed through a partnership; reaches nothing as long as none is disclosed
)

// Effect of a rule. The zero value is no effect and is refused: a rule never applies by accident, nor silently never.
type Effect uint8

// The two effects; any Deny that is met beats any number of Allows.
const (
	Allow Effect = iota + 1
	Deny
)

// Class is a field class L0 to L7.
type Class uint8

// ClassSet is a set of field classes; bit i stands for Li. It is stored as access_grants.class_mask.
type ClassSet uint16

// ClassRange gives the classes from..to inclusive, e.g. ClassRange(0, 3) for L0–L3.
func ClassRange(from, to Class) ClassSet {
	var s ClassSet
	for c := from; c <= to && c < NumClasses; c++ {
		s |= c.Set()
	}
	return s
}

// Set gives the set that holds only c.
func (c Class) Set() ClassSet { return 1 << c }

// Has tells whether c is in s.
func (s ClassSet) Has(c Class) bool { return c < NumClasses && s&c.Set() != 0 }

// Classes known, and the set of all of them.
const (
	NumClasses Class    = 8
	AllClasses ClassSet = 1<<NumClasses - 1
)

// Rule is one line of a policy version: role × object × action × one scope × effect, optionally narrowed.
type Rule struct {
	ID   uuid.UUID
	Seq  int    // position in the version, shown to people
	Role string // key of the role, lower snake case

	// Object is an entity or a field group. A field verb (peek, reveal, write, filter) on an entity needs Classes and is
	// expanded to the entity's groups of those classes.
	Object Object
	Action Action
	Scope  Scope

	// Classes: for a field verb on an entity, the groups meant; for any other action with scope Granted, the classes of
	// which a grant must carry at least one (empty = any that opens rows of the entity: on a client every class, elsewhere
	// those of the entity's groups). Anywhere else it must be empty.
	Classes ClassSet

	Condition             string // closed grammar: field op constant, joined by &; empty = always. See ParseCondition
	Effect                Effect
	ValidFrom, ValidUntil time.Time // [from, until); zero = open
	Clause                string    // the regulation or requirement the rule implements
	Note                  string
}

// Binding gives a role to a person, optionally anchored at a company or department: the scopes Dept, DeptTree,
// Distributed, Company and CompanyTree are then relative to the anchor instead of to where the person is employed.
// An anchor at a company alone leaves the departments in which the person is employed within that company.
type Binding struct {
	ID                  uuid.UUID
	Role                string
	Company, Department uuid.UUID // zero = where the staff is employed
	From, Until         time.Time // [from, until); zero = open
}

// Principal is who asks.
type Principal struct {
	Tenant         uuid.UUID
	Staff, Account uuid.UUID // Staff is zero for partner applications and operators
	Kind           string    // STAFF, APP, OPERATOR, SYSTEM; shown in explanations, decides nothing
	Bindings       []Binding
	Suspended      bool // a suspended account is denied everything

	// Scopes of an API token; empty = everything the person may do. "read" leaves read, count, peek, reveal and filter;
	// "write" leaves write and every business act; any other entry leaves the action of exactly that name.
	Scopes []string
}

// Row is what authorization may know of a row. Absent facts are zero: uuid.Nil, "" and !AmountSet stand for NULL.
// A row of a child type (contact, obligation …) is judged by the facts of its anchor (client, contract).
type Row struct {
	ID, Company, Department, Owner uuid.UUID
	Client                         uuid.UUID // the client the row belongs to; for a client its own ID
	Staff                          uuid.UUID // the subject of staff, account, grant and audit rows
	Grade                          string    // grade of the client
	Kind, Stage, State             string
	Kinds                          []string // kinds of the client
	Important, ClientSuspended     bool
	Amount                         int64 // minor units
	AmountSet                      bool
	FieldClass                     Class // of an original's content; of a borrowing the highest among its items
	FieldClassSet                  bool

	// Facts about the asking person and the client at this instant; Rights.Facts gives the SQL that reads them.
	OnTeam        bool
	DistributedTo []uuid.UUID // departments the client is distributed to
	Granted       ClassSet    // classes granted to the person on the client
	Borrowed      bool        // the person holds the original now: handed out, not due, not ended; what Granted means on originals
}

// Reason is the code of why a decision fell as it did; see Reasons for labels and remedies.
type Reason string

// Decision is the answer about one object, action and row. Rule gives the rule that allowed or denied.
type Decision struct {
	Allow   bool
	Reason  Reason
	Version int64 // policy version that decided

	table *Table
	by    int32 // number of the rule in table, plus one
}

// Reach is the answer for all rows at once. All: every row of the tenant. None: no row. Otherwise a row is reached when
// at least one Allow term and no Deny term is met.
type Reach struct {
	All, None   bool
	Allow, Deny []Term
	Entity      Object    // decides which column Self and Subordinates compare
	Me          uuid.UUID // the person's staff id; SQL needs it for teams and grants
}

// Term is one alternative of a Reach, with every anchor resolved to ids.
type Term struct {
	Scope Scope

	// IDs: staff for Self and Subordinates; departments for Dept, DeptTree and Distributed; companies for Company and
	// CompanyTree; empty for the others. Sorted, without duplicates, never nil UUIDs.
	IDs         []uuid.UUID
	Cond        []Comparison
	Who         []uuid.UUID // for ClientTeam and Granted: these people instead of Reach.Me; see Together
	Classes     ClassSet    // for Granted: a grant must carry one of these
	From, Until time.Time   // the term holds in [From, Until); zero = open
}
