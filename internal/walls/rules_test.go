package walls

import (
	"slices"
	"strings"
	"testing"

	"github.com/clientele/clientele/internal/testkit"
)

// breach is a change of the database that a rule has to name: made, walked over and rolled back.
type breach struct {
	name, sql    string
	rule, object string
	detail       string // part of the detail; empty for any
}

// A table behind all walls, to break one thing at a time.
const guarded = `CREATE TABLE things (tenant_id uuid NOT NULL REFERENCES tenants (tenant_id), id uuid NOT NULL, PRIMARY KEY (tenant_id, id));
	CALL guard.guard_tenant_table('things');`

func breaches() []breach {
	const setting = `current_setting('app.tenant_id')::uuid`
	return []breach{
		{"a table nobody listed", guarded, "tables", "things", "table"},
		{"a table in a schema of its own", `CREATE SCHEMA extra; CREATE TABLE extra.things (id int)`, "tables", "extra.things", "table"},
		{"a partitioned table", `CREATE TABLE things (tenant_id uuid) PARTITION BY HASH (tenant_id)`, "tables", "things", "partitioned table"},
		{"a partition", `CREATE TABLE things (tenant_id uuid) PARTITION BY HASH (tenant_id); CREATE TABLE things_0 PARTITION OF things FOR VALUES WITH (MODULUS 1, REMAINDER 0)`, "tables", "things_0", "inherits"},
		{"an heir of a table", `CREATE TABLE things () INHERITS (clients)`, "tables", "clients", "inherits or is inherited"},
		{"a listed table that is gone", `DROP TABLE client_search_terms`, "tables", "client_search_terms", "missing: table"},
		{"a schema", `CREATE SCHEMA extra`, "schemas", "extra", ""},
		{"a materialised view", `CREATE MATERIALIZED VIEW things AS SELECT 1`, "materialised-view", "things", ""},
		{"a plain view", `CREATE VIEW things AS SELECT * FROM clients`, "view", "things", ""},
		{"a view that says no", `CREATE VIEW things WITH (security_invoker = false) AS SELECT * FROM clients`, "view", "things", ""},

		{"a table without a tenant", `CREATE TABLE things (id uuid PRIMARY KEY)`, "tenant-column", "things", ""},
		{"a tenant that may be absent", `ALTER TABLE client_search_terms DROP CONSTRAINT client_search_terms_pkey; ALTER TABLE client_search_terms ALTER tenant_id DROP NOT NULL`, "tenant-column", "client_search_terms", ""},
		{"row security off", `ALTER TABLE clients DISABLE ROW LEVEL SECURITY`, "row-security", "clients", "not enabled"},
		{"row security not forced", `ALTER TABLE clients NO FORCE ROW LEVEL SECURITY`, "row-security", "clients", "not forced"},
		{"row security off on a twin", `ALTER TABLE clients_history DISABLE ROW LEVEL SECURITY`, "row-security", "clients_history", ""},
		{"no wall", `DROP POLICY tenant_wall ON contacts`, "policies", "contacts", "missing: tenant_wall RESTRICTIVE"},
		{"no permissive policy", `DROP POLICY tenant_rows ON contacts`, "policies", "contacts", "missing: tenant_rows"},
		{"a further permissive policy", `CREATE POLICY more ON contacts USING (true)`, "policies", "contacts", "not in the checked list: more PERMISSIVE"},
		{"a wall for one role only", `ALTER POLICY tenant_wall ON contacts TO clientele_owner`, "policies", "contacts", "to clientele_owner"},
		{"a wall for one more role", `ALTER POLICY tenant_wall ON tenants TO clientele_app`, "policies", "tenants", "to clientele_app using"},
		{"a wall read per row", `ALTER POLICY tenant_wall ON contacts USING (tenant_id = ` + setting + `)`, "policies", "contacts", "RESTRICTIVE * to - using (tenant_id = (current_setting"},
		{"a wall that lets no tenant be all", `ALTER POLICY tenant_wall ON contacts USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid) OR current_setting('app.tenant_id', true) IS NULL)`, "policies", "contacts", "RESTRICTIVE"},
		{"a wall without a check", `DROP POLICY tenant_wall ON contacts; CREATE POLICY tenant_wall ON contacts AS RESTRICTIVE FOR SELECT USING (tenant_id = (SELECT ` + setting + `))`, "policies", "contacts", "RESTRICTIVE r"},
		{"a check that lets all in", `ALTER POLICY tenant_wall ON contacts WITH CHECK (true)`, "policies", "contacts", "check true"},
		{"an immutable function that reads the tenant", `CREATE FUNCTION my_tenant() RETURNS uuid IMMUTABLE LANGUAGE sql AS $$ SELECT ` + setting + ` $$`, "immutable-setting", "my_tenant()", ""},
		{"an immutable function in a policy", `CREATE FUNCTION yes() RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true'; CREATE POLICY more ON contacts AS RESTRICTIVE USING (yes())`, "immutable-setting", "yes()", ""},

		{"a table without a key", `CREATE TABLE things (tenant_id uuid NOT NULL)`, "primary-key", "things", ""},
		{"a primary key without a tenant", `CREATE TABLE things (tenant_id uuid NOT NULL, id uuid PRIMARY KEY)`, "unique-key", "things_pkey", "its first column is id"},
		{"a tenant second in the key", `CREATE TABLE things (tenant_id uuid, id uuid, PRIMARY KEY (id, tenant_id))`, "unique-key", "things_pkey", "its first column is id"},
		{"a unique index over tenants", `CREATE UNIQUE INDEX one_code ON clients (unified_credit_code)`, "unique-key", "one_code", ""},
		{"a unique expression over tenants", `CREATE UNIQUE INDEX one_code ON clients (lower(code), tenant_id)`, "unique-key", "one_code", "an expression"},
		{"an exception that nothing needs", `ALTER TABLE tenants DROP CONSTRAINT tenants_slug_key`, "unique-key", "tenants_slug_key", "nothing needs"},
		{"a reference across tenants", `ALTER TABLE staff ADD UNIQUE (id); ALTER TABLE contacts ADD CONSTRAINT across FOREIGN KEY (client_id) REFERENCES staff (id)`, "foreign-key", "contacts.across", ""},
		{"a reference with the tenant to something else", `ALTER TABLE staff ADD UNIQUE (id, tenant_id); ALTER TABLE contacts ADD CONSTRAINT across FOREIGN KEY (tenant_id, client_id) REFERENCES staff (id, tenant_id)`, "foreign-key", "contacts.across", ""},
		{"a reference nobody checked", `ALTER TABLE contacts ADD CONSTRAINT loose FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id) NOT VALID`, "unchecked-constraint", "contacts.loose", ""},

		{"a column without its twin", `ALTER TABLE contacts ADD COLUMN shoe_size int`, "history-columns", "contacts_history", "column 20 should be shoe_size integer 0 and is none"},
		{"a twin with other columns", `ALTER TABLE contacts_history ADD COLUMN shoe_size int`, "history-columns", "contacts_history", "column 20 should be none"},
		{"a twin of another type", `ALTER TABLE contacts_history ALTER COLUMN title TYPE varchar(10)`, "history-columns", "contacts_history", "character varying(10)"},
		{"a twin that takes nothing", `ALTER TABLE contacts_history ALTER COLUMN recorded_to DROP NOT NULL`, "history-columns", "contacts_history", "column 1 should be recorded_to"},
		{"a changing table without a twin", guarded, "history-twin", "things", ""},
		{"one that is only updated in a column", `CREATE TABLE things (tenant_id uuid, n int); GRANT UPDATE (n) ON things TO clientele_app`, "history-twin", "things", ""},
		{"a history that is not written", `DROP TRIGGER write_history ON clients`, "triggers", "clients", "missing: write_history"},
		{"a history that is switched off", `ALTER TABLE clients DISABLE TRIGGER write_history`, "triggers", "clients", "fires D"},
		{"an epoch that is not bumped", `DROP TRIGGER bump_policy_version ON roles`, "triggers", "roles", "missing: bump_policy_version"},
		{"the wrong epoch", `DROP TRIGGER bump_policy_version ON roles; CREATE TRIGGER bump_policy_version AFTER INSERT OR UPDATE OR DELETE ON roles FOR EACH STATEMENT EXECUTE FUNCTION guard.bump_epoch('org_version')`, "triggers", "roles", "'org_version'"},
		{"a trigger with a condition", `CREATE TRIGGER more BEFORE INSERT ON roles FOR EACH ROW WHEN (NEW.key = 'x') EXECUTE FUNCTION guard.write_history()`, "triggers", "roles", "with a condition"},

		{"a definer function", `CREATE FUNCTION all_clients() RETURNS SETOF clients SECURITY DEFINER LANGUAGE sql AS 'SELECT * FROM clients'`, "definer-function", "all_clients()", ""},
		{"a function for everybody", `CREATE FUNCTION hello() RETURNS int LANGUAGE sql AS 'SELECT 1'; GRANT EXECUTE ON FUNCTION hello() TO PUBLIC`, "executable-function", "hello()", "clientele_app"},
		{"a function for the application", `GRANT EXECUTE ON FUNCTION guard.write_history() TO clientele_app`, "executable-function", "guard.write_history()", "clientele_app"},
		{"a rewrite rule", `CREATE RULE more AS ON INSERT TO contacts DO ALSO DELETE FROM contacts`, "rewrite-rule", "contacts.more", ""},
		{"an event trigger", `CREATE FUNCTION et() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER et ON ddl_command_end EXECUTE FUNCTION et()`, "event-trigger", "et", ""},

		{"TRUNCATE for the application", `GRANT TRUNCATE ON contacts TO clientele_app`, "grants", "contacts", "clientele_app TRUNCATE"},
		{"REFERENCES for the application", `GRANT REFERENCES ON contacts TO clientele_app`, "grants", "contacts", "clientele_app REFERENCES"},
		{"TRIGGER for the application", `GRANT TRIGGER ON contacts TO clientele_app`, "grants", "contacts", "clientele_app TRIGGER"},
		{"DELETE where rows stay", `GRANT DELETE ON clients TO clientele_app`, "grants", "clients", "clientele_app DELETE"},
		{"UPDATE of the audit trail", `GRANT UPDATE ON audit_records TO clientele_app`, "grants", "audit_records", "clientele_app UPDATE"},
		{"UPDATE of one column of history", `GRANT UPDATE (name) ON clients_history TO clientele_app`, "grants", "clients_history.name", "clientele_app UPDATE"},
		{"a grant that can be passed on", `GRANT SELECT ON contacts TO clientele_app WITH GRANT OPTION`, "grants", "contacts", "WITH GRANT OPTION"},
		{"something for PUBLIC", `GRANT SELECT ON contacts TO PUBLIC`, "grants", "contacts", "PUBLIC SELECT"},
		{"a view for PUBLIC", `CREATE VIEW things WITH (security_invoker) AS SELECT * FROM clients; GRANT SELECT ON things TO PUBLIC`, "grants", "things", "PUBLIC SELECT"},
		{"more for the sign-in role", `GRANT SELECT ON accounts TO clientele_authn`, "grants", "accounts", "clientele_authn SELECT"},
		{"more for the system role", `GRANT SELECT (name) ON tenants TO clientele_system`, "grants", "tenants.name", "clientele_system SELECT"},
		{"a right that is missing", `REVOKE INSERT ON events FROM clientele_app`, "grants", "events", "missing: clientele_app INSERT"},
		{"the schema of the guards", `GRANT USAGE ON SCHEMA guard TO clientele_app`, "grants", "schema:guard", "clientele_app USAGE"},
		{"tables of the application's own", `GRANT CREATE ON SCHEMA public TO clientele_app`, "grants", "schema:public", "clientele_app CREATE"},
		{"temporary tables", `GRANT TEMPORARY ON DATABASE %db TO PUBLIC`, "grants", "database", "PUBLIC TEMPORARY"},
		{"a sequence", `CREATE SEQUENCE numbers; GRANT USAGE ON SEQUENCE numbers TO clientele_app`, "sequence", "numbers", "clientele_app"},
		{"a grant to come", `ALTER DEFAULT PRIVILEGES FOR ROLE clientele_owner GRANT SELECT ON TABLES TO clientele_authn`, "default-grant", "clientele_owner", "clientele_authn"},
		{"functions for everybody again", `ALTER DEFAULT PRIVILEGES FOR ROLE clientele_owner GRANT EXECUTE ON FUNCTIONS TO PUBLIC`, "default-grant", "clientele_owner", "missing"},
		{"a table of the application", `ALTER TABLE contacts OWNER TO clientele_app`, "owner", "clientele_app", "owns table contacts"},
		{"a function of the application", `ALTER FUNCTION guard.bump_epoch() OWNER TO clientele_app`, "owner", "clientele_app", "owns function guard.bump_epoch()"},
		{"a superuser", `ALTER ROLE clientele_app SUPERUSER`, "role", "clientele_app", "superuser"},
		{"a role that bypasses", `ALTER ROLE clientele_authn BYPASSRLS`, "role", "clientele_authn", "BYPASSRLS"},
		{"an owner that bypasses", `ALTER ROLE clientele_owner BYPASSRLS`, "role", "clientele_owner", "BYPASSRLS"},
		{"a role that makes roles", `ALTER ROLE clientele_app CREATEROLE`, "role", "clientele_app", "CREATEROLE"},
		{"a member of the owner", `GRANT clientele_owner TO clientele_app`, "role", "clientele_app", "is a member of clientele_owner"},
		{"a default tenant", `ALTER ROLE clientele_app SET app.tenant_id = '00000000-0000-0000-0000-000000000001'`, "role-setting", "clientele_app", "app.tenant_id"},
		{"a default tenant of the database", `ALTER DATABASE %db SET app.tenant_id = ''`, "role-setting", "every role", "app.tenant_id"},

		{"money in numeric", `ALTER TABLE contracts ADD COLUMN fee_minor numeric`, "money", "contracts.fee_minor", "is numeric"},
		{"a numeric column", `ALTER TABLE contracts ADD COLUMN share numeric`, "column-type", "contracts.share", "is numeric"},
		{"an enum column", `CREATE TYPE mood AS ENUM ('good'); ALTER TABLE contracts ADD COLUMN mood mood`, "column-type", "contracts.mood", "is mood"},
		{"an array", `ALTER TABLE contracts ADD COLUMN tags text[]`, "column-type", "contracts.tags", "is text[]"},
		{"a state that may be anything", `ALTER TABLE contracts DROP CONSTRAINT contracts_state_check`, "state-check", "contracts.state", ""},
	}
}

func TestEveryBreachIsNamed(t *testing.T) {
	t.Parallel()
	db := testkit.NewDatabase(t)
	conn := connect(t, db.Superuser)
	tried := map[string]bool{}
	for _, b := range breaches() {
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), strings.ReplaceAll(b.sql, "%db", db.Name)); err != nil {
			t.Fatalf("%s: %v", b.name, err)
		}
		found, err := Walk(t.Context(), tx)
		if err != nil {
			t.Fatalf("%s: %v", b.name, err)
		}
		if !slices.ContainsFunc(found, func(v Violation) bool {
			return v.Rule == b.rule && v.Object == b.object && strings.Contains(v.Detail, b.detail)
		}) {
			t.Errorf("%s: want %s: %s: %s, the walk found %v", b.name, b.rule, b.object, b.detail, found)
		}
		tried[b.rule] = true
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range rules() {
		if !tried[r.name] {
			t.Errorf("rule %s has no case that breaks it", r.name)
		}
	}
}
