package walls

import (
	"strings"

	"github.com/clientele/clientele/ent/migrations"
)

// ours limits a statement to what is no part of PostgreSQL itself; n is pg_namespace.
const ours = ` n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_t%' `

// rules is every rule, in the order of the walk.
func rules() []rule {
	roles := appRoles()
	all := append([]string{migrations.RoleOwner}, roles...)
	return []rule{
		// What there is: no schema, table or kind of relation that nobody thought of. Partitions and foreign tables have row
		// security of their own; a materialised view has none and shows the rows of whoever filled it.
		{name: "tables", want: wantTables(), sql: `
			SELECT CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname,
				CASE WHEN EXISTS (SELECT FROM pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent)) THEN 'inherits or is inherited'
				ELSE CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'f' THEN 'foreign table' ELSE 'kind ' || c.relkind::text END END
			FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE c.relkind NOT IN ('i', 'I', 'S', 't', 'v', 'm', 'c') AND` + ours},
		{name: "schemas", want: []string{"guard schema", "public schema"}, sql: `SELECT n.nspname, 'schema' FROM pg_namespace n WHERE` + ours},
		{name: "materialised-view", door: true, sql: `
			SELECT c.relname, 'row-level security does not hold for it' FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'm' AND` + ours},
		{name: "view", door: true, sql: `
			SELECT c.relname, 'reads with the rights of its owner: security_invoker is not set' FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE c.relkind = 'v' AND NOT COALESCE((SELECT o.option_value::bool FROM pg_options_to_table(c.reloptions) o WHERE o.option_name = 'security_invoker'), false) AND` + ours},

		// Rows.
		{name: "tenant-column", exceptions: map[string]string{"goose_db_version": goose}, sql: `
			SELECT c.relname, 'has no column tenant_id uuid NOT NULL' FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE c.relkind IN ('r', 'p') AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'
				AND a.atttypid = 'uuid'::regtype AND a.attnotnull AND NOT a.attisdropped) AND` + ours},
		{name: "row-security", door: true, exceptions: map[string]string{"goose_db_version": goose}, sql: `
			SELECT c.relname, concat_ws(', ', CASE WHEN NOT relrowsecurity THEN 'not enabled' END, CASE WHEN NOT relforcerowsecurity THEN 'not forced on the owner' END)
			FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE c.relkind IN ('r', 'p') AND NOT (relrowsecurity AND relforcerowsecurity) AND` + ours},
		{name: "policies", door: true, want: wantPolicies(), sql: `
			SELECT c.relname, p.polname || CASE WHEN p.polpermissive THEN ' PERMISSIVE ' ELSE ' RESTRICTIVE ' END || p.polcmd::text
				|| ' to ' || (SELECT string_agg(r::regrole::text, ',' ORDER BY r::regrole::text) FROM unnest(p.polroles) r)
				|| ' using ' || COALESCE(pg_get_expr(p.polqual, p.polrelid), 'none') || ' check ' || COALESCE(pg_get_expr(p.polwithcheck, p.polrelid), 'none')
			FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid`},
		// An IMMUTABLE function is folded into a generic plan: a prepared statement would keep the first tenant for ever.
		{name: "immutable-setting", door: true, sql: `
			SELECT p.oid::regprocedure::text, 'is IMMUTABLE, and a policy uses it or it reads a setting' FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
			WHERE p.provolatile = 'i' AND (p.prosrc ~* 'current_setting' OR EXISTS (SELECT FROM pg_depend d
				WHERE d.classid = 'pg_policy'::regclass AND d.refclassid = 'pg_proc'::regclass AND d.refobjid = p.oid)) AND` + ours},

		// Keys.
		{name: "primary-key", sql: `
			SELECT c.relname, 'has no primary key' FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE c.relkind IN ('r', 'p') AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary) AND` + ours},
		{name: "unique-key", exceptions: map[string]string{
			"tenants_slug_key":      "the slug is the public half of the sign-in name",
			"auth_directory_pkey":   "SHA-256 of what is shown at sign-in, read before a tenant is known",
			"goose_db_version_pkey": goose,
		}, sql: `
			SELECT x.relname, 'its first column is ' || COALESCE((SELECT a.attname FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = i.indkey[0]), 'an expression')
			FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_namespace n ON n.oid = x.relnamespace
			WHERE (i.indisunique OR i.indisexclusion) AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = i.indkey[0] AND a.attname = 'tenant_id')
				AND n.nspname <> 'pg_toast' AND` + ours},
		{name: "foreign-key", sql: `
			SELECT k.conrelid::regclass || '.' || k.conname, 'does not begin with tenant_id on both sides' FROM pg_constraint k
			WHERE k.contype = 'f' AND NOT (
				EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = k.conkey[1] AND a.attname = 'tenant_id')
				AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = k.confrelid AND a.attnum = k.confkey[1] AND a.attname = 'tenant_id'))`},
		{name: "unchecked-constraint", sql: `
			SELECT k.conrelid::regclass || '.' || k.conname, 'was never validated' FROM pg_constraint k WHERE NOT k.convalidated`},

		// History.
		{name: "history-columns", sql: historyColumns},
		{name: "history-twin", exceptions: withoutTwin(), sql: `
			SELECT c.relname, 'the application changes it and it has no history twin' FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE c.relkind IN ('r', 'p') AND c.relname NOT LIKE '%\_history' AND to_regclass(format('%I.%I', n.nspname, c.relname || '_history')) IS NULL
				AND (has_any_column_privilege($1, c.oid, 'UPDATE') OR has_table_privilege($1, c.oid, 'DELETE')) AND` + ours, args: []any{migrations.RoleApp}},
		{name: "triggers", want: wantTriggers(), sql: triggers},

		// Code in the database.
		{name: "definer-function", door: true, sql: `
			SELECT p.oid::regprocedure::text, 'runs with the rights of its owner' FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.prosecdef AND` + ours},
		{name: "executable-function", sql: `
			SELECT p.oid::regprocedure::text, 'may be called by ' || r.rolname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
			JOIN pg_roles r ON r.rolname = ANY ($1) WHERE has_function_privilege(r.oid, p.oid, 'EXECUTE') AND` + ours, args: []any{roles}},
		{name: "rewrite-rule", sql: `
			SELECT w.ev_class::regclass || '.' || w.rulename, 'rewrites statements' FROM pg_rewrite w JOIN pg_class c ON c.oid = w.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE w.rulename <> '_RETURN' AND` + ours},
		{name: "event-trigger", sql: `SELECT evtname, 'fires on ' || evtevent FROM pg_event_trigger`},

		// Who may what. Column grants stand as table.column; TRUNCATE, REFERENCES and TRIGGER are in no list.
		{name: "grants", want: wantGrants(), sql: grants},
		{name: "sequence", sql: `
			SELECT c.relname, 'may be used by ' || r.rolname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles r ON r.rolname = ANY ($1)
			WHERE CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(r.oid, c.oid, 'USAGE, SELECT, UPDATE') END AND` + ours, args: []any{roles}},
		{name: "default-grant", want: []string{migrations.RoleOwner + " f"}, sql: `SELECT d.defaclrole::regrole::text, d.defaclobjtype::text
			|| COALESCE((SELECT ' to ' || string_agg(CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END, ',') FROM aclexplode(d.defaclacl) a WHERE a.grantee <> d.defaclrole), '')
			FROM pg_default_acl d`},
		{name: "owner", door: true, sql: `
			SELECT DISTINCT s.refobjid::regrole::text, 'owns ' || pg_describe_object(s.classid, s.objid, s.objsubid) FROM pg_shdepend s
			WHERE s.deptype = 'o' AND s.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())) AND s.refobjid::regrole::text = ANY ($1)
			UNION ALL SELECT d.datdba::regrole::text, 'owns the database' FROM pg_database d WHERE d.datname = current_database() AND d.datdba::regrole::text = ANY ($1)`, args: []any{roles}},
		{name: "role", door: true, sql: `
			SELECT r.rolname, concat_ws(', ', CASE WHEN rolsuper THEN 'superuser' END, CASE WHEN rolbypassrls THEN 'BYPASSRLS' END, CASE WHEN rolcreaterole THEN 'CREATEROLE' END,
				CASE WHEN rolcreatedb THEN 'CREATEDB' END, CASE WHEN rolreplication THEN 'REPLICATION' END)
			FROM pg_roles r WHERE r.rolname = ANY ($1) AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)
			UNION ALL SELECT m.member::regrole::text, 'is a member of ' || m.roleid::regrole FROM pg_auth_members m WHERE m.member::regrole::text = ANY ($1)`, args: []any{all}},
		// A default for the setting would make "no tenant" a tenant.
		{name: "role-setting", door: true, sql: `
			SELECT CASE s.setrole WHEN 0 THEN 'every role' ELSE s.setrole::regrole::text END, 'has a default for ' || e FROM pg_db_role_setting s, unnest(s.setconfig) e
			WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())) AND e ~* '^(app\.|row_security|role|session_authorization|search_path)'`},

		// Columns.
		{name: "money", sql: `
			SELECT c.relname || '.' || a.attname, 'is ' || a.atttypid::regtype || ', not bigint' FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE c.relkind IN ('r', 'p') AND a.attname ~ '_minor$' AND NOT a.attisdropped AND a.atttypid <> 'int8'::regtype AND` + ours},
		{name: "column-type", exceptions: map[string]string{"goose_db_version.tstamp": goose}, sql: `
			SELECT c.relname || '.' || a.attname, 'is ' || a.atttypid::regtype || ', which is not in the list' FROM pg_attribute a
			JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_type t ON t.oid = a.atttypid
			WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND NOT t.typname = ANY (string_to_array($1, ' ')) AND` + ours, args: []any{columnTypes()}},
		{name: "state-check", sql: `
			SELECT c.relname || '.' || a.attname, 'has no CHECK that lists its values' FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE c.relkind IN ('r', 'p') AND c.relname NOT LIKE '%\_history' AND a.attname = ANY (string_to_array($1, ' ')) AND NOT a.attisdropped
				AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'c' AND k.conkey = ARRAY[a.attnum]
					AND pg_get_constraintdef(k.oid) LIKE '%= ANY (ARRAY[%') AND` + ours, args: []any{strings.Join([]string{"state", "stage", "kind", "side", "duty", "effect", "data_scope", "actor_kind", "grade", "capacity"}, " ")}},
	}
}

// historyColumns: a twin is recorded_to and then the columns of its table in the same order, type, collation and nullability.
const historyColumns = `
	WITH cols AS (
		SELECT c.relname, row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum) AS at,
			a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attcollation || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END AS def
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')),
	expected AS (
		SELECT relname || '_history' AS relname, at + 1 AS at, def FROM cols WHERE relname || '_history' IN (SELECT relname FROM cols)
		UNION ALL SELECT DISTINCT relname, 1, 'recorded_to timestamp with time zone 0 not null' FROM cols WHERE relname LIKE '%\_history')
	SELECT COALESCE(e.relname, h.relname), format('column %s should be %s and is %s', COALESCE(e.at, h.at), COALESCE(e.def, 'none'), COALESCE(h.def, 'none'))
	FROM expected e FULL JOIN (SELECT * FROM cols WHERE relname LIKE '%\_history') h ON h.relname = e.relname AND h.at = e.at
	WHERE e.def IS DISTINCT FROM h.def ORDER BY 1, 2`

// triggers: with the function, its arguments, when and on what, and a word where one does not fire always.
const triggers = `
	SELECT t.tgrelid::regclass::text, t.tgname || ' ' || n.nspname || '.' || p.proname || '(' ||
		CASE t.tgnargs WHEN 0 THEN '' ELSE quote_literal(convert_from(rtrim(t.tgargs, '\x00'), 'UTF8')) END || ')'
		|| CASE WHEN t.tgtype::int & 2 <> 0 THEN ' BEFORE' ELSE ' AFTER' END || CASE WHEN t.tgtype::int & 1 <> 0 THEN ' ROW' ELSE ' STATEMENT' END
		|| CASE WHEN t.tgtype::int & 4 <> 0 THEN ' INSERT' ELSE '' END || CASE WHEN t.tgtype::int & 16 <> 0 THEN ' UPDATE' ELSE '' END
		|| COALESCE((SELECT ' OF ' || string_agg(a.attname, ',' ORDER BY a.attname) FROM pg_attribute a WHERE a.attrelid = t.tgrelid AND a.attnum = ANY (t.tgattr::int2[])), '')
		|| CASE WHEN t.tgtype::int & 8 <> 0 THEN ' DELETE' ELSE '' END || CASE WHEN t.tgtype::int & 32 <> 0 THEN ' TRUNCATE' ELSE '' END
		|| CASE t.tgenabled WHEN 'O' THEN '' ELSE ' fires ' || t.tgenabled::text END || CASE WHEN t.tgqual IS NULL THEN '' ELSE ' with a condition' END
	FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace WHERE NOT t.tgisinternal`

// grants: to whom but the owner; the objects' own defaults count where nothing was granted.
const grants = `
	WITH acl AS (
		SELECT c.relname::text AS object, x.* FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
			aclexplode(COALESCE(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))) x
			WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname IN ('public', 'guard')
		UNION ALL SELECT c.relname || '.' || a.attname, x.* FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
			JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(a.attacl) x WHERE n.nspname IN ('public', 'guard')
		UNION ALL SELECT 'schema:' || n.nspname, x.* FROM pg_namespace n, aclexplode(COALESCE(n.nspacl, acldefault('n', n.nspowner))) x WHERE n.nspname IN ('public', 'guard')
		UNION ALL SELECT 'database', x.* FROM pg_database d, aclexplode(COALESCE(d.datacl, acldefault('d', d.datdba))) x WHERE d.datname = current_database())
	SELECT object, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END || ' ' || privilege_type || CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
	FROM acl WHERE grantee <> ALL (SELECT oid FROM pg_roles WHERE rolname = '` + migrations.RoleOwner + `' OR rolname = 'pg_database_owner')`
