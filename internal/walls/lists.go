package walls

import (
	"slices"
	"strings"

	"github.com/clientele/clientele/ent/migrations"
)

// table is one entry of the checked list of tables.
type table struct {
	name string
	// app is what the application may do, of "SIUD" (SELECT, INSERT, UPDATE, DELETE).
	app string
	// history: the table has a twin, which the application may read and insert into.
	history bool
	// bumps is the epoch that a change of it moves, as "trigger-suffix"; "" for none.
	bumps string
}

// tables is the complete list: a table that is not here is a violation.
func tables() []table {
	return []table{
		{name: "access_grants", app: "SIU", history: true},
		{name: "access_requests", app: "SIU", history: true},
		{name: "access_review_items", app: "SIU", history: true},
		{name: "access_reviews", app: "SIU", history: true},
		{name: "accounts", app: "SIU", history: true, bumps: "revocation_version"},
		{name: "api_tokens", app: "SIU", bumps: "revocation"},
		{name: "approval_steps", app: "SIU", history: true},
		{name: "audit_checkpoints", app: "SI"},
		{name: "audit_records", app: "SI"},
		{name: "audit_tree", app: "SI"},
		{name: "auth_directory", app: "SID"},
		{name: "borrowing_items", app: "SIU", history: true},
		{name: "borrowings", app: "SIU", history: true},
		{name: "client_changes", app: "SI"},
		{name: "client_distributions", app: "SIU", history: true},
		{name: "client_former_names", app: "SI", history: true},
		{name: "client_kinds", app: "SID", history: true},
		{name: "client_search_terms", app: "SID"},
		{name: "client_team_members", app: "SIU", history: true},
		{name: "clients", app: "SIU", history: true},
		{name: "companies", app: "SIU", history: true, bumps: "org_version"},
		{name: "contacts", app: "SIU", history: true},
		{name: "contract_parties", app: "SIU", history: true},
		{name: "contract_revisions", app: "SIU", history: true},
		{name: "contracts", app: "SIU", history: true},
		{name: "custody_incidents", app: "SIU", history: true},
		{name: "departments", app: "SIU", history: true, bumps: "org_version"},
		{name: "employments", app: "SIU", history: true, bumps: "org_version"},
		{name: "events", app: "SI"},
		{name: "files", app: "SIU", history: true},
		{name: "goose_db_version", app: "S"},
		{name: "idempotency_keys", app: "SIUD"},
		{name: "obligations", app: "SIU", history: true},
		{name: "original_versions", app: "SI"},
		{name: "originals", app: "SIU", history: true},
		{name: "policy_classes", app: "SI", bumps: "policy_version"},
		{name: "policy_conflicts", app: "SI", bumps: "policy_version"},
		{name: "policy_rules", app: "SI", bumps: "policy_version"},
		{name: "policy_tests", app: "SIU", history: true},
		{name: "policy_versions", app: "SIU", history: true, bumps: "policy_version"},
		{name: "positions", app: "SIU", history: true},
		{name: "role_bindings", app: "SIU", history: true, bumps: "org_version"},
		{name: "roles", app: "SIU", history: true, bumps: "policy_version"},
		{name: "sessions", app: "SIU", bumps: "revocation"},
		{name: "staff", app: "SIU", history: true},
		{name: "tenant_counters", app: "SIU"},
		{name: "tenant_epochs", app: "SIU"},
		{name: "tenants", app: "SIU"},
	}
}

const goose = "goose's own table: versions of the schema, no tenant's data; the application may only read it"

// withoutTwin are the tables that the application changes and whose former rows are kept nowhere.
func withoutTwin() map[string]string {
	return map[string]string{
		"audit_records":       "only its two seal columns are written, once; a trigger refuses a second time",
		"api_tokens":          "made once and revoked once, with both times in the row",
		"auth_directory":      "follows accounts and credentials, holds no data of its own",
		"client_search_terms": "derived from clients",
		"idempotency_keys":    "outcomes of acts; what they did is in the audit trail",
		"sessions":            "made once and revoked once, with both times in the row",
		"tenant_counters":     "numbers",
		"tenant_epochs":       "numbers",
		"tenants":             "settings that decide no rights of then; changes are in the audit trail",
	}
}

// sharedWall are the tables of which one other role than the application reads rows of all tenants.
func sharedWall() []string {
	return []string{"auth_directory", "tenant_counters", "tenants"}
}

func wantTables() []string {
	var want []string
	for _, t := range tables() {
		want = append(want, t.name+" table")
		if t.history {
			want = append(want, t.name+"_history table")
		}
	}
	return want
}

const wall = `(tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))`

func wantPolicies() []string {
	var want []string
	add := func(name string) {
		roles := "-"
		if slices.Contains(sharedWall(), name) {
			roles = migrations.RoleApp + "," + migrations.RoleOwner
		}
		want = append(want, name+" tenant_wall RESTRICTIVE * to "+roles+" using "+wall+" check "+wall,
			name+" tenant_rows PERMISSIVE * to - using true check true")
	}
	for _, t := range tables() {
		if t.name == "goose_db_version" {
			continue
		}
		add(t.name)
		if t.history {
			add(t.name + "_history")
		}
	}
	return want
}

func wantGrants() []string {
	verbs := map[rune]string{'S': "SELECT", 'I': "INSERT", 'U': "UPDATE", 'D': "DELETE"}
	var want []string
	add := func(object, role, privileges string) {
		for _, p := range privileges {
			want = append(want, object+" "+role+" "+verbs[p])
		}
	}
	for _, t := range tables() {
		add(t.name, migrations.RoleApp, t.app)
		if t.history {
			add(t.name+"_history", migrations.RoleApp, "SI")
		}
	}
	add("audit_records.seal_seq", migrations.RoleApp, "U")
	add("audit_records.seal_hash", migrations.RoleApp, "U")
	add("auth_directory", migrations.RoleAuthn, "S")
	add("tenant_counters", migrations.RoleSystem, "S")
	add("tenants.tenant_id", migrations.RoleSystem, "S")
	add("tenants.state", migrations.RoleSystem, "S")
	for _, role := range appRoles() {
		want = append(want, "schema:public "+role+" USAGE", "database "+role+" CONNECT")
	}
	return want
}

func wantTriggers() []string {
	var want []string
	for _, t := range tables() {
		if t.history {
			want = append(want, t.name+" write_history guard.write_history() BEFORE ROW INSERT UPDATE DELETE")
		}
		switch t.bumps {
		case "":
		case "revocation":
			want = append(want, t.name+" bump_revocation guard.bump_epoch('revocation_version') AFTER STATEMENT UPDATE OF expires_at,revoked_at")
		default:
			want = append(want, t.name+" bump_"+t.bumps+" guard.bump_epoch('"+t.bumps+"') AFTER STATEMENT INSERT UPDATE DELETE")
		}
	}
	want = append(want, "policy_rules drafts_only guard.drafts_only() AFTER STATEMENT INSERT", "policy_conflicts drafts_only guard.drafts_only() AFTER STATEMENT INSERT",
		"policy_versions never_a_draft_again guard.never_a_draft_again() BEFORE ROW UPDATE OF state")
	return append(want, "role_bindings keep_lapsed guard.keep_lapsed() BEFORE ROW UPDATE", "access_grants keep_lapsed guard.keep_lapsed() BEFORE ROW UPDATE",
		"audit_records seal_once guard.seal_once() BEFORE ROW UPDATE", "accounts_history strip_password guard.strip_password() BEFORE ROW INSERT")
}

func appRoles() []string {
	return []string{migrations.RoleApp, migrations.RoleAuthn, migrations.RoleSystem}
}

// columnTypes are those whose comparisons are leakproof, and jsonb, which is only stored.
func columnTypes() string {
	return strings.Join([]string{"uuid", "text", "bool", "int2", "int4", "int8", "timestamptz", "date", "bytea", "jsonb"}, " ")
}
