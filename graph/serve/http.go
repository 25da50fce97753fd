package serve

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/graph/limit"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
)

// plain is POST and GET; event streams branch off when it is known that one is wanted.
func (h *Handler) plain(w http.ResponseWriter, r *http.Request) {
	if p, bad := h.screen(r); bad {
		if r.Method == http.MethodOptions {
			w.Header().Set("Allow", methods)
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if p.status == http.StatusRequestEntityTooLarge {
			h.drain(r)
		}
		h.problem(w, r, p)
		return
	}
	accept := negotiate(r.Header.Get("Accept"))
	if accept.best == "" {
		h.problem(w, r, notAcceptable)
		return
	}
	session, ok := h.authenticate(w, r)
	if !ok {
		return
	}
	p, err := h.params(w, r)
	if errors.Is(err, errAnswered) {
		return
	}
	var o *operation
	var refusal *refused
	if err != nil {
		refusal = refuse(err)
	} else {
		var spent limit.Spent
		o, spent, refusal = h.prepare(r.Context(), session, p)
		h.rateHeaders(w, spent)
	}
	streamed := accept.best == typeEvents || (o != nil && o.op.Operation == ast.Subscription && accept.events)
	if o != nil && r.Method == http.MethodGet && o.op.Operation == ast.Mutation {
		h.problem(w, r, queriesOnly)
		return
	}
	switch {
	case streamed:
		h.stream(w, r, session, o, refusal)
	case refusal != nil:
		errs := h.present(r.Context(), refusal.errs, session.Language)
		send(w, accept.answer, statusOf(errs, accept.answer), rejection(errs))
	case o.op.Operation == ast.Subscription:
		h.problem(w, r, needsStream)
	default:
		// the server's limit on reading a request must not end a long operation
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
		ctx, end := h.begin(r.Context(), o, "http")
		a := h.run(ctx, session, o)
		end(codesOf(a.errs))
		for _, g := range a.errs { // an act may be limited by itself
			if n, ok := g.Extensions["retryAfter"].(int); ok && g.Extensions["code"] == string(fault.RateLimited) {
				w.Header().Set("Retry-After", strconv.Itoa(max(1, n)))
			}
		}
		send(w, accept.answer, http.StatusOK, a.bytes())
	}
}

// screen refuses what needs no look at the body or the caller.
func (h *Handler) screen(r *http.Request) (problem, bool) {
	switch r.Method {
	case http.MethodGet, http.MethodPost:
	default:
		return notAllowed, true
	}
	if len(r.URL.Path)+len(r.URL.RawQuery) > h.Limits.URL {
		return problem{status: http.StatusRequestURITooLong, fault: tooLarge("URL_SIZE", "URL 过长", "the URL is too long", h.Limits.URL)}, true
	}
	if r.URL.RawQuery != "" && credentialInURL(r.URL.Query()) {
		return tokenInURL, true
	}
	if r.Method == http.MethodPost {
		mt, charset, err := contentType(r.Header.Get("Content-Type"))
		encoding := r.Header.Get("Content-Encoding")
		// SECURITY: what a form of a foreign page can send (form types, text/plain, multipart) is never read.
		if err != nil || mt != typeJSON || (charset != "" && !strings.EqualFold(charset, "utf-8")) || (encoding != "" && encoding != "identity") {
			return unsupported, true
		}
		if r.ContentLength > h.Limits.Body {
			return h.bodyTooLarge(), true
		}
	}
	return problem{}, false
}

// contentType reads the header; the one value that nearly all send needs no parser.
func contentType(header string) (mt, charset string, err error) {
	if header == typeJSON {
		return typeJSON, "", nil
	}
	mt, params, err := mime.ParseMediaType(header)
	return mt, params["charset"], err
}

// drain reads on for as much again as is allowed, so that a sender who went a little too far reads the answer instead
// of a reset connection. Time is bounded by the server's read limit.
func (h *Handler) drain(r *http.Request) {
	_, _ = io.CopyN(io.Discard, r.Body, h.Limits.Body)
}

func (h *Handler) bodyTooLarge() problem {
	return problem{status: http.StatusRequestEntityTooLarge, fault: tooLarge("BODY_SIZE", "请求体过大", "the request body is too large", int(h.Limits.Body))}
}

// authenticate finds the session, or answers.
func (h *Handler) authenticate(w http.ResponseWriter, r *http.Request) (*tenancy.Session, bool) {
	s, err := h.session(r.Context(), bearer(r.Header.Get("Authorization")), r)
	if err == nil {
		return s, true
	}
	ct := negotiate(r.Header.Get("Accept")).answer
	if ct == "" {
		ct = typeJSON
	}
	errs := h.present(r.Context(), []error{err}, language(r.Header.Get("Accept-Language")))
	status := statusOf(errs, ct)
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="graphql"`)
	}
	if status < http.StatusBadRequest {
		status = http.StatusForbidden
	}
	if status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter(err)))
	}
	send(w, ct, status, rejection(errs))
	return nil, false
}

// session asks the authenticator and completes what it found with the request's id and language.
func (h *Handler) session(ctx context.Context, token string, r *http.Request) (*tenancy.Session, error) {
	found, err := h.Auth.Authenticate(ctx, token, r)
	if err != nil {
		return nil, err
	}
	if found == nil || expired(found, h.Now()) {
		return nil, fault.SignIn()
	}
	found.RequestID = RequestID(ctx)
	if r.Header.Get("Accept-Language") != "" || found.Language == "" {
		found.Language = language(r.Header.Get("Accept-Language"))
	}
	return found, nil
}

var errAnswered = errors.New("answered")

// ordinaryBody is so long, in bytes, that most requests fit.
const ordinaryBody = 8 << 10

// params reads the request, at most Body bytes of it.
func (h *Handler) params(w http.ResponseWriter, r *http.Request) (*params, error) {
	if r.Method == http.MethodGet {
		return fromURL(r.URL.RawQuery)
	}
	var b bytes.Buffer
	if n := min(r.ContentLength, ordinaryBody); n > 0 { // what a caller says of more is not believed before it comes
		b.Grow(int(n) + bytes.MinRead)
	}
	_, err := b.ReadFrom(http.MaxBytesReader(w, r.Body, h.Limits.Body))
	var tooBig *http.MaxBytesError
	switch {
	case errors.As(err, &tooBig):
		h.drain(r)
		h.problem(w, r, h.bodyTooLarge())
		return nil, errAnswered
	case err != nil:
		h.problem(w, r, unreadable)
		return nil, errAnswered
	}
	return fromBody(b.Bytes())
}
