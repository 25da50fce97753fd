-- +goose Up
-- Who may sign in, and what decides rights: accounts, credentials, roles, bindings, policy versions and rules, grants.

CREATE TABLE accounts (
  tenant_id     uuid NOT NULL REFERENCES tenants (tenant_id),
  id            uuid NOT NULL,
  kind          text NOT NULL DEFAULT 'staff' CHECK (kind IN ('staff', 'app')),
  staff_id      uuid,
  login         text NOT NULL CHECK (login ~ '^[a-z0-9][a-z0-9._-]{1,62}$'),
  display_name  text NOT NULL CHECK (char_length(display_name) BETWEEN 1 AND 100),
  password_hash text CHECK (char_length(password_hash) <= 400),
  must_change_password boolean NOT NULL DEFAULT false,
  state         text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended', 'revoked')),
  version       bigint NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL,
  created_by    uuid,
  updated_at    timestamptz NOT NULL,
  updated_by    uuid,
  recorded_from timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, login),
  FOREIGN KEY (tenant_id, staff_id) REFERENCES staff (tenant_id, id),
  CHECK ((kind = 'staff') = (staff_id IS NOT NULL))
);
CREATE UNIQUE INDEX accounts_staff ON accounts (tenant_id, staff_id) WHERE staff_id IS NOT NULL;
CALL guard.guard_tenant_table('accounts');
CALL guard.keep_history('accounts');
CALL guard.bumps('accounts', 'revocation_version');
-- a password never enters history: it decides no rights of then
ALTER TABLE accounts_history ADD CHECK (password_hash IS NULL);
-- +goose StatementBegin
CREATE FUNCTION guard.strip_password() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
  NEW.password_hash := NULL;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER strip_password BEFORE INSERT ON accounts_history FOR EACH ROW EXECUTE FUNCTION guard.strip_password();

-- Sessions are made by sign-in; only the hash of the bearer token is kept.
CREATE TABLE sessions (
  tenant_id     uuid NOT NULL REFERENCES tenants (tenant_id),
  id            uuid NOT NULL,
  account_id    uuid NOT NULL,
  token_hash    bytea NOT NULL CHECK (octet_length(token_hash) = 32),
  user_agent    text NOT NULL DEFAULT '' CHECK (char_length(user_agent) <= 400),
  address       text NOT NULL DEFAULT '' CHECK (char_length(address) <= 64),
  created_at    timestamptz NOT NULL,
  last_seen_at  timestamptz NOT NULL,
  expires_at    timestamptz NOT NULL,
  revoked_at    timestamptz,
  revoked_by    uuid,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, id),
  CHECK (expires_at > created_at)
);
CREATE INDEX sessions_account ON sessions (tenant_id, account_id, created_at DESC, id DESC);
CALL guard.guard_tenant_table('sessions');
-- +goose StatementBegin
-- A session that is only opened or seen changes nobody's rights; one that is revoked or shortened does.
CREATE PROCEDURE guard.bumps_on_revoke(t regclass) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE TRIGGER bump_revocation AFTER UPDATE OF revoked_at, expires_at ON %s
    FOR EACH STATEMENT EXECUTE FUNCTION guard.bump_epoch(''revocation_version'')', t);
END $$;
-- +goose StatementEnd
CALL guard.bumps_on_revoke('sessions');

CREATE TABLE api_tokens (
  tenant_id     uuid NOT NULL REFERENCES tenants (tenant_id),
  id            uuid NOT NULL,
  account_id    uuid NOT NULL,
  name          text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
  token_prefix  text NOT NULL CHECK (char_length(token_prefix) <= 16), -- shown in lists so that an owner can tell which one it is
  token_hash    bytea NOT NULL CHECK (octet_length(token_hash) = 32),
  scopes        text NOT NULL DEFAULT '' CHECK (char_length(scopes) <= 400), -- space separated; empty = all of the account's rights
  created_at    timestamptz NOT NULL,
  created_by    uuid,
  expires_at    timestamptz NOT NULL,
  last_used_at  timestamptz,
  revoked_at    timestamptz,
  revoked_by    uuid,
  version       bigint NOT NULL DEFAULT 1,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, id),
  CHECK (expires_at > created_at)
);
CREATE INDEX api_tokens_account ON api_tokens (tenant_id, account_id, created_at DESC, id DESC);
CALL guard.guard_tenant_table('api_tokens');
CALL guard.bumps_on_revoke('api_tokens');

-- auth_directory holds no tenant data: hash of a slug, of "slug/login" or of a bearer token -> tenant and subject. It is the only
-- thing read before a tenant is known, by a role that can read nothing else.
CREATE TABLE auth_directory (
  tenant_id   uuid NOT NULL REFERENCES tenants (tenant_id),
  lookup_hash bytea NOT NULL CHECK (octet_length(lookup_hash) = 32),
  kind        text NOT NULL CHECK (kind IN ('tenant', 'login', 'session', 'token')),
  subject_id  uuid NOT NULL,
  PRIMARY KEY (lookup_hash)
);
CREATE INDEX auth_directory_subject ON auth_directory (tenant_id, subject_id);
CALL guard.guard_tenant_table('auth_directory', 'SELECT, INSERT, DELETE');
-- SECURITY: the sign-in role reads every row here and none anywhere else; the restrictive wall is for all other roles.
ALTER POLICY tenant_wall ON auth_directory TO clientele_app, clientele_owner;
GRANT SELECT ON auth_directory TO clientele_authn;

CREATE TABLE roles (
  tenant_id     uuid NOT NULL REFERENCES tenants (tenant_id),
  id            uuid NOT NULL,
  key           text NOT NULL CHECK (key ~ '^[a-z][a-z0-9_]{1,62}$'),
  name_zh       text NOT NULL CHECK (char_length(name_zh) BETWEEN 1 AND 100),
  name_en       text NOT NULL CHECK (char_length(name_en) BETWEEN 1 AND 100),
  template      text CHECK (char_length(template) <= 64), -- the shipped role it was made from
  parent_id     uuid, -- the role has all rules of its parent
  company_id    uuid, -- set: the role exists in this company only
  state         text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'retired')),
  version       bigint NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL,
  created_by    uuid,
  updated_at    timestamptz NOT NULL,
  updated_by    uuid,
  recorded_from timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, key),
  FOREIGN KEY (tenant_id, parent_id) REFERENCES roles (tenant_id, id),
  FOREIGN KEY (tenant_id, company_id) REFERENCES companies (tenant_id, id),
  CHECK (parent_id IS DISTINCT FROM id)
);
CALL guard.guard_tenant_table('roles');
CALL guard.keep_history('roles');
CALL guard.bumps('roles', 'policy_version');

CREATE TABLE role_bindings (
  tenant_id     uuid NOT NULL REFERENCES tenants (tenant_id),
  id            uuid NOT NULL,
  account_id    uuid NOT NULL,
  role_id       uuid NOT NULL,
  company_id    uuid,    -- the anchor that scopes are relative to; none: where the staff member is employed
  department_id uuid,
  valid_from    timestamptz NOT NULL,
  valid_until   timestamptz,
  revoked_at    timestamptz,
  granted_by    uuid,
  version       bigint NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL,
  created_by    uuid,
  updated_at    timestamptz NOT NULL,
  updated_by    uuid,
  recorded_from timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, id),
  FOREIGN KEY (tenant_id, role_id) REFERENCES roles (tenant_id, id),
  FOREIGN KEY (tenant_id, company_id) REFERENCES companies (tenant_id, id),
  FOREIGN KEY (tenant_id, department_id) REFERENCES departments (tenant_id, id),
  CHECK (valid_until > valid_from)
);
CREATE INDEX role_bindings_account ON role_bindings (tenant_id, account_id, id);
CREATE INDEX role_bindings_role ON role_bindings (tenant_id, role_id, id);
CALL guard.guard_tenant_table('role_bindings');
CALL guard.keep_history('role_bindings');
CALL guard.bumps('role_bindings', 'org_version');

CREATE TABLE policy_versions (
  tenant_id     uuid NOT NULL REFERENCES tenants (tenant_id),
  id            uuid NOT NULL,
  number        bigint NOT NULL CHECK (number > 0),
  base_number   bigint,
  state         text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'in_force', 'superseded', 'discarded')),
  reason        text NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 2000),
  content_hash  bytea NOT NULL CHECK (octet_length(content_hash) = 32),
  author_id     uuid,
  published_at  timestamptz,
  published_by  uuid,
  version       bigint NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL,
  created_by    uuid,
  updated_at    timestamptz NOT NULL,
  updated_by    uuid,
  recorded_from timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, number)
);
CREATE UNIQUE INDEX policy_versions_one_in_force ON policy_versions (tenant_id) WHERE state = 'in_force';
CALL guard.guard_tenant_table('policy_versions');
CALL guard.keep_history('policy_versions');
CALL guard.bumps('policy_versions', 'policy_version');

-- Immutable: a line belongs to one version for ever, so history needs no twin.
CREATE TABLE policy_rules (
  tenant_id     uuid NOT NULL REFERENCES tenants (tenant_id),
  id            uuid NOT NULL,
  policy_version_id uuid NOT NULL,
  seq           int NOT NULL CHECK (seq > 0),
  role_key      text NOT NULL CHECK (role_key ~ '^[a-z][a-z0-9_]{1,62}$'),
  object        text NOT NULL CHECK (char_length(object) BETWEEN 1 AND 64),
  action        text NOT NULL CHECK (char_length(action) BETWEEN 1 AND 64),
  data_scope    text NOT NULL CHECK (data_scope IN ('SELF', 'SUBORDINATES', 'CLIENT_TEAM', 'DEPT', 'DEPT_TREE', 'DISTRIBUTED', 'COMPANY', 'COMPANY_TREE', 'TENANT', 'GRANTED', 'PARTNERSHIP')),
  class_mask    smallint NOT NULL DEFAULT 0 CHECK (class_mask BETWEEN 0 AND 255), -- bit n = L n
  condition     text NOT NULL DEFAULT '' CHECK (char_length(condition) <= 400),
  effect        text NOT NULL CHECK (effect IN ('allow', 'deny')),
  valid_from    timestamptz,
  valid_until   timestamptz,
  clause        text NOT NULL DEFAULT '' CHECK (char_length(clause) <= 200),
  note          text NOT NULL DEFAULT '' CHECK (char_length(note) <= 400),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, policy_version_id, seq),
  FOREIGN KEY (tenant_id, policy_version_id) REFERENCES policy_versions (tenant_id, id)
);
CALL guard.guard_tenant_table('policy_rules', 'SELECT, INSERT');
CALL guard.bumps('policy_rules', 'policy_version');

-- +goose Down
SELECT 1 / 0;
