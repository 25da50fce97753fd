package read

import (
	"testing"
)

func TestSmoke(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.tenants[0]
	s := w.session(m, 0, everything())
	a := w.ask(s, `query($first: Int = 3) {
		viewer { account { login } staff { name } }
		tenant { slug state }
		clients(first: $first, orderBy: {field: NAME}) {
			totalCount { value capped }
			pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
			edges { cursor node { id name kinds formerNames phone creditLimit { amount currency } owner { id name department { name head { name } } }
				contacts(first: 2) { nodes { name phone client { name } } totalCount { value } }
				contracts { nodes { number amount { amount } obligations { nodes { dueOn } } } } } }
		}
		auditRecords(first: 3) { nodes { detail objectId actorId occurredAt } }
	}`, nil)
	t.Logf("%s %v %v", a.Data, a.Errors, a.Masked)
}
