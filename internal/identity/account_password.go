package identity

import (
	"context"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/ent/db/account"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/tenancy"
)

// AccountChangePassword sets one's own password (Account nil or one's own; Current needed) or somebody else's.
type AccountChangePassword struct {
	Account *uuid.UUID
	Current *string `json:"-"`
	New     string  `json:"-"`
}

// Validate reports all field errors at once.
func (in *AccountChangePassword) Validate() error {
	var c input.Checks
	checkPassword(&c, "input.newPassword", in.New, "")
	return c.Err()
}

// AccountChangePassword: one's own in a session (an API token changes no password) with the current one, or another's
// with permission account.resetPassword; that one must then be changed at the next sign-in. The account's other sessions
// end. FORBIDDEN WRONG_PASSWORD, SESSION_REQUIRED; RATE_LIMITED WRONG_PASSWORDS with "retryAfter" (seconds) after ten wrong
// current passwords in five minutes, in whichever sessions and processes.
func (s *Service) AccountChangePassword(ctx context.Context, session *tenancy.Session, in AccountChangePassword, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	own := session.Actor.Account != uuid.Nil && (in.Account == nil || *in.Account == session.Actor.Account)
	if !own && in.Account == nil {
		return act.Result{}, absentReference("input.accountId")
	}
	check := currentPassword{}
	if own {
		leave, err := s.turns.take(ctx, accountKey{session.Tenant, session.Actor.Account})
		if err != nil {
			return act.Result{}, err
		}
		defer leave()
		if check, err = s.checkCurrent(ctx, session, in.Current); err != nil {
			return act.Result{}, err
		}
	}
	hash, bound, err := s.protect(ctx, session, key, &in.New)
	if err != nil {
		return act.Result{}, err
	}
	spec, target := accountResetPassword(), in.Account
	if own {
		spec, target = accountChangePassword(), &session.Actor.Account
	}
	bind := struct {
		Account  uuid.UUID
		Password []byte
	}{*target, bound}
	return s.runner.Run(ctx, session, spec, key, bind, func(ctx context.Context, w *act.Work) (act.Result, error) {
		before, err := passwordTarget(ctx, w, *target, own, check)
		if err != nil {
			return act.Result{}, err
		}
		var c input.Checks
		checkPassword(&c, "input.newPassword", in.New, before.Login)
		if err := c.Err(); err != nil {
			return act.Result{}, err
		}
		after := *before.Account
		after.PasswordHash, after.MustChangePassword = hash, !own && before.Kind == kindStaff
		if err := save(ctx, w, before, &after); err != nil {
			return act.Result{}, err
		}
		stays := uuid.Nil
		if own {
			stays = session.Actor.Credential
		}
		ended, err := returned(ctx, w, endSessions, w.Tenant(), before.ID, w.Now(), w.Staff(), stays)
		if err != nil {
			return act.Result{}, err
		}
		if err := unlist(ctx, w, ended...); err != nil {
			return act.Result{}, err
		}
		return act.Result{
			Subject: act.Subject{Type: typeAccount, ID: after.ID, Version: after.Version}, Snapshot: accountSnapshot(&after),
			Changes: []act.Change{{Field: "password"}, {Field: "endedSessions", New: len(ended)}},
		}, nil
	})
}

// currentPassword is what was found out before the transaction: whether the current password was right, and of which hash.
type currentPassword struct {
	right bool
	hash  string
}

func (s *Service) checkCurrent(ctx context.Context, session *tenancy.Session, current *string) (currentPassword, error) {
	var stored *entdb.Account
	err := s.db.InTx(ctx, session, func(ctx context.Context, tx *tenancy.Tx) (err error) {
		if err := guesses(ctx, tx, session.Actor.Account); err != nil {
			return err
		}
		stored, err = tx.Ent().Account.Query().Where(account.TenantID(session.Tenant.UUID()), account.ID(session.Actor.Account)).Only(ctx)
		return err
	})
	if err != nil || stored.PasswordHash == nil || current == nil {
		return currentPassword{}, err
	}
	right, err := s.hasher.VerifyPassword(ctx, *stored.PasswordHash, *current)
	return currentPassword{right, *stored.PasswordHash}, err
}

// passwordTarget is the account whose password changes, once it is clear that the actor may.
func passwordTarget(ctx context.Context, w *act.Work, target uuid.UUID, own bool, check currentPassword) (*holder, error) {
	if !own {
		return accountToChange(ctx, w, target)
	}
	h, err := findAccount(ctx, w, target)
	switch {
	case err != nil:
		return nil, err
	case h == nil:
		return nil, w.Absent(typeAccount, target)
	// SECURITY: a leaked API token must not become a password, nor a session left open one without the current password.
	case w.Session().Actor.CredentialKind != tenancy.SessionCredential:
		return nil, sessionRequired()
	case !check.right:
		return nil, fault.Forbidden("WRONG_PASSWORD", fault.Text{ZH: "当前密码不正确", EN: "the current password is wrong"}, "", fault.Text{}).At("input.currentPassword")
	case h.PasswordHash == nil || *h.PasswordHash != check.hash:
		return nil, fault.Stale(h.Version).At("input.currentPassword")
	}
	return h, nil
}

func sessionRequired() *fault.Error {
	return fault.Forbidden("SESSION_REQUIRED", fault.Text{ZH: "API 令牌不能进行此操作", EN: "an API token cannot do this"}, "",
		fault.Text{ZH: "请登录后操作", EN: "sign in and do it in a session"})
}
