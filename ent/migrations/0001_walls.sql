-- +goose Up
-- The walls that every later table stands behind. A table is made a tenant table by two calls next to its
-- definition: guard_tenant_table (row-level security, grants) and keep_history (the twin that asOf reads).

CREATE SCHEMA guard;
COMMENT ON SCHEMA guard IS 'Procedures of migrations, and trigger functions. No role but the owner may use the schema: a trigger needs no grant to fire.';

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO clientele_app, clientele_authn, clientele_system;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- +goose StatementBegin
-- guard_tenant_table puts FORCE row-level security on t: one RESTRICTIVE tenant policy above one permissive policy,
-- so that a policy added later cannot open what the tenant policy closes. The setting is read in a sub-select: once per
-- statement, and an error when no tenant is set. privileges are those that the application gets.
CREATE PROCEDURE guard.guard_tenant_table(t regclass, privileges text DEFAULT 'SELECT, INSERT, UPDATE')
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', t);
  EXECUTE format('CREATE POLICY tenant_wall ON %s AS RESTRICTIVE
    USING (tenant_id = (SELECT current_setting(''app.tenant_id'')::uuid))
    WITH CHECK (tenant_id = (SELECT current_setting(''app.tenant_id'')::uuid))', t);
  EXECUTE format('CREATE POLICY tenant_rows ON %s AS PERMISSIVE USING (true) WITH CHECK (true)', t);
  EXECUTE format('GRANT %s ON %s TO clientele_app', privileges, t);
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- write_history moves the row that is replaced or removed into <table>_history. Time is the transaction's app.now (the
-- database's time plus the injected clock's offset), bumped where two changes of one row would carry the same instant,
-- so that the versions of a row never overlap.
CREATE FUNCTION guard.write_history() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
  at timestamptz := current_setting('app.now')::timestamptz;
BEGIN
  IF TG_OP = 'INSERT' THEN
    NEW.recorded_from := at;
    RETURN NEW;
  END IF;
  IF at <= OLD.recorded_from THEN
    at := OLD.recorded_from + interval '1 microsecond';
  END IF;
  EXECUTE format('INSERT INTO %I.%I SELECT $2, ($1).*', TG_TABLE_SCHEMA, TG_TABLE_NAME || '_history') USING OLD, at;
  IF TG_OP = 'UPDATE' THEN
    NEW.recorded_from := at;
    RETURN NEW;
  END IF;
  RETURN OLD;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- keep_history makes the twin of t: recorded_to and then the same columns, insert and read only. The trigger writes by
-- position: a later migration that adds a column to t adds it to the twin too, and the catalogue walk compares the two.
CREATE PROCEDURE guard.keep_history(t regclass)
LANGUAGE plpgsql AS $$
DECLARE
  twin text := t::text || '_history';
BEGIN
  EXECUTE format('CREATE TABLE %s (recorded_to timestamptz NOT NULL, LIKE %s)', twin, t);
  EXECUTE format('ALTER TABLE %s ADD PRIMARY KEY (tenant_id, id, recorded_from)', twin);
  EXECUTE format('ALTER TABLE %s ADD CHECK (recorded_to > recorded_from)', twin);
  CALL guard.guard_tenant_table(twin::regclass, 'SELECT, INSERT');
  EXECUTE format('CREATE TRIGGER write_history BEFORE INSERT OR UPDATE OR DELETE ON %s
    FOR EACH ROW EXECUTE FUNCTION guard.write_history()', t);
END $$;
-- +goose StatementEnd

-- The application compares the version with its own at start and refuses to serve an older schema.
GRANT SELECT ON goose_db_version TO clientele_app;

-- Tenants: the row is its own tenant_id. Made by the operator (system actor) inside a transaction bound to the new id.
CREATE TABLE tenants (
  tenant_id   uuid PRIMARY KEY,
  slug        text NOT NULL UNIQUE CHECK (slug ~ '^[a-z][a-z0-9-]{1,38}[a-z0-9]$'),
  name        text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
  locale      text NOT NULL DEFAULT 'zh-CN' CHECK (locale IN ('zh-CN', 'en')),
  timezone    text NOT NULL DEFAULT 'Asia/Shanghai',
  state       text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended', 'closing', 'closed')),
  version     bigint NOT NULL DEFAULT 1,
  created_at  timestamptz NOT NULL,
  updated_at  timestamptz NOT NULL
);
CALL guard.guard_tenant_table('tenants');
-- SECURITY: the system role sees ids and states of all tenants, for sweeps and job pick-up, and no other column.
ALTER POLICY tenant_wall ON tenants TO clientele_app, clientele_owner;
GRANT SELECT (tenant_id, state) ON tenants TO clientele_system;
COMMENT ON TABLE tenants IS 'slug is unique over all tenants on purpose: it is part of the public sign-in name.';

-- tenant_epochs: read by the first statement of every transaction; an older snapshot of policy, organisation or
-- credentials is never used. Bumped by statement triggers on every table that decides rights.
CREATE TABLE tenant_epochs (
  tenant_id           uuid PRIMARY KEY REFERENCES tenants (tenant_id),
  policy_version      bigint NOT NULL DEFAULT 1,
  org_version         bigint NOT NULL DEFAULT 1,
  revocation_version  bigint NOT NULL DEFAULT 1
);
CALL guard.guard_tenant_table('tenant_epochs');

-- tenant_counters: the last dense event number; taken by the last statement before COMMIT.
CREATE TABLE tenant_counters (
  tenant_id   uuid PRIMARY KEY REFERENCES tenants (tenant_id),
  event_seq   bigint NOT NULL DEFAULT 0,
  client_code bigint NOT NULL DEFAULT 0,
  contract_no bigint NOT NULL DEFAULT 0
);
CALL guard.guard_tenant_table('tenant_counters');
ALTER POLICY tenant_wall ON tenant_counters TO clientele_app, clientele_owner;
GRANT SELECT ON tenant_counters TO clientele_system;

-- +goose StatementBegin
-- bump_epoch(column): statement trigger; one change of a table that decides rights makes every older snapshot stale.
CREATE FUNCTION guard.bump_epoch() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
  EXECUTE format('UPDATE public.tenant_epochs SET %1$I = %1$I + 1
    WHERE tenant_id = current_setting(''app.tenant_id'')::uuid', TG_ARGV[0]);
  RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE PROCEDURE guard.bumps(t regclass, epoch text)
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE TRIGGER bump_%s AFTER INSERT OR UPDATE OR DELETE ON %s
    FOR EACH STATEMENT EXECUTE FUNCTION guard.bump_epoch(%L)', epoch, t, epoch);
END $$;
-- +goose StatementEnd

-- +goose Down
SELECT 1 / 0; -- migrations go forward only: restore a backup instead
