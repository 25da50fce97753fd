-- +goose Up
-- The client archive (requirements F01-F08, G01-G03): one legal entity, one archive.

CREATE TABLE clients (
  tenant_id     uuid NOT NULL REFERENCES tenants (tenant_id),
  id            uuid NOT NULL,
  company_id    uuid NOT NULL,
  department_id uuid NOT NULL,
  owner_id      uuid, -- the team's owner, repeated here because scopes and orders compare it
  -- L0 list
  code          text NOT NULL CHECK (char_length(code) BETWEEN 1 AND 40),
  name          text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
  sort_key      text NOT NULL DEFAULT '' CHECK (char_length(sort_key) <= 400), -- editable pinyin
  region        text CHECK (char_length(region) <= 100),
  stage         text NOT NULL DEFAULT 'prospect' CHECK (stage IN ('prospect', 'developing', 'applied', 'recognised', 'trading', 'terminated', 'dissolved', 'disposed')),
  suspended     boolean NOT NULL DEFAULT false,
  -- L1 standard archive: the eight fields of F04 and what goes with them
  unified_credit_code  text CHECK (char_length(unified_credit_code) = 18),
  legal_representative text CHECK (char_length(legal_representative) <= 100),
  address              text CHECK (char_length(address) <= 400),
  postcode             text CHECK (char_length(postcode) <= 12),
  phone                text CHECK (char_length(phone) <= 40),
  fax                  text CHECK (char_length(fax) <= 40),
  business_scope       text CHECK (char_length(business_scope) <= 10000),
  registered_capital_minor    bigint CHECK (registered_capital_minor >= 0),
  registered_capital_currency text CHECK (registered_capital_currency ~ '^[A-Z]{3}$'),
  special_type  text CHECK (special_type IN ('LEGAL_ADVISER', 'FINANCIAL_ADVISER', 'ADVERTISING', 'PUBLIC_RELATIONS', 'BANK', 'INSURER', 'FINANCING', 'OTHER')),
  acquisition   text CHECK (acquisition IN ('GOVERNMENT', 'GROUP', 'OUTREACH')),
  grade         text CHECK (grade IN ('VIP', 'A', 'B', 'C')),
  important     boolean NOT NULL DEFAULT false,
  -- L3 dealings
  policy_note   text CHECK (char_length(policy_note) <= 4000),
  attitude      text CHECK (char_length(attitude) <= 4000),
  next_contact_on date,
  -- L4 credit and finance
  credit_limit_minor    bigint CHECK (credit_limit_minor >= 0),
  credit_limit_currency text CHECK (credit_limit_currency ~ '^[A-Z]{3}$'),
  credit_note   text CHECK (char_length(credit_note) <= 4000),
  version       bigint NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL,
  created_by    uuid,
  updated_at    timestamptz NOT NULL,
  updated_by    uuid,
  recorded_from timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, code),
  FOREIGN KEY (tenant_id, company_id, department_id) REFERENCES departments (tenant_id, company_id, id),
  FOREIGN KEY (tenant_id, owner_id) REFERENCES staff (tenant_id, id),
  CHECK ((registered_capital_minor IS NULL) = (registered_capital_currency IS NULL)),
  CHECK ((credit_limit_minor IS NULL) = (credit_limit_currency IS NULL))
);
CREATE UNIQUE INDEX clients_credit_code ON clients (tenant_id, unified_credit_code) WHERE unified_credit_code IS NOT NULL;
-- for each offered order k: (k, id) over the tenant with the columns that scopes compare, (department, k, id), (owner, k, id)
CREATE INDEX clients_by_updated ON clients (tenant_id, updated_at, id) INCLUDE (department_id, owner_id, company_id);
CREATE INDEX clients_by_name ON clients (tenant_id, sort_key, id) INCLUDE (department_id, owner_id, company_id);
CREATE INDEX clients_by_code ON clients (tenant_id, code, id) INCLUDE (department_id, owner_id, company_id);
CREATE INDEX clients_by_created ON clients (tenant_id, created_at, id) INCLUDE (department_id, owner_id, company_id);
CREATE INDEX clients_dept_updated ON clients (tenant_id, department_id, updated_at, id);
CREATE INDEX clients_dept_name ON clients (tenant_id, department_id, sort_key, id);
CREATE INDEX clients_dept_code ON clients (tenant_id, department_id, code, id);
CREATE INDEX clients_dept_created ON clients (tenant_id, department_id, created_at, id);
CREATE INDEX clients_owner_updated ON clients (tenant_id, owner_id, updated_at, id);
CREATE INDEX clients_owner_name ON clients (tenant_id, owner_id, sort_key, id);
CREATE INDEX clients_owner_code ON clients (tenant_id, owner_id, code, id);
CREATE INDEX clients_owner_created ON clients (tenant_id, owner_id, created_at, id);
CALL guard.guard_tenant_table('clients');
CALL guard.keep_history('clients');

CREATE TABLE client_kinds (
  tenant_id     uuid NOT NULL REFERENCES tenants (tenant_id),
  id            uuid NOT NULL,
  client_id     uuid NOT NULL,
  kind          text NOT NULL CHECK (kind IN ('KEY', 'SUPPLIER', 'DEALER', 'SPECIAL')),
  recorded_from timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, client_id, kind),
  FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id)
);
CREATE INDEX client_kinds_kind ON client_kinds (tenant_id, kind, client_id);
CALL guard.guard_tenant_table('client_kinds', 'SELECT, INSERT, DELETE');
CALL guard.keep_history('client_kinds');
CREATE INDEX client_kinds_history_client ON client_kinds_history (tenant_id, client_id);

CREATE TABLE client_former_names (
  tenant_id     uuid NOT NULL REFERENCES tenants (tenant_id),
  id            uuid NOT NULL,
  client_id     uuid NOT NULL,
  name          text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
  used_until    timestamptz NOT NULL,
  recorded_from timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, client_id, name),
  FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id)
);
CALL guard.guard_tenant_table('client_former_names', 'SELECT, INSERT');
CALL guard.keep_history('client_former_names');

CREATE TABLE client_team_members (
  tenant_id     uuid NOT NULL REFERENCES tenants (tenant_id),
  id            uuid NOT NULL,
  client_id     uuid NOT NULL,
  staff_id      uuid NOT NULL,
  duty          text NOT NULL CHECK (duty IN ('OWNER', 'CO_OWNER', 'ENGINEER', 'SERVICE')),
  valid_from    timestamptz NOT NULL,
  valid_until   timestamptz,
  version       bigint NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL,
  created_by    uuid,
  updated_at    timestamptz NOT NULL,
  updated_by    uuid,
  recorded_from timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id),
  FOREIGN KEY (tenant_id, staff_id) REFERENCES staff (tenant_id, id),
  CHECK (valid_until > valid_from)
);
CREATE UNIQUE INDEX client_team_one_owner ON client_team_members (tenant_id, client_id) WHERE duty = 'OWNER' AND valid_until IS NULL;
CREATE UNIQUE INDEX client_team_once ON client_team_members (tenant_id, client_id, staff_id) WHERE valid_until IS NULL;
CREATE INDEX client_team_client ON client_team_members (tenant_id, client_id, staff_id);
CREATE INDEX client_team_staff ON client_team_members (tenant_id, staff_id, client_id);
CALL guard.guard_tenant_table('client_team_members');
CALL guard.keep_history('client_team_members');
CREATE INDEX client_team_members_history_client ON client_team_members_history (tenant_id, client_id);

-- E03: a prospect list distributed to a section gives its staff access; redistribution ends that of the former section.
CREATE TABLE client_distributions (
  tenant_id     uuid NOT NULL REFERENCES tenants (tenant_id),
  id            uuid NOT NULL,
  client_id     uuid NOT NULL,
  department_id uuid NOT NULL,
  valid_from    timestamptz NOT NULL,
  valid_until   timestamptz,
  version       bigint NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL,
  created_by    uuid,
  updated_at    timestamptz NOT NULL,
  updated_by    uuid,
  recorded_from timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id),
  FOREIGN KEY (tenant_id, department_id) REFERENCES departments (tenant_id, id),
  CHECK (valid_until > valid_from)
);
CREATE UNIQUE INDEX client_distributions_once ON client_distributions (tenant_id, client_id) WHERE valid_until IS NULL;
CREATE INDEX client_distributions_client ON client_distributions (tenant_id, client_id, department_id);
CREATE INDEX client_distributions_department ON client_distributions (tenant_id, department_id, client_id);
CALL guard.guard_tenant_table('client_distributions');
CALL guard.keep_history('client_distributions');
CREATE INDEX client_distributions_history_client ON client_distributions_history (tenant_id, client_id);

CREATE TABLE contacts (
  tenant_id     uuid NOT NULL REFERENCES tenants (tenant_id),
  id            uuid NOT NULL,
  client_id     uuid NOT NULL,
  name          text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
  title         text CHECK (char_length(title) <= 100),
  phone         text CHECK (char_length(phone) <= 40),
  email         text CHECK (char_length(email) <= 254),
  birthday      date,
  is_primary    boolean NOT NULL DEFAULT false,
  refuses_calls boolean NOT NULL DEFAULT false,
  refuses_mail  boolean NOT NULL DEFAULT false,
  state         text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'left')),
  version       bigint NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL,
  created_by    uuid,
  updated_at    timestamptz NOT NULL,
  updated_by    uuid,
  recorded_from timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id)
);
CREATE INDEX contacts_client ON contacts (tenant_id, client_id, is_primary DESC, id);
CREATE UNIQUE INDEX contacts_one_primary ON contacts (tenant_id, client_id) WHERE is_primary AND state = 'active';
CALL guard.guard_tenant_table('contacts');
CALL guard.keep_history('contacts');
CREATE INDEX contacts_history_client ON contacts_history (tenant_id, client_id);

-- F06, G08: a major change is recorded with old and new value, source and reporter. Insert only.
CREATE TABLE client_changes (
  tenant_id     uuid NOT NULL REFERENCES tenants (tenant_id),
  id            uuid NOT NULL,
  client_id     uuid NOT NULL,
  field         text NOT NULL CHECK (char_length(field) BETWEEN 1 AND 64), -- GraphQL field name of Client
  field_class   smallint NOT NULL CHECK (field_class BETWEEN 0 AND 7),
  old_value     text,
  new_value     text,
  source        text NOT NULL CHECK (char_length(source) BETWEEN 1 AND 400),
  reported_by   uuid,
  recorded_at   timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id),
  FOREIGN KEY (tenant_id, reported_by) REFERENCES staff (tenant_id, id)
);
CREATE INDEX client_changes_client ON client_changes (tenant_id, client_id, recorded_at DESC, id DESC);
CALL guard.guard_tenant_table('client_changes', 'SELECT, INSERT');

-- Terms that searches look up: single characters, bigrams, pinyin, initials, codes, former names. field_class keeps a hit on a
-- phone number's tail from those who may not see phones. A b-tree answers under row-level security; trigrams could not.
CREATE TABLE client_search_terms (
  tenant_id     uuid NOT NULL REFERENCES tenants (tenant_id),
  field_class   smallint NOT NULL CHECK (field_class BETWEEN 0 AND 7),
  term          text NOT NULL COLLATE "C" CHECK (char_length(term) BETWEEN 1 AND 64),
  client_id     uuid NOT NULL,
  PRIMARY KEY (tenant_id, field_class, term, client_id),
  FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id)
);
CREATE INDEX client_search_terms_client ON client_search_terms (tenant_id, client_id);
CALL guard.guard_tenant_table('client_search_terms', 'SELECT, INSERT, DELETE');

-- F10, G04: time-limited access to a single archive, with field classes and an end.
CREATE TABLE access_grants (
  tenant_id        uuid NOT NULL REFERENCES tenants (tenant_id),
  id               uuid NOT NULL,
  grantee_staff_id uuid NOT NULL,
  client_id        uuid NOT NULL,
  class_mask       smallint NOT NULL CHECK (class_mask BETWEEN 1 AND 255),
  purpose          text NOT NULL CHECK (char_length(purpose) BETWEEN 1 AND 1000),
  valid_from       timestamptz NOT NULL,
  valid_until      timestamptz NOT NULL,
  revoked_at       timestamptz,
  granted_by       uuid,
  version          bigint NOT NULL DEFAULT 1,
  created_at       timestamptz NOT NULL,
  created_by       uuid,
  updated_at       timestamptz NOT NULL,
  updated_by       uuid,
  recorded_from    timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, grantee_staff_id) REFERENCES staff (tenant_id, id),
  FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id),
  CHECK (valid_until > valid_from)
);
CREATE INDEX access_grants_grantee ON access_grants (tenant_id, grantee_staff_id, client_id);
CREATE INDEX access_grants_client ON access_grants (tenant_id, client_id);
CALL guard.guard_tenant_table('access_grants');
CALL guard.keep_history('access_grants');

-- +goose Down
SELECT 1 / 0;
