package serve

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
)

var errCredentialOver = errors.New("the credential is no longer good")

// stream answers as server-sent events, one connection for each operation: `next` for every answer, then `complete`.
// Request errors are a `next` too: readers of event streams do not see bodies of other answers.
func (h *Handler) stream(w http.ResponseWriter, r *http.Request, s *tenancy.Session, o *operation, refusal *refused) {
	if o != nil && !h.live.claim(principalOf(s)) {
		h.problem(w, r, tooManyStreams)
		return
	}
	if o != nil {
		defer h.live.release(principalOf(s))
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	n, open := h.live.open(func() { cancel(http.ErrServerClosed) })
	if !open {
		h.problem(w, r, goingDown)
		return
	}
	defer h.live.close(n)

	ev := &events{w: w, rc: http.NewResponseController(w), write: h.Limits.Write, lang: s.Language}
	_ = ev.rc.SetReadDeadline(time.Time{}) // the server's limit on reading a request is not for streams
	w.Header().Set("Content-Type", typeEvents+"; charset=utf-8")
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	if refusal != nil {
		_ = ev.send("next", rejection(h.present(ctx, refusal.errs, s.Language)))
		_ = ev.send("complete", nil)
		return
	}
	if ev.comment() != nil {
		return
	}

	answers := make(chan []byte)
	done := make(chan error, 1)
	go func() {
		done <- h.each(ctx, s, o, "sse", func(b []byte) error {
			select {
			case answers <- b:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
	}()
	go h.tend(ctx, s, func() { cancel(errCredentialOver) })
	err := h.relay(ctx, ev, answers, done)
	cancel(nil)
	if err == nil {
		_ = ev.send("complete", nil)
	}
}

// relay writes what comes until the operation ends (nil) or the peer is gone (an error).
func (h *Handler) relay(ctx context.Context, ev *events, answers <-chan []byte, done <-chan error) error {
	keep := time.NewTicker(h.Limits.KeepAlive)
	defer keep.Stop()
	last := func(err error) error {
		return ev.send("next", rejection(h.present(ctx, []error{err}, ev.language())))
	}
	for {
		select {
		case b := <-answers:
			if err := ev.send("next", b); err != nil {
				return err
			}
		case err := <-done:
			if err == nil || ctx.Err() != nil {
				if errors.Is(context.Cause(ctx), errCredentialOver) {
					return last(fault.SignIn())
				}
				return err
			}
			return last(err)
		case <-keep.C:
			if err := ev.comment(); err != nil {
				return err
			}
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), errCredentialOver) {
				return last(fault.SignIn())
			}
			return context.Cause(ctx)
		}
	}
}

// tend watches a credential until ctx ends: expiry is seen at its instant, revocation within Recheck.
//
// SECURITY: a connection must not outlive the credential that opened it.
func (h *Handler) tend(ctx context.Context, s *tenancy.Session, over func()) {
	t := time.NewTicker(h.Limits.Recheck)
	defer t.Stop()
	expiry, stop := lifetime(s, h.Now())
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-expiry:
			over()
			return
		case <-t.C:
			if expired(s, h.Now()) || !h.Live.Live(ctx, s) {
				over()
				return
			}
		}
	}
}

// events writes server-sent events, each within the write limit.
type events struct {
	w     http.ResponseWriter
	rc    *http.ResponseController
	write time.Duration
	lang  string
}

func (e *events) language() string { return e.lang }

func (e *events) send(event string, data []byte) error {
	var b bytes.Buffer
	b.Grow(len(data) + 32)
	b.WriteString("event: " + event + "\ndata: ")
	b.Write(bytes.ReplaceAll(data, []byte("\n"), []byte(" "))) // JSON holds line breaks only between tokens
	b.WriteString("\n\n")
	return e.flush(b.Bytes())
}

func (e *events) comment() error { return e.flush([]byte(":\n\n")) }

func (e *events) flush(b []byte) error {
	// SECURITY: a peer that does not read must not hold a goroutine for ever.
	if err := e.rc.SetWriteDeadline(time.Now().Add(e.write)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := e.w.Write(b); err != nil {
		return err
	}
	return e.rc.Flush()
}
