package file

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/uuid"
	"github.com/jub0bs/cors"

	"github.com/clientele/clientele/internal/tenancy"
)

// Click is one use of a link: somebody wants the bytes now.
type Click struct {
	File    File
	Purpose string // as it was given to Link
}

// Terms are on what conditions a click is served.
type Terms struct {
	// Mark is put on every page; nil for none. What cannot be marked is refused (UNMARKABLE) from class L4 on.
	Mark *Mark
	// Class of the content, 0 to 7.
	Class int
	// Act is what the audit trail calls the opening: "read", "original", "export", "print"; "original" where it is empty.
	Act string
}

// Decide decides a click anew, in a transaction of the session that the link was made for, at the epochs that it was made
// at. An error refuses: a fault is answered as it is, with 403 for every refusal of a right.
type Decide func(ctx context.Context, tx *tenancy.Tx, c Click) (Terms, error)

// Opening is a click that is about to be served.
type Opening struct {
	File    File
	Purpose string
	Act     string
}

// Opened records an opening; an error means that no byte leaves.
type Opened func(ctx context.Context, s *tenancy.Session, o Opening) error

// Refusal is a click or an upload that was refused: somebody wanted bytes that he does not get, or sent others than he said.
type Refusal struct {
	File   uuid.UUID // as it was asked for: whether there is one is not told
	Act    string    // ActOpen, ActReceive
	Reason string    // reason code
}

// What refusals are of, in the audit trail.
const (
	ActOpen    = "file.open"
	ActReceive = "file.receive"
)

// Refused records a refusal. It changes no answer; an error is logged.
type Refused func(ctx context.Context, s *tenancy.Session, r Refusal) error

// Web is what the routes need beside the service. Authenticate, Decide, Opened and Refused are required.
type Web struct {
	Authenticate func(ctx context.Context, bearer string, r *http.Request) (*tenancy.Session, error)
	RequestID    func(context.Context) string // nil: none is known
	// Decide and Opened are asked at every click.
	Decide Decide
	Opened Opened
	// Refused is told of every click and upload that was refused to somebody who is known, but for what Limits.Refusals holds back.
	Refused Refused
	// Origins are the browser origins that may call.
	Origins []string
}

// TicketHeader carries the secret of an upload; it is accepted nowhere else.
const TicketHeader = "Upload-Ticket"

// routes are the service behind HTTP.
type routes struct {
	*Service
	web Web
}

// Handler serves PUT /files/{id} (headers Authorization and Upload-Ticket) with 201 and
// {"file": {id, name, mediaType, size, sha256, state}}, and GET and HEAD /files/{id}?link=… with ranges: a link needs no
// Authorization, and one that is sent must be of the account that the link was made for. Errors are answered as /auth/
// answers them.
func (s *Service) Handler(web Web) (http.Handler, error) {
	if web.Authenticate == nil || web.Decide == nil || web.Opened == nil || web.Refused == nil {
		return nil, errors.New("file: the routes need Authenticate, Decide, Opened and Refused")
	}
	if web.RequestID == nil {
		web.RequestID = func(context.Context) string { return "" }
	}
	r := routes{s, web}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /files/{id}", r.put)
	mux.HandleFunc("GET /files/{id}", r.get)
	if len(web.Origins) == 0 {
		return mux, nil
	}
	mw, err := cors.NewMiddleware(cors.Config{
		Origins: web.Origins, Methods: []string{http.MethodGet, http.MethodHead, http.MethodPut},
		RequestHeaders:  []string{"Authorization", "Content-Type", "Accept-Language", "If-Range", "Range", TicketHeader},
		ResponseHeaders: []string{"X-Request-Id", "Retry-After", "Accept-Ranges", "Content-Disposition", "Content-Range", "ETag"}, MaxAgeInSeconds: 7200,
	})
	if err != nil {
		return nil, err
	}
	return mw.Wrap(mux), nil
}
