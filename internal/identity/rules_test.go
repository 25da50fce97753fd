package identity_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/identity/identitytest"
	"github.com/clientele/clientele/internal/tenancy"
)

// refused runs an act that must be refused and leave nothing behind; refusals is how many the audit gains.
func refused(t *testing.T, x *identitytest.Tenant, by *tenancy.Session, do call, refusals int64, want ...string) {
	t.Helper()
	before := x.Footprint(t)
	_, err := do(t.Context(), by, identitytest.Key())
	identitytest.Refused(t, err, want...)
	x.Unchanged(t, before, refusals)
}

// succeed gives the id of the subject.
func succeed(t testing.TB, by *tenancy.Session, do call) uuid.UUID {
	t.Helper()
	r, err := do(t.Context(), by, identitytest.Key())
	if err != nil {
		t.Fatal(err)
	}
	return r.Subject.ID
}

// alive tells whether a session can still begin a transaction.
func alive(t testing.TB, x *identitytest.Tenant, s *tenancy.Session) bool {
	t.Helper()
	err := x.DB.InTx(t.Context(), s, func(context.Context, *tenancy.Tx) error { return nil })
	if err != nil && fault.CodeOf(err) != fault.Unauthenticated {
		t.Fatal(err)
	}
	return err == nil
}

func suspend(x *identitytest.Tenant, account uuid.UUID, version int64) call {
	return of(x.Identity.AccountSuspend, identity.AccountSuspend{Account: account, ExpectedVersion: version, Reason: "停用"})
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	by, short, own, nul := x.Admin.Session, "short", "my-login-here", "a password\x00"
	refused(t, x, by, of(x.Identity.AccountCreate, identity.AccountCreate{Login: "X", Password: &short}), 0,
		"INVALID_INPUT REQUIRED input.displayName", "INVALID_INPUT LOGIN_FORM input.login", "INVALID_INPUT PASSWORD_TOO_SHORT input.password")
	refused(t, x, by, of(x.Identity.AccountCreate, identity.AccountCreate{Staff: &x.Nobody.Staff, Login: "ok"}), 0, "INVALID_INPUT REQUIRED input.password")
	refused(t, x, by, of(x.Identity.AccountCreate, identity.AccountCreate{Staff: &x.Nobody.Staff, Login: "login-here", Password: &own}), 0, "INVALID_INPUT PASSWORD_HOLDS_LOGIN input.password")
	refused(t, x, by, of(x.Identity.AccountChangePassword, identity.AccountChangePassword{New: nul}), 0, "INVALID_INPUT TEXT_MALFORMED input.newPassword")
	refused(t, x, by, of(x.Identity.AccountSuspend, identity.AccountSuspend{Account: x.Nobody.Account}), 0, "INVALID_INPUT VERSION_MALFORMED input.expectedVersion", "INVALID_INPUT REQUIRED input.reason")
	refused(t, x, by, issuing(t, x, identity.APITokenIssue{Name: strings.Repeat("n", 10000), Scopes: []string{"all"}}), 0, "INVALID_INPUT TOO_LONG input.name", "INVALID_INPUT UNKNOWN_VALUE input.scopes.0")
	for _, end := range []time.Time{{}, time.Now().Add(-time.Second), time.Now().Add(367 * 24 * time.Hour)} {
		refused(t, x, by, issuing(t, x, identity.APITokenIssue{Name: "n", ExpiresAt: end}), 0, "INVALID_INPUT EXPIRY input.expiresAt")
		in := grant(t, x)
		in.ValidUntil = end
		refused(t, x, x.Manager.Session, of(x.Identity.AccessGrantGive, in), 0, "INVALID_INPUT EXPIRY input.validUntil")
	}
	refused(t, x, x.Manager.Session, of(x.Identity.AccessGrantGive, identity.AccessGrantGive{Classes: []int{-1, 8}}), 0,
		"INVALID_INPUT CLASS_UNKNOWN input.classes.0", "INVALID_INPUT CLASS_UNKNOWN input.classes.1", "INVALID_INPUT REQUIRED input.purpose")
	past := time.Now().Add(-time.Hour)
	refused(t, x, by, of(x.Identity.RoleBind, identity.RoleBind{Account: x.Nobody.Account, RoleKey: "vip_officer", ValidFrom: &past}), 0, "INVALID_INPUT IN_THE_PAST input.validFrom")
}

func TestReferencesToNobodyAndToAnotherTenantLookTheSame(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t)
	x, foreign := w.Tenant(t, "home"), w.Tenant(t, "foreign")
	by, password := x.Admin.Session, identitytest.Password
	theirs := client(t, foreign)
	for _, u := range []struct{ account, staff, company, department, client uuid.UUID }{
		{uuid.New(), uuid.New(), uuid.New(), uuid.New(), uuid.New()}, {foreign.Nobody.Account, foreign.Nobody.Staff, foreign.Company, foreign.Department, theirs},
	} {
		refused(t, x, by, of(x.Identity.AccountCreate, identity.AccountCreate{Staff: &u.staff, Login: "xx", Password: &password}), 0, "INVALID_INPUT NOT_FOUND input.staffId")
		refused(t, x, by, suspend(x, u.account, 1), 1, "NOT_FOUND NOT_FOUND")
		refused(t, x, by, of(x.Identity.AccountChangePassword, identity.AccountChangePassword{Account: &u.account, New: password}), 1, "NOT_FOUND NOT_FOUND")
		refused(t, x, by, issuing(t, x, identity.APITokenIssue{Account: &u.account, Name: "n", ExpiresAt: time.Now().Add(time.Hour)}), 0, "INVALID_INPUT NOT_FOUND input.accountId")
		refused(t, x, by, of(x.Identity.RoleBind, identity.RoleBind{Account: u.account, RoleKey: "vip_officer"}), 0, "INVALID_INPUT NOT_FOUND input.accountId")
		refused(t, x, by, of(x.Identity.RoleBind, identity.RoleBind{Account: x.Nobody.Account, RoleKey: "vip_officer", Company: &u.company}), 0, "INVALID_INPUT NOT_FOUND input.companyId")
		refused(t, x, by, of(x.Identity.RoleBind, identity.RoleBind{Account: x.Nobody.Account, RoleKey: "vip_officer", Department: &u.department}), 0, "INVALID_INPUT NOT_FOUND input.departmentId")
		in := grant(t, x)
		in.Client = u.client
		refused(t, x, x.Manager.Session, of(x.Identity.AccessGrantGive, in), 0, "INVALID_INPUT NOT_FOUND input.clientId")
		in = grant(t, x)
		in.Grantee = u.staff
		refused(t, x, x.Manager.Session, of(x.Identity.AccessGrantGive, in), 0, "INVALID_INPUT NOT_FOUND input.granteeId")
	}
}

// Suspension ends everything at once, and only what is the account's.
func TestSuspension(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	leaver := x.Person(t, "leaver")
	token := succeed(t, leaver.Session, issuing(t, x, identity.APITokenIssue{Name: "n", ExpiresAt: time.Now().Add(time.Hour)}))
	in := grant(t, x)
	in.Grantee = leaver.Staff
	given := succeed(t, x.Manager.Session, of(x.Identity.AccessGrantGive, in))
	kept := succeed(t, x.Manager.Session, of(x.Identity.AccessGrantGive, grant(t, x)))
	if !alive(t, x, leaver.Session) {
		t.Fatal("the session never lived")
	}
	succeed(t, x.Admin.Session, suspend(x, leaver.Account, 1))
	if alive(t, x, leaver.Session) || !alive(t, x, x.Nobody.Session) {
		t.Error("the wrong sessions live")
	}
	var sessions, tokens, grants, directory int
	x.Scan(t, `SELECT (SELECT count(*) FROM sessions WHERE tenant_id = $1 AND account_id = $2 AND revoked_at IS NULL),
		(SELECT count(*) FROM api_tokens WHERE tenant_id = $1 AND id = $3 AND revoked_at IS NOT NULL AND version = 2),
		(SELECT count(*) FROM access_grants WHERE tenant_id = $1 AND (id = $4 AND revoked_at IS NOT NULL OR id = $5 AND revoked_at IS NULL)),
		(SELECT count(*) FROM auth_directory WHERE tenant_id = $1 AND subject_id IN ($2, $3, $6))`,
		[]any{leaver.Account, token, given, kept, leaver.Session.Actor.Credential}, &sessions, &tokens, &grants, &directory)
	if sessions != 0 || tokens != 1 || grants != 2 || directory != 0 {
		t.Errorf("%d sessions, %d tokens, %d grants, %d directory entries", sessions, tokens, grants, directory)
	}
	refused(t, x, x.Admin.Session, suspend(x, leaver.Account, 2), 0, "INVALID_STATE ACCOUNT_NOT_ACTIVE")
	refused(t, x, x.Admin.Session, suspend(x, leaver.Account, 1), 0, "STALE_VERSION STALE_VERSION input.expectedVersion")
	reinstate := of(x.Identity.AccountReinstate, identity.AccountReinstate{Account: leaver.Account, ExpectedVersion: 2, Reason: "返岗"})
	succeed(t, x.Admin.Session, reinstate)
	if _, _, subject, found, err := x.DB.Lookup(t.Context(), credential.LoginHash("home", "leaver")); err != nil || !found || subject != leaver.Account {
		t.Errorf("the login is not found again: %v", err)
	}
	if alive(t, x, leaver.Session) {
		t.Error("an ended session came back")
	}
}

func TestTheLastAdministratorStays(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	var binding uuid.UUID
	x.Scan(t, `SELECT id FROM role_bindings WHERE tenant_id = $1 AND account_id = $2`, []any{x.Admin.Account}, &binding)
	unbind := of(x.Identity.RoleUnbind, identity.RoleUnbind{Binding: binding, ExpectedVersion: 1, Reason: "x"})
	refused(t, x, x.Admin.Session, suspend(x, x.Admin.Account, 1), 0, "INVALID_STATE LAST_ADMIN")
	refused(t, x, x.Admin.Session, unbind, 0, "INVALID_STATE LAST_ADMIN")
	// one who ends by himself, or is bound to a place, is no substitute
	soon := time.Now().Add(time.Hour)
	temp := x.Person(t, "temp")
	succeed(t, x.Admin.Session, of(x.Identity.RoleBind, identity.RoleBind{Account: temp.Account, RoleKey: "tenant_admin", ValidUntil: &soon}))
	refused(t, x, x.Admin.Session, unbind, 0, "INVALID_STATE LAST_ADMIN")
	second := x.Person(t, "second", "tenant_admin")
	// two administrators who remove each other at once: one stays
	errs := make([]error, 2)
	var wg sync.WaitGroup
	wg.Go(func() { _, errs[0] = suspend(x, second.Account, 1)(t.Context(), x.Admin.Session, identitytest.Key()) })
	wg.Go(func() { _, errs[1] = suspend(x, x.Admin.Account, 1)(t.Context(), second.Session, identitytest.Key()) })
	wg.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Errorf("%v and %v", errs[0], errs[1])
	}
	var active int
	x.Scan(t, `SELECT count(*) FROM accounts WHERE tenant_id = $1 AND state = 'active' AND id IN ($2, $3)`, []any{x.Admin.Account, second.Account}, &active)
	if active != 1 {
		t.Errorf("%d administrators are left", active)
	}
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	current, wrong := identitytest.Password, "not the password"
	other := x.SignIn(t, x.Nobody.Account, x.Nobody.Staff)
	refused(t, x, x.Nobody.Session, of(x.Identity.AccountChangePassword, identity.AccountChangePassword{Current: &wrong, New: "a new password"}), 1, "FORBIDDEN WRONG_PASSWORD input.currentPassword")
	refused(t, x, x.Nobody.Session, of(x.Identity.AccountChangePassword, identity.AccountChangePassword{New: "a new password"}), 1, "FORBIDDEN WRONG_PASSWORD input.currentPassword")
	_, secret, err := x.Identity.APITokenIssue(t.Context(), x.Nobody.Session, identity.APITokenIssue{Name: "n", ExpiresAt: time.Now().Add(time.Hour)}, identitytest.Key())
	if err != nil {
		t.Fatal(err)
	}
	kind, hash, err := credential.Parse(secret)
	if err != nil || kind != credential.APIToken {
		t.Fatal(kind, err)
	}
	_, _, subject, found, err := x.DB.Lookup(t.Context(), hash)
	if err != nil || !found {
		t.Fatal("the token is not listed", err)
	}
	bearer := &tenancy.Session{Tenant: x.ID, Language: "en", Actor: x.Nobody.Session.Actor}
	bearer.Actor.Credential, bearer.Actor.CredentialKind = subject, tenancy.TokenCredential
	// SECURITY: a token neither changes the password nor begets tokens
	refused(t, x, bearer, of(x.Identity.AccountChangePassword, identity.AccountChangePassword{Current: &current, New: "a new password"}), 1, "FORBIDDEN SESSION_REQUIRED")
	refused(t, x, bearer, issuing(t, x, identity.APITokenIssue{Name: "n", ExpiresAt: time.Now().Add(time.Hour)}), 1, "FORBIDDEN SESSION_REQUIRED")

	key := identitytest.Key()
	change := of(x.Identity.AccountChangePassword, identity.AccountChangePassword{Current: &current, New: "a new password"})
	if _, err := change(t.Context(), x.Nobody.Session, key); err != nil {
		t.Fatal(err)
	}
	if !alive(t, x, x.Nobody.Session) || alive(t, x, other) || !alive(t, x, bearer) {
		t.Error("the wrong credentials live")
	}
	if r, err := change(t.Context(), x.Nobody.Session, key); err != nil || !r.Replayed {
		t.Errorf("a replay, whose current password is the old one: %v %v", r, err)
	}
	refused(t, x, x.Nobody.Session, change, 1, "FORBIDDEN WRONG_PASSWORD input.currentPassword")
	var must bool
	var hashes int
	x.Scan(t, `SELECT must_change_password, (SELECT count(password_hash) FROM accounts_history WHERE tenant_id = $1) FROM accounts WHERE tenant_id = $1 AND id = $2`, []any{x.Nobody.Account}, &must, &hashes)
	if must || hashes != 0 {
		t.Errorf("must change %v, %d hashes in history", must, hashes)
	}
	// reset by an administrator: every session ends, and it must be changed
	succeed(t, x.Admin.Session, of(x.Identity.AccountChangePassword, identity.AccountChangePassword{Account: &x.Nobody.Account, New: "set by the admin"}))
	x.Scan(t, `SELECT must_change_password FROM accounts WHERE tenant_id = $1 AND id = $2`, []any{x.Nobody.Account}, &must)
	if !must || alive(t, x, x.Nobody.Session) {
		t.Error("a reset password need not be changed, or left a session")
	}
}

func TestNobodyIssuesATokenForAnotherPerson(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	refused(t, x, x.Admin.Session, issuing(t, x, identity.APITokenIssue{Account: &x.Manager.Account, Name: "n", ExpiresAt: time.Now().Add(time.Hour)}), 1, "FORBIDDEN TOKEN_OF_ANOTHER_PERSON")
}

func TestOwnSessionsAndTokens(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	second := x.SignIn(t, x.Nobody.Account, x.Nobody.Staff)
	revoke := of(x.Identity.SessionRevoke, identity.SessionRevoke{Session: second.Actor.Credential})
	refused(t, x, x.Manager.Session, revoke, 1, "NOT_FOUND NOT_FOUND")
	succeed(t, x.Nobody.Session, revoke)
	if alive(t, x, second) {
		t.Error("a revoked session lives")
	}
	refused(t, x, x.Nobody.Session, revoke, 0, "INVALID_STATE ALREADY_ENDED")
	token := succeed(t, x.Nobody.Session, issuing(t, x, identity.APITokenIssue{Name: "n", ExpiresAt: time.Now().Add(time.Hour)}))
	end := of(x.Identity.APITokenRevoke, identity.APITokenRevoke{Token: token})
	refused(t, x, x.Manager.Session, end, 1, "NOT_FOUND NOT_FOUND")
	succeed(t, x.Nobody.Session, end)
	refused(t, x, x.Nobody.Session, end, 0, "INVALID_STATE ALREADY_ENDED")
}

func TestBindingRoles(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	by, partner := x.Admin.Session, app(t, x)
	bind := func(account uuid.UUID, role string) call {
		return of(x.Identity.RoleBind, identity.RoleBind{Account: account, RoleKey: role})
	}
	refused(t, x, by, bind(x.Admin.Account, "vip_officer"), 1, "DUTY_CONFLICT SELF_BINDING")
	refused(t, x, by, bind(x.Nobody.Account, "staff"), 0, "INVALID_INPUT ROLE_NOT_BINDABLE input.roleKey")
	refused(t, x, by, bind(x.Nobody.Account, "platform_operator"), 0, "INVALID_INPUT ROLE_NOT_BINDABLE input.roleKey")
	refused(t, x, by, bind(x.Nobody.Account, "no_such_role"), 0, "INVALID_INPUT NOT_FOUND input.roleKey")
	refused(t, x, by, bind(x.Nobody.Account, "partner_app"), 0, "INVALID_INPUT ROLE_FOR_OTHER_KIND input.roleKey")
	refused(t, x, by, bind(partner, "general_manager"), 0, "INVALID_INPUT ROLE_FOR_OTHER_KIND input.roleKey")
	succeed(t, by, bind(partner, "partner_app"))
	refused(t, x, by, bind(x.Nobody.Account, "list_reader"), 0, "CONFLICT ALREADY_BOUND input.roleKey")
	// the general manager publishes policy, the administrator drafts it
	refused(t, x, by, bind(x.Manager.Account, "tenant_admin"), 1, "DUTY_CONFLICT DUTIES_IN_ONE_HAND input.roleKey")
	_, err := bind(x.Manager.Account, "tenant_admin")(t.Context(), by, identitytest.Key())
	if list, _ := fault.As(err); len(list) != 1 || !strings.Contains(list[0].Message.EN, "tenant_admin → policy.write; general_manager → policy.publish") || list[0].Clause == "" {
		t.Errorf("the path is not named: %v", err)
	}
	// a role that begins later counts as well
	later, end := time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
	succeed(t, by, of(x.Identity.RoleBind, identity.RoleBind{Account: x.Nobody.Account, RoleKey: "policy_auditor", ValidFrom: &later, ValidUntil: &end}))
	refused(t, x, by, bind(x.Nobody.Account, "tenant_admin"), 1, "DUTY_CONFLICT DUTIES_IN_ONE_HAND input.roleKey")
}

func TestUnbinding(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	binding := succeed(t, x.Admin.Session, of(x.Identity.RoleBind, identity.RoleBind{Account: x.Nobody.Account, RoleKey: "vip_officer"}))
	unbind := func(version int64) call {
		return of(x.Identity.RoleUnbind, identity.RoleUnbind{Binding: binding, ExpectedVersion: version, Reason: "调岗"})
	}
	refused(t, x, x.Admin.Session, unbind(2), 0, "STALE_VERSION STALE_VERSION input.expectedVersion")
	succeed(t, x.Admin.Session, unbind(1))
	refused(t, x, x.Admin.Session, unbind(2), 0, "INVALID_STATE ALREADY_ENDED")
}

func TestGrants(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	by, in := x.Manager.Session, grant(t, x)
	give := func(in identity.AccessGrantGive) call { return of(x.Identity.AccessGrantGive, in) }
	self := in
	self.Grantee = x.Manager.Staff
	refused(t, x, by, give(self), 1, "DUTY_CONFLICT SELF_GRANT")
	// the general manager reads L0–L5 of clients and contracts: L6 and L7 are no classes of an archive
	beyond := in
	beyond.Classes = []int{0, 6, 7}
	refused(t, x, by, give(beyond), 1, "FORBIDDEN CLASS_BEYOND_OWN input.classes.1", "FORBIDDEN CLASS_BEYOND_OWN input.classes.2")
	whole := in
	whole.Classes = []int{5, 4, 3, 2, 1, 0, 0}
	g := succeed(t, by, give(whole))
	var mask int
	x.Scan(t, `SELECT class_mask FROM access_grants WHERE tenant_id = $1 AND id = $2`, []any{g}, &mask)
	if mask != 0x3f {
		t.Errorf("classes %b", mask)
	}
	revoke := func(version int64) call {
		return of(x.Identity.AccessGrantRevoke, identity.AccessGrantRevoke{Grant: g, ExpectedVersion: version, Reason: "完成"})
	}
	refused(t, x, by, revoke(9), 0, "STALE_VERSION STALE_VERSION input.expectedVersion")
	succeed(t, by, revoke(1))
	refused(t, x, by, revoke(2), 0, "INVALID_STATE ALREADY_ENDED")
}

// What was granted to somebody he cannot hand on, though he may give grants there.
func TestGrantsAreNotHandedOn(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	x.Allow(t, "dept_manager", "DEPT_TREE", [2]string{"grant", "grant.give"}, [2]string{"grant#admin", "write"})
	head := x.Person(t, "head", "dept_manager") // L0–L3 of the department; L0–L5 where granted
	in := grant(t, x)
	in.Grantee, in.Classes = head.Staff, []int{0, 1, 2, 3, 4}
	succeed(t, x.Manager.Session, of(x.Identity.AccessGrantGive, in))
	in.Grantee = x.Nobody.Staff
	refused(t, x, head.Session, of(x.Identity.AccessGrantGive, in), 1, "FORBIDDEN CLASS_BEYOND_OWN input.classes.4")
	in.Classes = in.Classes[:4]
	succeed(t, head.Session, of(x.Identity.AccessGrantGive, in))
}

func TestTakenLoginsAndStaff(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t)
	x, foreign := w.Tenant(t, "home"), w.Tenant(t, "foreign")
	password := identitytest.Password
	create := func(x *identitytest.Tenant, staff uuid.UUID, login string) call {
		return of(x.Identity.AccountCreate, identity.AccountCreate{Staff: &staff, Login: login, Password: &password})
	}
	refused(t, x, x.Admin.Session, create(x, hired(t, x, "N1"), "nobody"), 0, "CONFLICT LOGIN_TAKEN input.login")
	refused(t, x, x.Admin.Session, create(x, x.Nobody.Staff, "second"), 0, "CONFLICT STAFF_HAS_ACCOUNT input.staffId")
	succeed(t, x.Admin.Session, create(x, hired(t, x, "N2"), "unique"))
	succeed(t, foreign.Admin.Session, create(foreign, hired(t, foreign, "N2"), "unique")) // another tenant learns nothing of it
}

// No secret stands in what is kept about an act.
func TestNoSecretIsKept(t *testing.T) {
	t.Parallel()
	x := identitytest.New(t).Tenant(t, "home")
	_, secret, err := x.Identity.APITokenIssue(t.Context(), x.Admin.Session, identity.APITokenIssue{Name: "n", ExpiresAt: time.Now().Add(time.Hour)}, identitytest.Key())
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	x.Scan(t, `SELECT array_agg(s) FROM (SELECT snapshot::text AS s FROM events WHERE tenant_id = $1 UNION ALL SELECT detail::text FROM audit_records WHERE tenant_id = $1
		UNION ALL SELECT outcome::text FROM idempotency_keys WHERE tenant_id = $1 UNION ALL SELECT t::text FROM api_tokens t WHERE tenant_id = $1) x`, nil, &kept)
	if len(kept) < 10 || slices.ContainsFunc(kept, func(s string) bool {
		return strings.Contains(s, secret[16:]) || strings.Contains(s, identitytest.Password) || strings.Contains(s, "argon2id")
	}) {
		t.Errorf("a secret stands among %d kept texts", len(kept))
	}
}
