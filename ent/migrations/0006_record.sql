-- +goose Up
-- What happened: idempotency outcomes, the event log, the audit trail.

-- The stored outcome is what happened, not the answer's bytes: a replay is rendered with the caller's selection and rights of now.
CREATE TABLE idempotency_keys (
  tenant_id     uuid NOT NULL REFERENCES tenants (tenant_id),
  account_id    uuid NOT NULL,
  key           text NOT NULL COLLATE "C" CHECK (char_length(key) BETWEEN 8 AND 200),
  act           text NOT NULL CHECK (char_length(act) <= 64),
  input_hash    bytea NOT NULL CHECK (octet_length(input_hash) = 32),
  outcome       jsonb,
  created_at    timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, account_id, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (tenant_id, created_at);
CALL guard.guard_tenant_table('idempotency_keys', 'SELECT, INSERT, UPDATE, DELETE');

-- One row per committed change; seq is dense per tenant and is taken by the last statement before COMMIT.
CREATE TABLE events (
  tenant_id      uuid NOT NULL REFERENCES tenants (tenant_id),
  seq            bigint NOT NULL CHECK (seq > 0),
  id             uuid NOT NULL,
  type           text NOT NULL CHECK (char_length(type) <= 80),
  subject_type   text NOT NULL CHECK (char_length(subject_type) <= 40),
  subject_id     uuid NOT NULL,
  subject_version bigint NOT NULL,
  actor_kind     text NOT NULL CHECK (actor_kind IN ('staff', 'app', 'operator', 'system')),
  actor_id       uuid,
  occurred_at    timestamptz NOT NULL,
  snapshot       jsonb NOT NULL, -- rendered at commit, by field group
  hash           bytea NOT NULL CHECK (octet_length(hash) = 32),
  PRIMARY KEY (tenant_id, seq),
  UNIQUE (tenant_id, id)
);
CREATE INDEX events_subject ON events (tenant_id, subject_id, seq);
CALL guard.guard_tenant_table('events', 'SELECT, INSERT');

-- Every change (in its transaction), every refusal and every opening. Insert only; numbered and chained by the sealer.
CREATE TABLE audit_records (
  tenant_id     uuid NOT NULL REFERENCES tenants (tenant_id),
  id            uuid NOT NULL,
  kind          text NOT NULL CHECK (kind IN ('change', 'refusal', 'opening', 'sign_in', 'operator')),
  act           text NOT NULL CHECK (char_length(act) <= 64),
  actor_kind    text NOT NULL CHECK (actor_kind IN ('staff', 'app', 'operator', 'system')),
  actor_id      uuid,          -- account
  actor_name    text NOT NULL DEFAULT '' CHECK (char_length(actor_name) <= 100),
  credential_id uuid,
  object_type   text NOT NULL DEFAULT '' CHECK (char_length(object_type) <= 40),
  object_id     uuid,
  object_version bigint,
  reason        text NOT NULL DEFAULT '' CHECK (char_length(reason) <= 200), -- reason code of a refusal
  rule_id       uuid,
  clause        text NOT NULL DEFAULT '' CHECK (char_length(clause) <= 200),
  detail        jsonb NOT NULL DEFAULT '{}', -- changed fields with old and new value; opened field groups
  request_id    text NOT NULL DEFAULT '' CHECK (char_length(request_id) <= 64),
  occurred_at   timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX audit_records_time ON audit_records (tenant_id, occurred_at, id);
CREATE INDEX audit_records_object ON audit_records (tenant_id, object_id, occurred_at, id);
CREATE INDEX audit_records_actor ON audit_records (tenant_id, actor_id, occurred_at, id);
CALL guard.guard_tenant_table('audit_records', 'SELECT, INSERT');

-- +goose Down
SELECT 1 / 0;
