-- +goose Up
-- Governance of policy: what belongs to a version besides its rules, assertions that block a bad change, bindings that wait for
-- somebody who holds what they give, and half-yearly reviews.

-- Duty conflicts of a version: two acts that must not be in one hand. Immutable like rules.
CREATE TABLE policy_conflicts (
  tenant_id uuid NOT NULL REFERENCES tenants (tenant_id),
  id uuid NOT NULL,
  policy_version_id uuid NOT NULL,
  seq int NOT NULL CHECK (seq > 0),
  key text NOT NULL CHECK (key ~ '^[a-z][a-z0-9_]{1,62}$'),
  action_a text NOT NULL CHECK (char_length(action_a) BETWEEN 1 AND 64),
  action_b text NOT NULL CHECK (char_length(action_b) BETWEEN 1 AND 64),
  name_zh text NOT NULL CHECK (char_length(name_zh) BETWEEN 1 AND 100),
  name_en text NOT NULL CHECK (char_length(name_en) BETWEEN 1 AND 100),
  clause text NOT NULL DEFAULT '' CHECK (char_length(clause) <= 200),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, policy_version_id, seq),
  UNIQUE (tenant_id, policy_version_id, key),
  FOREIGN KEY (tenant_id, policy_version_id) REFERENCES policy_versions (tenant_id, id),
  CHECK (action_a <> action_b)
);
CALL guard.guard_tenant_table('policy_conflicts', 'SELECT, INSERT');
CALL guard.bumps('policy_conflicts', 'policy_version');

-- Field classes of a version that differ from those shipped. Immutable like rules.
CREATE TABLE policy_classes (
  tenant_id uuid NOT NULL REFERENCES tenants (tenant_id),
  id uuid NOT NULL,
  policy_version_id uuid NOT NULL,
  object text NOT NULL CHECK (char_length(object) BETWEEN 3 AND 64), -- a field group: client#contacts
  field_class smallint NOT NULL CHECK (field_class BETWEEN 0 AND 7),
  note text NOT NULL DEFAULT '' CHECK (char_length(note) <= 400),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, policy_version_id, object),
  FOREIGN KEY (tenant_id, policy_version_id) REFERENCES policy_versions (tenant_id, id)
);
CALL guard.guard_tenant_table('policy_classes', 'SELECT, INSERT');
CALL guard.bumps('policy_classes', 'policy_version');

-- Permanent assertions. They run on every change of policy, roles, bindings, departments and staff, and block the one that breaks them.
CREATE TABLE policy_tests (
  tenant_id uuid NOT NULL REFERENCES tenants (tenant_id),
  id uuid NOT NULL,
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
  expectation text NOT NULL CHECK (expectation IN ('NEVER', 'ALWAYS')),
  role_key text CHECK (role_key ~ '^[a-z][a-z0-9_]{1,62}$'), -- holders of this role
  staff_id uuid, -- this person
  staff_department_id uuid, -- only those employed in it or below it
  object text NOT NULL CHECK (char_length(object) BETWEEN 1 AND 64),
  action text NOT NULL CHECK (char_length(action) BETWEEN 1 AND 64),
  row_company_id uuid,
  row_department_id uuid, -- rows of it or below it
  row_condition text NOT NULL DEFAULT '' CHECK (char_length(row_condition) <= 400),
  row_own text NOT NULL DEFAULT 'ANY' CHECK (row_own IN ('ANY', 'OWN', 'OTHERS')), -- rows of the person's own department tree, or outside of it
  clause text NOT NULL DEFAULT '' CHECK (char_length(clause) <= 200),
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'retired')),
  version       bigint NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL,
  created_by    uuid,
  updated_at    timestamptz NOT NULL,
  updated_by    uuid,
  recorded_from timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, staff_id) REFERENCES staff (tenant_id, id),
  FOREIGN KEY (tenant_id, staff_department_id) REFERENCES departments (tenant_id, id),
  FOREIGN KEY (tenant_id, row_company_id) REFERENCES companies (tenant_id, id),
  FOREIGN KEY (tenant_id, row_department_id) REFERENCES departments (tenant_id, id),
  CHECK (role_key IS NOT NULL OR staff_id IS NOT NULL OR staff_department_id IS NOT NULL)
);
CREATE UNIQUE INDEX policy_tests_name ON policy_tests (tenant_id, name) WHERE state = 'active';
CALL guard.guard_tenant_table('policy_tests');
CALL guard.keep_history('policy_tests');

-- A half-yearly campaign over every binding and grant; what is not confirmed by due_at is revoked.
CREATE TABLE access_reviews (
  tenant_id uuid NOT NULL REFERENCES tenants (tenant_id),
  id uuid NOT NULL,
  period text NOT NULL CHECK (period ~ '^[0-9]{4}-H[12]$'),
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
  due_at timestamptz NOT NULL,
  closed_at timestamptz,
  version       bigint NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL,
  created_by    uuid,
  updated_at    timestamptz NOT NULL,
  updated_by    uuid,
  recorded_from timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, period)
);
CREATE INDEX access_reviews_open ON access_reviews (tenant_id, due_at) WHERE state = 'open';
CALL guard.guard_tenant_table('access_reviews');
CALL guard.keep_history('access_reviews');

-- One binding or grant under review. Nobody reviews what is his own.
CREATE TABLE access_review_items (
  tenant_id uuid NOT NULL REFERENCES tenants (tenant_id),
  id uuid NOT NULL,
  review_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('BINDING', 'GRANT')),
  binding_id uuid,
  grant_id uuid,
  holder_account_id uuid,
  holder_staff_id uuid,
  reviewer_staff_id uuid, -- null: whoever holds the act
  decision text CHECK (decision IN ('KEEP', 'REVOKE', 'LAPSED')), -- LAPSED: not confirmed in time, revoked
  decided_by uuid,
  decided_at timestamptz,
  reason text CHECK (char_length(reason) <= 1000),
  version       bigint NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL,
  created_by    uuid,
  updated_at    timestamptz NOT NULL,
  updated_by    uuid,
  recorded_from timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, review_id, binding_id),
  UNIQUE (tenant_id, review_id, grant_id),
  FOREIGN KEY (tenant_id, review_id) REFERENCES access_reviews (tenant_id, id),
  FOREIGN KEY (tenant_id, binding_id) REFERENCES role_bindings (tenant_id, id),
  FOREIGN KEY (tenant_id, grant_id) REFERENCES access_grants (tenant_id, id),
  FOREIGN KEY (tenant_id, holder_account_id) REFERENCES accounts (tenant_id, id),
  FOREIGN KEY (tenant_id, holder_staff_id) REFERENCES staff (tenant_id, id),
  FOREIGN KEY (tenant_id, reviewer_staff_id) REFERENCES staff (tenant_id, id),
  FOREIGN KEY (tenant_id, decided_by) REFERENCES staff (tenant_id, id),
  CHECK ((binding_id IS NOT NULL) <> (grant_id IS NOT NULL)),
  CHECK (decided_by IS NULL OR decided_by IS DISTINCT FROM holder_staff_id)
);
CREATE INDEX access_review_items_reviewer ON access_review_items (tenant_id, reviewer_staff_id, id) WHERE decision IS NULL;
CALL guard.guard_tenant_table('access_review_items');
CALL guard.keep_history('access_review_items');

-- A binding that gives more than its giver holds waits for somebody who does; until then it gives nothing.
ALTER TABLE role_bindings ADD COLUMN awaits_endorsement boolean NOT NULL DEFAULT false, ADD COLUMN endorsed_at timestamptz, ADD COLUMN endorsed_by uuid;
ALTER TABLE role_bindings_history ADD COLUMN awaits_endorsement boolean NOT NULL DEFAULT false, ADD COLUMN endorsed_at timestamptz, ADD COLUMN endorsed_by uuid;
ALTER TABLE role_bindings ADD CHECK (NOT awaits_endorsement OR endorsed_at IS NULL);

-- +goose Down
SELECT 1 / 0;
