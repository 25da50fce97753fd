package access

import "github.com/clientele/clientele/policy"

// governed are the facts of what gives rights: accounts, bindings, grants. A binding stands where its anchor is, else where its
// holder is employed.
func governed(typ string) (Facts, bool) {
	const holder = " JOIN accounts a ON a.tenant_id = t.tenant_id AND a.id = t.account_id LEFT JOIN staff s ON s.tenant_id = a.tenant_id AND s.id = a.staff_id"
	switch typ {
	case "Account":
		return Facts{
			policy.OnAccount, "accounts t LEFT JOIN staff s ON s.tenant_id = t.tenant_id AND s.id = t.staff_id",
			policy.Columns{Company: "s.company_id", Department: "s.department_id", Staff: "t.staff_id"},
		}, true
	case "RoleBinding":
		return Facts{
			policy.OnPolicy, "role_bindings t" + holder,
			policy.Columns{Company: "COALESCE(t.company_id, s.company_id)", Department: "COALESCE(t.department_id, s.department_id)", Staff: "a.staff_id"},
		}, true
	case "AccessGrant":
		return Facts{policy.OnGrant, "access_grants t" + joinClient, policy.Columns{
			Company: "c.company_id", Department: "c.department_id", Owner: "c.owner_id", Staff: "t.grantee_staff_id", Client: "c.id",
			Grade: "c.grade", Important: "c.important", Suspended: "c.suspended",
		}}, true
	}
	return Facts{}, false
}
