package file

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
)

// attempt is what somebody who is known tries with a file.
type attempt struct {
	routes
	session *tenancy.Session
	file    uuid.UUID
	act     string
	link    linkKey // zero for an upload
}

// refusedLink is a link with the reason for which it was refused.
type refusedLink struct {
	link   linkKey
	reason string
}

// begin holds a place for the refusal that it may come to, and refuses at once whom too much was refused.
//
// SECURITY: refusals are recorded one by one, so how many somebody can bring about is bounded here, before anything is looked up.
func (s routes) begin(session *tenancy.Session, file uuid.UUID, act string, link linkKey) (attempt, error) {
	a := attempt{s, session, file, act, link}
	if spent := s.held.Take(a.account(), 1); !spent.OK {
		return a, fault.Busy("REFUSALS", fault.Text{ZH: "被拒绝的文件请求过多，请稍后再试", EN: "too many requests for files were refused, try again later"}).
			With("retryAfter", int((spent.Retry+time.Second-1)/time.Second))
	}
	return a, nil
}

func (a attempt) account() account { return account{a.session.Tenant, a.session.Actor.Account} }

// end records err where it refuses, and gives the place back where it does not. One link is refused for one reason once, as it is opened
// once: whoever has a dead link of somebody else's neither fills the trail with it nor holds him back. It gives err as it is.
func (a attempt) end(ctx context.Context, err error) error {
	reason, refused := reasonOfRefusal(err)
	if !refused || a.again(reason) {
		a.held.Take(a.account(), -1)
		return err
	}
	// The caller may have gone; the refusal is recorded all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if e := a.web.Refused(ctx, a.session, Refusal{File: a.file, Act: a.act, Reason: reason}); e != nil {
		a.log.ErrorContext(ctx, "a refused request for a file is not recorded", slog.String("act", a.act), slog.Any("error", e))
	}
	return err
}

func (a attempt) again(reason string) bool {
	if a.link == (linkKey{}) {
		return false
	}
	_, known := a.dead.GetIfPresent(refusedLink{a.link, reason})
	a.dead.Set(refusedLink{a.link, reason}, struct{}{})
	return known
}

// reasonOfRefusal tells what is a refusal: not what is ours to mend, what is busy, nor a caller who is not known.
func reasonOfRefusal(err error) (string, bool) {
	list, ok := fault.As(err)
	if !ok || len(list) == 0 {
		return "", false
	}
	switch e := list[0]; e.Code {
	case fault.InvalidInput, fault.NotFoundCode, fault.ForbiddenCode, fault.InvalidState, fault.DutyConflict, fault.Conflict, fault.LimitExceeded:
		if e.Reason == "" {
			return string(e.Code), true
		}
		return e.Reason, true
	}
	return "", false
}
