package identity

import (
	"strings"
	"time"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/policy"
)

// Snapshots are the subjects by field group, under the names and in the forms of the API. Secrets and hashes never stand in one.

func accountSnapshot(a *entdb.Account) map[policy.Object]map[string]any {
	return map[policy.Object]map[string]any{policy.AccountAdmin: {
		"id": id.Encode(id.Account, a.ID), "kind": strings.ToUpper(a.Kind), "login": a.Login, "displayName": a.DisplayName,
		"state": strings.ToUpper(a.State), "staffId": encoded(id.Staff, a.StaffID),
	}}
}

func sessionSnapshot(s *entdb.Session) map[policy.Object]map[string]any {
	return map[policy.Object]map[string]any{policy.AccountAdmin: {
		"id": id.Encode(id.Session, s.ID), "accountId": id.Encode(id.Account, s.AccountID), "createdAt": instant(&s.CreatedAt),
		"expiresAt": instant(&s.ExpiresAt), "revokedAt": instant(s.RevokedAt),
	}}
}

func tokenSnapshot(t *entdb.ApiToken) map[policy.Object]map[string]any {
	return map[policy.Object]map[string]any{policy.AccountAdmin: {
		"id": id.Encode(id.APIToken, t.ID), "accountId": id.Encode(id.Account, t.AccountID), "name": t.Name, "tokenPrefix": t.TokenPrefix,
		"scopes": t.Scopes, "createdAt": instant(&t.CreatedAt), "expiresAt": instant(&t.ExpiresAt), "revokedAt": instant(t.RevokedAt),
	}}
}

func bindingSnapshot(b *entdb.RoleBinding, roleKey string) map[policy.Object]map[string]any {
	return map[policy.Object]map[string]any{policy.PolicyRules: {
		"id": id.Encode(id.RoleBinding, b.ID), "accountId": id.Encode(id.Account, b.AccountID), "roleId": id.Encode(id.Role, b.RoleID), "roleKey": roleKey,
		"companyId": encoded(id.Company, b.CompanyID), "departmentId": encoded(id.Department, b.DepartmentID),
		"validFrom": instant(&b.ValidFrom), "validUntil": instant(b.ValidUntil), "revokedAt": instant(b.RevokedAt),
		"awaitsEndorsement": b.AwaitsEndorsement, "endorsedAt": instant(b.EndorsedAt), "endorsedBy": encoded(id.Staff, b.EndorsedBy),
	}}
}

func grantSnapshot(g *entdb.AccessGrant) map[policy.Object]map[string]any {
	return map[policy.Object]map[string]any{policy.GrantAdmin: {
		"id": id.Encode(id.Grant, g.ID), "granteeId": id.Encode(id.Staff, g.GranteeStaffID), "clientId": id.Encode(id.Client, g.ClientID),
		"classMask": g.ClassMask, "purpose": g.Purpose, "validFrom": instant(&g.ValidFrom), "validUntil": instant(&g.ValidUntil), "revokedAt": instant(g.RevokedAt),
	}}
}

func encoded(prefix string, u *uuid.UUID) *string {
	if u == nil {
		return nil
	}
	s := id.Encode(prefix, *u)
	return &s
}

func instant(t *time.Time) *string {
	if t == nil {
		return nil
	}
	s := t.UTC().Format(time.RFC3339Nano)
	return &s
}
