package authn

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
)

// SignIn is what a person types: the tenant's slug, the login, the password.
type SignIn struct {
	Tenant, Login, Password string

	Address   string // of the caller, for rates and the session list
	UserAgent string // for the session list, cut to 400 characters
}

// Validate checks sizes and presence; every field that is wrong is named.
func (in *SignIn) Validate() error {
	in.Tenant, in.Login = strings.ToLower(strings.TrimSpace(in.Tenant)), strings.ToLower(strings.TrimSpace(in.Login))
	var list fault.List
	for _, f := range []struct {
		name, value string
		most        int
	}{{"tenant", in.Tenant, 40}, {"login", in.Login, 63}, {"password", in.Password, credential.MaxPasswordBytes}} {
		switch {
		case f.value == "":
			list = append(list, fault.Invalid(f.name, "REQUIRED", fault.Text{ZH: "必填", EN: "required"}, fault.Text{}))
		case len(f.value) > f.most || !utf8.ValidString(f.value):
			list = append(list, fault.Invalid(f.name, "TOO_LONG", fault.Text{ZH: "过长", EN: "too long"}, fault.Text{}))
		}
	}
	return list.Err()
}

// Opened is a sign-in that succeeded. The token is shown this once.
type Opened struct {
	Token     string
	ExpiresAt time.Time
	Tenant    Tenant
	Account   Account
}

// Tenant is what a signed-in person is told of the tenant.
type Tenant struct {
	ID         uuid.UUID
	Slug, Name string
}

// Account is what a signed-in person is told of the account.
type Account struct {
	ID, Staff          uuid.UUID // Staff is zero for apps
	Kind               string
	Login, DisplayName string
	MustChangePassword bool
}

// refused is the one answer to every sign-in that fails: no tenant, no account, a wrong password, a suspended account.
func refused() *fault.Error {
	return &fault.Error{
		Code: fault.Unauthenticated, Reason: "SIGN_IN_REFUSED",
		Message: fault.Text{ZH: "租户、账号或密码不正确，或账号不可用", EN: "tenant, login or password is wrong, or the account may not sign in"},
		Remedy:  fault.Text{ZH: "请核对后重试，或联系贵司的租户管理员", EN: "check them and try again, or ask your tenant's administrator"},
	}
}

// candidate is the account that somebody tries to sign in to; the zero value is one that does not exist.
type candidate struct {
	tenant  tenancy.TenantID // zero: no such tenant
	account Account
	about   Tenant
	hash    string // of the password; "" for an account that does not exist or may not sign in
}

// SignIn checks a password and opens a session of Limits.SessionLife. Errors: INVALID_INPUT; UNAUTHENTICATED
// SIGN_IN_REFUSED, the same after the same work whatever was wrong; RATE_LIMITED with "retryAfter" for an address or a login
// that fails often and when too many sign-ins are under way. Success and failure are audited in a tenant that exists.
func (s *Service) SignIn(ctx context.Context, in SignIn) (Opened, error) {
	if err := in.Validate(); err != nil {
		return Opened{}, err
	}
	login := [32]byte(credential.LoginHash(in.Tenant, in.Login))
	leave, err := s.admit(in.Address, login)
	if err != nil {
		return Opened{}, err
	}
	success := false
	defer func() { leave(success) }()
	c, err := s.candidate(ctx, in, login)
	if err != nil {
		return Opened{}, fault.Down("DIRECTORY", err)
	}
	// SECURITY: without a hash this takes as long and is never right.
	right, err := s.hasher.VerifyPassword(ctx, c.hash, in.Password)
	if err != nil {
		return Opened{}, fault.Down("PASSWORD", err)
	}
	if !right {
		s.recordFailure(ctx, c)
		return Opened{}, refused()
	}
	opened, err := s.open(ctx, c, in)
	if err != nil {
		return Opened{}, err
	}
	success = true
	return opened, nil
}

// admit counts the attempt; leave gives it back when it succeeded.
func (s *Service) admit(address string, login [32]byte) (leave func(success bool), err error) {
	tooMany := fault.Text{ZH: "尝试次数过多，请稍后再试", EN: "too many attempts, try again later"}
	if spent := s.byAddress.Take(address, 1); !spent.OK {
		return nil, busy("SIGN_IN_ADDRESS", tooMany, spent.Retry)
	}
	if spent := s.byAccount.Take(login, 1); !spent.OK {
		return nil, busy("SIGN_IN_ACCOUNT", tooMany, spent.Retry)
	}
	if s.pending.Add(1) > int64(s.limits.Pending) {
		s.pending.Add(-1)
		s.byAddress.Take(address, -1)
		s.byAccount.Take(login, -1)
		return nil, busy("SIGN_IN_BUSY", fault.Text{ZH: "登录请求过多，请稍后再试", EN: "too many sign-ins are under way, try again later"}, time.Second)
	}
	return func(success bool) {
		s.pending.Add(-1)
		if success {
			s.byAddress.Take(address, -1)
			s.byAccount.Take(login, -1)
		}
	}, nil
}

const readCandidate = `SELECT t.slug, t.name, COALESCE(a.id, '00000000-0000-0000-0000-000000000000'), COALESCE(a.staff_id, '00000000-0000-0000-0000-000000000000'),
	COALESCE(a.kind, ''), COALESCE(a.login, ''), COALESCE(a.display_name, ''), COALESCE(a.must_change_password, false),
	CASE WHEN a.state = 'active' AND t.state = 'active' THEN COALESCE(a.password_hash, '') ELSE '' END
	FROM tenants t LEFT JOIN accounts a ON a.tenant_id = t.tenant_id AND a.id = $2 WHERE t.tenant_id = $1`

// candidate reads the account. The directory is asked for tenant and login in every case, so that neither tells by its absence.
func (s *Service) candidate(ctx context.Context, in SignIn, login [32]byte) (candidate, error) {
	var c candidate
	_, tenant, _, known, err := s.db.Lookup(ctx, credential.SlugHash(in.Tenant))
	if err != nil {
		return c, err
	}
	kind, of, account, found, err := s.db.Lookup(ctx, login[:])
	if err != nil || !known {
		return c, err
	}
	if !found || kind != tenancy.DirectoryLogin || of != tenant {
		account = uuid.Nil
	}
	c.tenant = tenant
	r := s.db.BeginRead(tenancy.ForSystem(tenant, tenancy.SystemSignIn))
	defer r.Close(ctx)
	b := &pgx.Batch{}
	b.Queue(readCandidate, tenant.UUID(), account)
	err = r.Send(ctx, b, func(br pgx.BatchResults) error {
		return br.QueryRow().Scan(&c.about.Slug, &c.about.Name, &c.account.ID, &c.account.Staff, &c.account.Kind, &c.account.Login,
			&c.account.DisplayName, &c.account.MustChangePassword, &c.hash)
	})
	c.about.ID = tenant.UUID()
	return c, err
}

const (
	// The account is held while the session is opened: a suspension or a new password commits before or after, never between.
	holdAccount   = `SELECT password_hash FROM accounts WHERE tenant_id = $1 AND id = $2 AND state = 'active' FOR SHARE`
	insertSession = `INSERT INTO sessions (tenant_id, id, account_id, token_hash, user_agent, address, created_at, last_seen_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)`
	insertDirectory = `INSERT INTO auth_directory (tenant_id, lookup_hash, kind, subject_id) VALUES ($1, $2, 'session', $3)`
)

func (s *Service) open(ctx context.Context, c candidate, in SignIn) (Opened, error) {
	token, hash, _, err := credential.New(credential.Session, s.random)
	if err != nil {
		return Opened{}, err
	}
	session := s.ids.New()
	out := Opened{Token: token, Tenant: c.about, Account: c.account}
	err = s.db.InTx(ctx, tenancy.ForSystem(c.tenant, tenancy.SystemSignIn), func(ctx context.Context, tx *tenancy.Tx) error {
		var now string
		if err := tx.QueryRow(ctx, holdAccount, c.tenant.UUID(), c.account.ID).Scan(&now); errors.Is(err, pgx.ErrNoRows) || err == nil && now != c.hash {
			return refused()
		} else if err != nil {
			return fmt.Errorf("authn: hold account: %w", err)
		}
		out.ExpiresAt = tx.Now().Add(s.limits.SessionLife)
		b := &pgx.Batch{}
		b.Queue(insertSession, c.tenant.UUID(), session, c.account.ID, hash, cut(in.UserAgent, 400), cut(in.Address, 64), tx.Now(), out.ExpiresAt)
		b.Queue(insertDirectory, c.tenant.UUID(), hash, session)
		s.queueRecord(ctx, b, tx, record{act: "signIn", account: c.account, credential: session})
		return sendAll(ctx, tx, b)
	})
	if _, said := fault.As(err); err != nil && !said {
		return Opened{}, fault.Down("SESSION", err)
	}
	return out, err
}

// cut keeps the first n characters, without what PostgreSQL cannot store.
func cut(text string, n int) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\x00", "?")
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n])
}
