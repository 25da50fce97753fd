package read

import (
	"strings"

	"github.com/clientele/clientele/internal/approval"
)

// mine is the condition that a step waits for the actor: the same as the chain asks of whoever decides (approval.Fixed), as a predicate.
// It is about the step as it is now, whatever the list is as of.
func (l *listing) mine(wanted string) string {
	w := l.w
	step := w.current
	me := w.arg(argument{kind: argStaff}) + "::uuid"
	var acts []string
	for _, q := range approval.Questions() {
		if p := w.can(q.Object, q.Action); p != no {
			acts = append(acts, "("+step+".subject_type = '"+string(q.Type)+"' AND "+step+".key = '"+string(q.Key)+"' AND "+p+")")
		}
	}
	waits := no
	if len(acts) > 0 {
		waits = step + ".state = 'active' AND " + step + ".requester_staff_id <> " + me + " AND (" + strings.Join(acts, " OR ") + ")" +
			" AND EXISTS (SELECT 1 FROM staff s9 WHERE s9.tenant_id = $1 AND s9.id = " + me + ")" +
			" AND NOT EXISTS (SELECT 1 FROM approval_steps d9 WHERE d9.tenant_id = $1 AND d9.subject_id = " + step + ".subject_id AND d9.decided_by = " + me + ")"
	}
	return "(NOT " + wanted + "::boolean OR (" + waits + "))"
}
