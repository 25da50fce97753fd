package identity

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// maxValidity of API tokens and access grants.
const maxValidity = 366 * 24 * time.Hour

// APITokenIssue makes a long-lived credential of one's own account (Account nil) or of an app's.
type APITokenIssue struct {
	Account   *uuid.UUID
	Name      string
	Scopes    []string // "read", "write"; empty: all that the account may do
	ExpiresAt time.Time
}

// Validate trims texts, sorts scopes and reports all field errors at once.
func (in *APITokenIssue) Validate() error {
	var c input.Checks
	in.Name = c.Line("input.name", in.Name, 100)
	for i, scope := range in.Scopes {
		c.OneOf(fmt.Sprintf("input.scopes.%d", i), scope, "read", "write")
	}
	in.Scopes = slices.Clone(in.Scopes)
	slices.Sort(in.Scopes)
	in.Scopes = slices.Compact(in.Scopes)
	return c.Err()
}

// APITokenIssue: in a session, one's own, or with permission token.issue an app's; a staff member's token is issued by
// himself alone, for with it one acts as him. secret is the token: it is given this once, nothing keeps it, and a replay
// under the same key gives none. INVALID_INPUT EXPIRY when the end is not within 366 days.
func (s *Service) APITokenIssue(ctx context.Context, session *tenancy.Session, in APITokenIssue, key string) (result act.Result, secret string, err error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, "", err
	}
	token, hash, display, err := credential.New(credential.APIToken, s.random)
	if err != nil {
		return act.Result{}, "", err
	}
	result, err = s.runner.Run(ctx, session, tokenIssue(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		if err := within(w.Now(), w.Now(), in.ExpiresAt, "input.expiresAt"); err != nil {
			return act.Result{}, err
		}
		h, err := tokenHolder(ctx, w, in.Account)
		if err != nil {
			return act.Result{}, err
		}
		if h.State != stateActive {
			return act.Result{}, fault.State("ACCOUNT_NOT_ACTIVE", fault.Text{ZH: "账号不是正常状态", EN: "the account is not active"}, fault.Text{})
		}
		t, err := w.Ent().ApiToken.Create().SetID(w.IDs.New()).SetTenantID(w.Tenant()).SetAccountID(h.ID).SetName(in.Name).SetTokenPrefix(display).SetTokenHash(hash).
			SetScopes(strings.Join(in.Scopes, " ")).SetCreatedAt(w.Now()).SetNillableCreatedBy(w.Staff()).SetExpiresAt(in.ExpiresAt).Save(ctx)
		if err != nil {
			return act.Result{}, wrap("write token", err)
		}
		if err := list(ctx, w, tenancy.DirectoryToken, hash, t.ID); err != nil {
			return act.Result{}, err
		}
		return act.Result{
			Subject: act.Subject{Type: typeToken, ID: t.ID, Version: t.Version}, Snapshot: tokenSnapshot(t),
			Changes: []act.Change{{Field: "name", New: t.Name}, {Field: "scopes", New: t.Scopes}, {Field: "expiresAt", New: t.ExpiresAt}, {Field: "tokenPrefix", New: display}},
		}, nil
	})
	if err != nil || result.Replayed {
		return result, "", err
	}
	return result, token, nil
}

// tokenHolder is the account that a token is to act for, once it is clear that the actor may issue one.
func tokenHolder(ctx context.Context, w *act.Work, account *uuid.UUID) (*holder, error) {
	actor := w.Session().Actor
	// SECURITY: a token must not beget tokens, or it would outlive its end and shed its scopes.
	if w.Rights != nil && actor.CredentialKind != tenancy.SessionCredential {
		return nil, sessionRequired()
	}
	target := actor.Account
	if account != nil {
		target = *account
	}
	if own(w, target) {
		h, err := findAccount(ctx, w, target)
		if err == nil && h == nil {
			err = w.Absent(typeAccount, target)
		}
		return h, err
	}
	h, err := referAccount(ctx, w, "input.accountId", target)
	if err != nil {
		return nil, err
	}
	if err := require(w, act.Subject{Type: typeToken}, h.row(), policy.AccountAdmin); err != nil {
		return nil, err
	}
	// SECURITY: whoever holds a staff member's token acts as him, in the audit trail too.
	if h.Kind != kindApp {
		return nil, fault.Forbidden("TOKEN_OF_ANOTHER_PERSON", fault.Text{ZH: "不能为其他员工签发令牌", EN: "nobody issues a token for another person"}, "",
			fault.Text{ZH: "请由本人签发，或使用应用账号", EN: "let that person issue it, or use an app's account"})
	}
	return h, nil
}

// within refuses an end that is not after now and from, or lies more than 366 days after from.
func within(now, from, until time.Time, field string) error {
	if !until.After(now) || !until.After(from) || until.Sub(from) > maxValidity {
		return fault.Invalid(field, "EXPIRY", fault.Text{ZH: "截止时间须在开始之后、366 天之内", EN: "the end lies after the start, within 366 days"}, fault.Text{})
	}
	return nil
}
