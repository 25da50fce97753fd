-- +goose Up
-- Contracts with revisions, parties and obligations (requirements A06, B14, B15, D11, D12).

CREATE TABLE contracts (
  tenant_id     uuid NOT NULL REFERENCES tenants (tenant_id),
  id            uuid NOT NULL,
  client_id     uuid NOT NULL,
  company_id    uuid NOT NULL,
  department_id uuid NOT NULL,
  owner_id      uuid,
  -- summary
  number        text NOT NULL CHECK (char_length(number) BETWEEN 1 AND 60),
  kind          text NOT NULL CHECK (kind IN ('SUPPLY', 'QA', 'SALES', 'FRAMEWORK', 'NDA', 'SERVICE')),
  title         text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 200),
  state         text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'review', 'approved', 'signing', 'effective', 'amending', 'expired', 'terminated', 'completed', 'withdrawn', 'void')),
  starts_on     date,
  ends_on       date,
  signed_on     date,
  paper_reference text CHECK (char_length(paper_reference) <= 200), -- where the signed original of a registered contract lies
  closing_note  text CHECK (char_length(closing_note) <= 2000),
  -- terms and price (of the current revision)
  current_revision int NOT NULL DEFAULT 1 CHECK (current_revision > 0),
  amount_minor  bigint CHECK (amount_minor >= 0),
  currency      text CHECK (currency ~ '^[A-Z]{3}$'),
  version       bigint NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL,
  created_by    uuid,
  updated_at    timestamptz NOT NULL,
  updated_by    uuid,
  recorded_from timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, number),
  FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id),
  FOREIGN KEY (tenant_id, company_id, department_id) REFERENCES departments (tenant_id, company_id, id),
  FOREIGN KEY (tenant_id, owner_id) REFERENCES staff (tenant_id, id),
  CHECK (ends_on >= starts_on),
  CHECK ((amount_minor IS NULL) = (currency IS NULL))
);
CREATE INDEX contracts_client ON contracts (tenant_id, client_id, created_at DESC, id DESC);
CREATE INDEX contracts_by_updated ON contracts (tenant_id, updated_at, id) INCLUDE (department_id, owner_id, company_id, client_id);
CREATE INDEX contracts_by_number ON contracts (tenant_id, number, id) INCLUDE (department_id, owner_id, company_id, client_id);
CREATE INDEX contracts_by_created ON contracts (tenant_id, created_at, id) INCLUDE (department_id, owner_id, company_id, client_id);
CREATE INDEX contracts_dept_updated ON contracts (tenant_id, department_id, updated_at, id);
CREATE INDEX contracts_owner_updated ON contracts (tenant_id, owner_id, updated_at, id);
CREATE INDEX contracts_state ON contracts (tenant_id, state, updated_at, id);
CALL guard.guard_tenant_table('contracts');
CALL guard.keep_history('contracts');
CREATE INDEX contracts_history_client ON contracts_history (tenant_id, client_id);

CREATE TABLE contract_revisions (
  tenant_id     uuid NOT NULL REFERENCES tenants (tenant_id),
  id            uuid NOT NULL,
  contract_id   uuid NOT NULL,
  seq           int NOT NULL CHECK (seq > 0),
  terms         text NOT NULL CHECK (char_length(terms) <= 100000),
  amount_minor  bigint CHECK (amount_minor >= 0),
  currency      text CHECK (currency ~ '^[A-Z]{3}$'),
  content_hash  bytea NOT NULL CHECK (octet_length(content_hash) = 32),
  state         text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'approved', 'superseded')),
  change_note   text NOT NULL DEFAULT '' CHECK (char_length(change_note) <= 2000),
  created_at    timestamptz NOT NULL,
  created_by    uuid,
  recorded_from timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, contract_id, seq),
  FOREIGN KEY (tenant_id, contract_id) REFERENCES contracts (tenant_id, id),
  CHECK ((amount_minor IS NULL) = (currency IS NULL))
);
CALL guard.guard_tenant_table('contract_revisions');
CALL guard.keep_history('contract_revisions');
CREATE INDEX contract_revisions_history_contract ON contract_revisions_history (tenant_id, contract_id);

CREATE TABLE contract_parties (
  tenant_id     uuid NOT NULL REFERENCES tenants (tenant_id),
  id            uuid NOT NULL,
  contract_id   uuid NOT NULL,
  side          text NOT NULL CHECK (side IN ('OURS', 'THEIRS', 'THIRD')),
  company_id    uuid,  -- OURS
  client_id     uuid,  -- THEIRS
  name          text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
  signatory     text CHECK (char_length(signatory) <= 100),
  capacity      text CHECK (capacity IN ('LEGAL_REPRESENTATIVE', 'ATTORNEY')),
  state         text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'signed', 'refused')),
  signed_on     date,
  version       bigint NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL,
  created_by    uuid,
  updated_at    timestamptz NOT NULL,
  updated_by    uuid,
  recorded_from timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, contract_id) REFERENCES contracts (tenant_id, id),
  FOREIGN KEY (tenant_id, company_id) REFERENCES companies (tenant_id, id),
  FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id)
);
CREATE INDEX contract_parties_contract ON contract_parties (tenant_id, contract_id, id);
CALL guard.guard_tenant_table('contract_parties');
CALL guard.keep_history('contract_parties');
CREATE INDEX contract_parties_history_contract ON contract_parties_history (tenant_id, contract_id);

CREATE TABLE obligations (
  tenant_id     uuid NOT NULL REFERENCES tenants (tenant_id),
  id            uuid NOT NULL,
  contract_id   uuid NOT NULL,
  side          text NOT NULL CHECK (side IN ('OURS', 'THEIRS')),
  kind          text NOT NULL CHECK (kind IN ('DELIVERY', 'PAYMENT', 'SERVICE', 'DOCUMENT', 'OTHER')),
  title         text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 200),
  due_on        date NOT NULL,
  amount_minor  bigint CHECK (amount_minor >= 0),
  currency      text CHECK (currency ~ '^[A-Z]{3}$'),
  state         text NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'met', 'late', 'waived')),
  settled_on    date,
  settle_note   text CHECK (char_length(settle_note) <= 2000),
  version       bigint NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL,
  created_by    uuid,
  updated_at    timestamptz NOT NULL,
  updated_by    uuid,
  recorded_from timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, contract_id) REFERENCES contracts (tenant_id, id),
  CHECK ((amount_minor IS NULL) = (currency IS NULL))
);
CREATE INDEX obligations_contract ON obligations (tenant_id, contract_id, due_on, id);
CALL guard.guard_tenant_table('obligations');
CALL guard.keep_history('obligations');
CREATE INDEX obligations_history_contract ON obligations_history (tenant_id, contract_id);

-- +goose Down
SELECT 1 / 0;
