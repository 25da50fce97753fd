package identity_test

import (
	"crypto/rand"
	"testing"

	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/identity/identitytest"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

func TestCreateTenant(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t)
	x := w.Tenant(t, "home")
	for _, entry := range []struct {
		hash []byte
		kind tenancy.DirectoryKind
		is   id.UUID
	}{{credential.SlugHash("home"), tenancy.DirectoryTenant, x.ID.UUID()}, {credential.LoginHash("home", "admin"), tenancy.DirectoryLogin, x.Admin.Account}} {
		kind, tenant, subject, found, err := w.DB.Lookup(t.Context(), entry.hash)
		if err != nil || !found || kind != entry.kind || tenant != x.ID || subject != entry.is {
			t.Errorf("directory: %s %s %s %v %v", kind, tenant, subject, found, err)
		}
	}
	var roles, inherits, rules int
	var actor, act, event, hash string
	x.Scan(t, `SELECT (SELECT count(*) FROM roles WHERE tenant_id = $1), (SELECT count(*) FROM roles WHERE tenant_id = $1 AND parent_id IS NOT NULL),
		(SELECT count(*) FROM policy_rules r JOIN policy_versions v ON v.tenant_id = r.tenant_id AND v.id = r.policy_version_id WHERE r.tenant_id = $1 AND v.state = 'in_force' AND v.number = 1),
		(SELECT actor_kind || ' ' || kind FROM audit_records WHERE tenant_id = $1 AND object_id = $1), (SELECT act FROM audit_records WHERE tenant_id = $1 AND object_id = $1),
		(SELECT type FROM events WHERE tenant_id = $1 AND seq = 1), (SELECT left(password_hash, 10) FROM accounts WHERE tenant_id = $1 AND login = 'admin')`,
		nil, &roles, &inherits, &rules, &actor, &act, &event, &hash)
	if roles != len(policy.ShippedRoles()) || inherits != len(policy.ShippedInherits()) || rules != len(policy.ShippedRules()) {
		t.Errorf("%d roles, %d inherit, %d rules", roles, inherits, rules)
	}
	if actor != "operator operator" || act != "tenant.create" || event != "tenant.created.v1" || hash != "$argon2id$" {
		t.Errorf("%s %s %s %s", actor, act, event, hash)
	}
}

func TestASlugIsTakenOnce(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t)
	x := w.Tenant(t, "home")
	before := x.Footprint(t)
	in := identity.TenantCreate{Slug: "home", Name: "别人", AdminName: "李", AdminLogin: "boss", AdminPassword: identitytest.Password}
	_, err := w.Identity.CreateTenant(t.Context(), w.IDs, in)
	identitytest.Refused(t, err, "CONFLICT SLUG_TAKEN input.slug")
	x.Unchanged(t, before, 0)
	if tenants, err := w.DB.Tenants(t.Context(), "active"); err != nil || len(tenants) != 1 {
		t.Errorf("%d tenants, %v", len(tenants), err)
	}
	if _, _, _, found, err := w.DB.Lookup(t.Context(), credential.LoginHash("home", "boss")); err != nil || found {
		t.Errorf("the refused tenant left a login: %v", err)
	}
}

func TestBadTenants(t *testing.T) {
	t.Parallel()
	s := identity.New(nil, nil, credential.NewHasher(1), rand.Reader)
	_, err := s.CreateTenant(t.Context(), nil, identity.TenantCreate{Slug: "A_", Locale: "fr", AdminName: "\x00", AdminLogin: "Ä", AdminPassword: "short"})
	identitytest.Refused(t, err, "INVALID_INPUT SLUG_FORM input.slug", "INVALID_INPUT REQUIRED input.name", "INVALID_INPUT UNKNOWN_VALUE input.locale",
		"INVALID_INPUT REQUIRED input.company", "INVALID_INPUT TEXT_MALFORMED input.adminName", "INVALID_INPUT LOGIN_FORM input.adminLogin", "INVALID_INPUT PASSWORD_TOO_SHORT input.adminPassword")
}
