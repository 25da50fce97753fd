// Package limit owns every number that bounds a request and the checks that need no transport: size of a document,
// its cost, points a while. It does not own rights: whoever is within the limits may still be refused.
package limit

import "time"

// Limits are all bounds of the serving layer. The zero value of a field means zero, not "none": start from Default.
type Limits struct {
	// Documents, checked before validation.
	Tokens        int // tokens of one document
	Depth         int // levels of selection; an operation of introspection alone is exempt
	Aliases       int // aliased fields of one operation, fragments expanded
	Fields        int // fields of one document, fragments expanded
	SameName      int // times that one response key or fragment may stand in one selection set
	Directives    int // directives of one operation, fragments expanded
	Fragments     int // fragment definitions of one document
	Operations    int // operation definitions of one document
	RootMutations int // root fields of one mutation
	ValueDepth    int // levels of lists and input objects in one literal or variable
	VariableCount int // variable definitions of one operation

	// Cost, in points; see Price.
	Cost        int // points of one operation
	Page        int // largest `first` or `last`
	DefaultPage int // assumed where a connection is asked without `first` and `last` and the SDL has no default
	IDs         int // ids of one list argument
	InputList   int // members of any other list in an input
	PlainList   int // assumed length of a list that has no `first`

	// Answers.
	Errors int // errors of one answer

	// HTTP.
	Body       int64         // bytes of a request body
	URL        int           // bytes of a URL with its query
	Header     int           // bytes of request headers
	Operation  time.Duration // one query or mutation, or one step of opening a subscription
	ReadHeader time.Duration // receiving the headers
	Read       time.Duration // receiving a whole request; lifted for sockets and streams
	Idle       time.Duration // between two requests of a connection
	Write      time.Duration // sending one message of a socket or stream; one answer has Operation+Write
	KeepAlive  time.Duration // between two comments of an event stream or two pings of a socket

	// Sockets.
	Message    int64         // bytes of one message
	Init       time.Duration // from the handshake to connection_init
	Queue      int           // messages that may wait for one socket
	OpsASocket int           // operations alive on one socket
	Sockets    int           // sockets and event streams alive for one principal
	OpIDLength int           // bytes of an operation's id

	// Credentials of sockets and streams are looked at again this often; at most 500 ms.
	Recheck time.Duration

	// Rates, in points (an operation costs its cost, at least 1), leaky buckets.
	PrincipalPoints int     // capacity for one principal of one tenant
	PrincipalLeak   float64 // points a second that flow out again
	TenantPoints    int     // capacity for all principals of one tenant together
	TenantLeak      float64

	// Memory.
	CachedDocuments int // parsed and validated documents that are kept
	CachedLength    int // bytes of the longest document that is kept
}

// Default gives the published numbers.
func Default() Limits {
	return Limits{
		Tokens: 15_000, Depth: 15, Aliases: 60, Fields: 1_500, SameName: 50, Directives: 50, Fragments: 200,
		Operations: 20, RootMutations: 10, ValueDepth: 20, VariableCount: 200,

		Cost: 5_000, Page: 100, DefaultPage: 20, IDs: 100, InputList: 250, PlainList: 10,

		Errors: 20,

		Body: 1 << 20, URL: 16 << 10, Header: 32 << 10,
		Operation: 30 * time.Second, ReadHeader: 5 * time.Second, Read: 20 * time.Second, Idle: 90 * time.Second,
		Write: 5 * time.Second, KeepAlive: 12 * time.Second,

		Message: 1 << 20, Init: 5 * time.Second, Queue: 256, OpsASocket: 100, Sockets: 200, OpIDLength: 128,

		Recheck: 400 * time.Millisecond,

		PrincipalPoints: 20_000, PrincipalLeak: 1_000, TenantPoints: 200_000, TenantLeak: 10_000,
		CachedDocuments: 1_000, CachedLength: 16 << 10,
	}
}
