package read

import (
	"github.com/clientele/clientele/policy"
)

// lookup is an object found by id.
type lookup struct {
	stmt    *stmt
	program *program
}

type stmtKind uint8

const (
	stmtLookup stmtKind = iota + 1
	stmtPage
	stmtCount
	stmtExists
)

// stmt is one statement of a pipeline.
type stmt struct {
	index, level int
	kind         stmtKind
	sql          string
	args         []argument
	parent       *stmt // whose rows it continues; nil at roots
	parentCol    int   // column of the parent with the id
	site         *site
	typ          *Type // of a lookup
	ordCol       int   // -1: all rows belong together
	keyCol       int   // sort key; -1 none
	limit        int
	nested       bool
	early        bool // the parent's ids are known beforehand: sent beside it, not after it
}

type argKind uint8

const (
	argTenant argKind = iota + 1
	argConst          // of the rights
	argAccount
	argStaff
	argKeys   // ids of the parent's rows, or those looked up
	argFilter // site.values[n]
	argAsOf
	argAfterKey
	argAfterID
	argBeforeKey
	argBeforeID
)

type argument struct {
	kind  argKind
	value any
	n     int
	site  *site
}

// program writes the rows of one selection.
type program struct {
	typ    *Type
	id     int
	items  []item
	opens  []openGroup
	always bool // reading by id is an opening
}

// openGroup is a selected group of class L4 or above; its reading in full is an opening.
type openGroup struct {
	group policy.Object
	code  int // column with the access; -1: always in full
}

type itemOp uint8

const (
	itemLiteral itemOp = iota + 1
	itemHidden
	itemScalar
	itemMoney
	itemOne
	itemMany
)

type item struct {
	key           []byte
	alias         string
	op            itemOp
	kind          Kind
	prefix        string
	first, second int // columns
	code          int // column with the access; -1: no check
	need          int16
	lit           []byte
	reason        string
	money         []moneyPart
	sub           *program
	many          *connProgram
}

// connProgram writes a page.
type connProgram struct {
	conn       *connection
	column     int  // of the parent: its id, or NULL when the field is hidden
	own        bool // the column is the id of the very row that a statement looks up
	page       *stmt
	count      *stmt
	next, prev *stmt
	programs   []*program
	ordering   string
}

// shift moves a program into a block that holds the columns of its own from base on.
func (p *program) shift(base int) {
	p.id += base
	for i := range p.opens {
		if p.opens[i].code >= 0 {
			p.opens[i].code += base
		}
	}
	for i := range p.items {
		it := &p.items[i]
		it.first += base
		it.second += base
		if it.code >= 0 {
			it.code += base
		}
		if it.sub != nil {
			it.sub.shift(base)
		}
		if it.many != nil {
			it.many.column += base
		}
	}
}
