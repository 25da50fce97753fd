package archive

import (
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/policy"
)

// The acts of the archive; the name of each is its action in policy and in the audit trail.
var (
	clientOpen           = onClient(policy.ClientOpen, "client.opened.v1")
	clientChangeProfile  = onClient(policy.ClientChangeProfile, "client.profileChanged.v1")
	clientChangeList     = onClient(policy.ClientChangeList, "client.listChanged.v1")
	clientChangeDealings = onClient(policy.ClientChangeDealings, "client.dealingsChanged.v1")
	clientChangeCredit   = onClient(policy.ClientChangeCredit, "client.creditChanged.v1")
	clientSuspend        = onClient(policy.ClientSuspend, "client.suspended.v1")
	clientLift           = onClient(policy.ClientLift, "client.lifted.v1")
	clientMove           = onClient(policy.ClientMoveDepartment, "client.moved.v1")
	clientAssignTeam     = onClient(policy.ClientAssignTeam, "client.teamAssigned.v1")
	clientDistribute     = onClient(policy.ClientDistribute, "client.distributed.v1")
	clientRecordChange   = onClient(policy.ClientRecordChange, "client.changeRecorded.v1")
	contactAdd           = onClient(policy.ContactAdd, "contact.added.v1")
	contactChange        = onClient(policy.ContactChange, "contact.changed.v1")
	contactLeave         = onClient(policy.ContactLeave, "contact.left.v1")
)

func onClient(action policy.Action, event string) act.Spec {
	return act.Spec{Name: string(action), Object: policy.OnClient, Action: action, Event: event}
}

// Specs lists the acts of this package, for the tests that walk all acts.
func Specs() []act.Spec {
	return []act.Spec{
		clientOpen, clientChangeProfile, clientChangeList, clientChangeDealings, clientChangeCredit, clientSuspend, clientLift,
		clientMove, clientAssignTeam, clientDistribute, clientRecordChange, contactAdd, contactChange, contactLeave,
	}
}
