package policyadmin

import (
	"strings"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/policy"
)

// Snapshots are the subjects by field group, under the names and in the forms of the API.

func versionSnapshot(v *entdb.PolicyVersion) map[policy.Object]map[string]any {
	return map[policy.Object]map[string]any{policy.PolicyRules: {
		"id": id.Encode(id.PolicyVersion, v.ID), "number": v.Number, "baseNumber": v.BaseNumber, "state": strings.ToUpper(v.State), "reason": v.Reason,
	}}
}

func roleSnapshot(r *entdb.Role) map[policy.Object]map[string]any {
	out := map[string]any{"id": id.Encode(id.Role, r.ID), "key": r.Key, "nameZh": r.NameZh, "nameEn": r.NameEn, "template": r.Template, "state": strings.ToUpper(r.State)}
	if r.ParentID != nil {
		out["parentId"] = id.Encode(id.Role, *r.ParentID)
	}
	if r.CompanyID != nil {
		out["companyId"] = id.Encode(id.Company, *r.CompanyID)
	}
	return map[policy.Object]map[string]any{policy.PolicyRules: out}
}
