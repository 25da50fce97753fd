-- +goose Up
-- Companies and departments are trees inside a tenant; staff hold positions by employments (requirements A01, E01).

CREATE TABLE companies (
  tenant_id     uuid NOT NULL REFERENCES tenants (tenant_id),
  id            uuid NOT NULL,
  parent_id     uuid,
  name          text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
  unified_credit_code text CHECK (char_length(unified_credit_code) = 18),
  legal_representative text CHECK (char_length(legal_representative) <= 100),
  state         text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'dissolved')),
  version       bigint NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL,
  created_by    uuid,
  updated_at    timestamptz NOT NULL,
  updated_by    uuid,
  recorded_from timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, parent_id) REFERENCES companies (tenant_id, id),
  CHECK (parent_id IS DISTINCT FROM id)
);
CREATE UNIQUE INDEX companies_credit_code ON companies (tenant_id, unified_credit_code) WHERE unified_credit_code IS NOT NULL;
CREATE INDEX companies_parent ON companies (tenant_id, parent_id);
CALL guard.guard_tenant_table('companies');
CALL guard.keep_history('companies');
CALL guard.bumps('companies', 'org_version');

CREATE TABLE departments (
  tenant_id     uuid NOT NULL REFERENCES tenants (tenant_id),
  id            uuid NOT NULL,
  company_id    uuid NOT NULL,
  parent_id     uuid,
  kind          text NOT NULL CHECK (kind IN ('DEPARTMENT', 'SECTION', 'REGION', 'STORE', 'BRANCH')),
  name          text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
  head_id       uuid,
  state         text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'closed')),
  version       bigint NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL,
  created_by    uuid,
  updated_at    timestamptz NOT NULL,
  updated_by    uuid,
  recorded_from timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, company_id, id),
  FOREIGN KEY (tenant_id, company_id) REFERENCES companies (tenant_id, id),
  -- a department's parent is of the same company
  FOREIGN KEY (tenant_id, company_id, parent_id) REFERENCES departments (tenant_id, company_id, id),
  CHECK (parent_id IS DISTINCT FROM id)
);
CREATE INDEX departments_parent ON departments (tenant_id, parent_id);
CREATE INDEX departments_company ON departments (tenant_id, company_id);

CREATE TABLE positions (
  tenant_id     uuid NOT NULL REFERENCES tenants (tenant_id),
  id            uuid NOT NULL,
  department_id uuid NOT NULL,
  title         text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 100),
  duties        text NOT NULL DEFAULT '' CHECK (char_length(duties) <= 10000),
  state         text NOT NULL DEFAULT 'in_force' CHECK (state IN ('draft', 'in_force', 'superseded')),
  version       bigint NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL,
  created_by    uuid,
  updated_at    timestamptz NOT NULL,
  updated_by    uuid,
  recorded_from timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, department_id) REFERENCES departments (tenant_id, id)
);
CREATE INDEX positions_department ON positions (tenant_id, department_id);
CALL guard.guard_tenant_table('positions');
CALL guard.keep_history('positions');

CREATE TABLE staff (
  tenant_id     uuid NOT NULL REFERENCES tenants (tenant_id),
  id            uuid NOT NULL,
  number        text NOT NULL CHECK (char_length(number) BETWEEN 1 AND 40),
  name          text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
  pinyin        text NOT NULL DEFAULT '' CHECK (char_length(pinyin) <= 400),
  phone         text CHECK (char_length(phone) <= 40),
  email         text CHECK (char_length(email) <= 254),
  hired_on      date,
  left_on       date,
  state         text NOT NULL DEFAULT 'active' CHECK (state IN ('onboarding', 'active', 'on_leave', 'leaving', 'left')),
  -- the primary employment's company and department: the columns that scopes compare
  company_id    uuid,
  department_id uuid,
  version       bigint NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL,
  created_by    uuid,
  updated_at    timestamptz NOT NULL,
  updated_by    uuid,
  recorded_from timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, number),
  FOREIGN KEY (tenant_id, company_id) REFERENCES companies (tenant_id, id),
  FOREIGN KEY (tenant_id, department_id) REFERENCES departments (tenant_id, id)
);
CREATE INDEX staff_department ON staff (tenant_id, department_id, name COLLATE "zh-x-icu", id);
CREATE INDEX staff_name ON staff (tenant_id, name COLLATE "zh-x-icu", id);
-- A foreign key is added before the walls go up: the owner's own check of existing rows is subject to FORCE as well.
ALTER TABLE departments ADD FOREIGN KEY (tenant_id, head_id) REFERENCES staff (tenant_id, id);
CALL guard.guard_tenant_table('departments');
CALL guard.keep_history('departments');
CALL guard.bumps('departments', 'org_version');
CALL guard.guard_tenant_table('staff');
CALL guard.keep_history('staff');

CREATE TABLE employments (
  tenant_id     uuid NOT NULL REFERENCES tenants (tenant_id),
  id            uuid NOT NULL,
  staff_id      uuid NOT NULL,
  company_id    uuid NOT NULL,
  department_id uuid NOT NULL,
  position_id   uuid,
  superior_id   uuid,
  is_primary    boolean NOT NULL DEFAULT true,
  valid_from    timestamptz NOT NULL,
  valid_until   timestamptz,
  version       bigint NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL,
  created_by    uuid,
  updated_at    timestamptz NOT NULL,
  updated_by    uuid,
  recorded_from timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, staff_id) REFERENCES staff (tenant_id, id),
  FOREIGN KEY (tenant_id, company_id, department_id) REFERENCES departments (tenant_id, company_id, id),
  FOREIGN KEY (tenant_id, position_id) REFERENCES positions (tenant_id, id),
  FOREIGN KEY (tenant_id, superior_id) REFERENCES staff (tenant_id, id),
  CHECK (superior_id IS DISTINCT FROM staff_id),
  CHECK (valid_until > valid_from)
);
CREATE UNIQUE INDEX employments_one_primary ON employments (tenant_id, staff_id) WHERE is_primary AND valid_until IS NULL;
CREATE INDEX employments_staff ON employments (tenant_id, staff_id, id);
CREATE INDEX employments_department ON employments (tenant_id, department_id);
CREATE INDEX employments_superior ON employments (tenant_id, superior_id);
CALL guard.guard_tenant_table('employments');
CALL guard.keep_history('employments');
CREATE INDEX employments_history_staff ON employments_history (tenant_id, staff_id);
CALL guard.bumps('employments', 'org_version');

-- +goose Down
SELECT 1 / 0;
