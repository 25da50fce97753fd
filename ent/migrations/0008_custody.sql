-- +goose Up
-- Custody of originals (G02-G05) and time-limited access (F10): what is kept, where its bytes are, who borrowed it, who asked.

-- G02-G03: material held by the custodian and only lent. field_class is the class of its content; the register line is L1.
CREATE TABLE originals (
  tenant_id uuid NOT NULL REFERENCES tenants (tenant_id),
  id uuid NOT NULL,
  client_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('ORGANISATION', 'CONTENT', 'CREDIT', 'RELATION', 'CONTRACT', 'CORRESPONDENCE', 'SURVEY', 'OTHER')),
  title text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 200),
  field_class smallint NOT NULL CHECK (field_class BETWEEN 0 AND 7),
  provenance text NOT NULL CHECK (char_length(provenance) BETWEEN 1 AND 400), -- where it came from
  custodian_staff_id uuid NOT NULL,
  location text CHECK (char_length(location) <= 200), -- shelf, safe, office
  state text NOT NULL DEFAULT 'filed' CHECK (state IN ('filed', 'out', 'missing', 'disposed')),
  version_seq int NOT NULL DEFAULT 0 CHECK (version_seq >= 0), -- the current version; 0: none filed yet
  version       bigint NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL,
  created_by    uuid,
  updated_at    timestamptz NOT NULL,
  updated_by    uuid,
  recorded_from timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id),
  FOREIGN KEY (tenant_id, custodian_staff_id) REFERENCES staff (tenant_id, id)
);
CREATE INDEX originals_client ON originals (tenant_id, client_id, id);
CREATE INDEX originals_custodian ON originals (tenant_id, custodian_staff_id, id);
CALL guard.guard_tenant_table('originals');
CALL guard.keep_history('originals');

-- Bytes in the blob store under "<tenant>/<id>". A ticket admits one upload; nothing is served before its scan came out clean.
CREATE TABLE files (
  tenant_id uuid NOT NULL REFERENCES tenants (tenant_id),
  id uuid NOT NULL,
  original_id uuid, -- what it belongs to: who may see it is decided there
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
  media_type text NOT NULL CHECK (char_length(media_type) BETWEEN 3 AND 100),
  size bigint NOT NULL CHECK (size BETWEEN 1 AND 1099511627776), -- bytes
  sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
  state text NOT NULL DEFAULT 'awaiting' CHECK (state IN ('awaiting', 'quarantined', 'clean', 'infected', 'gone')),
  ticket_hash bytea CHECK (octet_length(ticket_hash) = 32),
  ticket_until timestamptz,
  received_at timestamptz,
  scanned_at timestamptz,
  scan_note text CHECK (char_length(scan_note) <= 400),
  scan_attempts int NOT NULL DEFAULT 0,
  scan_after timestamptz, -- not tried again before
  version       bigint NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL,
  created_by    uuid,
  updated_at    timestamptz NOT NULL,
  updated_by    uuid,
  recorded_from timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, original_id) REFERENCES originals (tenant_id, id)
);
CREATE INDEX files_original ON files (tenant_id, original_id, id);
CREATE INDEX files_waiting ON files (tenant_id, scan_after, id) WHERE state IN ('awaiting', 'quarantined');
CALL guard.guard_tenant_table('files');
CALL guard.keep_history('files');

-- One filing of an original. file_id is null for paper; content_hash is of the file, or of what the custodian wrote down about the paper.
CREATE TABLE original_versions (
  tenant_id uuid NOT NULL REFERENCES tenants (tenant_id),
  id uuid NOT NULL,
  original_id uuid NOT NULL,
  seq int NOT NULL CHECK (seq > 0),
  file_id uuid,
  content_hash bytea NOT NULL CHECK (octet_length(content_hash) = 32),
  note text CHECK (char_length(note) <= 1000),
  filed_at timestamptz NOT NULL,
  filed_by uuid,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, original_id, seq),
  FOREIGN KEY (tenant_id, original_id) REFERENCES originals (tenant_id, id),
  FOREIGN KEY (tenant_id, file_id) REFERENCES files (tenant_id, id),
  FOREIGN KEY (tenant_id, filed_by) REFERENCES staff (tenant_id, id)
);
CALL guard.guard_tenant_table('original_versions', 'SELECT, INSERT');

-- G04: a registered loan. 'overdue' is no state: it is out with its due date passed, and the right has ended by then.
CREATE TABLE borrowings (
  tenant_id uuid NOT NULL REFERENCES tenants (tenant_id),
  id uuid NOT NULL,
  client_id uuid NOT NULL, -- all items are of one client
  borrower_staff_id uuid NOT NULL,
  purpose text NOT NULL CHECK (char_length(purpose) BETWEEN 1 AND 1000),
  state text NOT NULL DEFAULT 'requested' CHECK (state IN ('requested', 'approved', 'out', 'returned', 'lost', 'refused', 'withdrawn', 'revoked')),
  top_class smallint NOT NULL CHECK (top_class BETWEEN 0 AND 7), -- the highest field class among the items
  due_at timestamptz NOT NULL,
  out_at timestamptz,
  ended_at timestamptz, -- returned, lost, refused, withdrawn or revoked
  renewed_at timestamptz, -- once
  condition_note text CHECK (char_length(condition_note) <= 1000),
  version       bigint NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL,
  created_by    uuid,
  updated_at    timestamptz NOT NULL,
  updated_by    uuid,
  recorded_from timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id),
  FOREIGN KEY (tenant_id, borrower_staff_id) REFERENCES staff (tenant_id, id),
  CHECK ((out_at IS NULL) OR (due_at > out_at))
);
CREATE INDEX borrowings_client ON borrowings (tenant_id, client_id, id);
CREATE INDEX borrowings_borrower ON borrowings (tenant_id, borrower_staff_id, id);
CREATE INDEX borrowings_out ON borrowings (tenant_id, due_at, id) WHERE state = 'out';
CALL guard.guard_tenant_table('borrowings');
CALL guard.keep_history('borrowings');

-- The right itself: readable by the borrower from valid_from until valid_until unless ended before. Times and borrower repeat those of the
-- borrowing so that the predicate needs one table; both are written by the same act.
CREATE TABLE borrowing_items (
  tenant_id uuid NOT NULL REFERENCES tenants (tenant_id),
  id uuid NOT NULL,
  borrowing_id uuid NOT NULL,
  original_id uuid NOT NULL,
  original_version_id uuid NOT NULL,
  borrower_staff_id uuid NOT NULL,
  client_id uuid NOT NULL,
  field_class smallint NOT NULL CHECK (field_class BETWEEN 0 AND 7),
  content_hash bytea NOT NULL CHECK (octet_length(content_hash) = 32), -- when it was asked for
  valid_from timestamptz, -- handed out
  valid_until timestamptz NOT NULL,
  ended_at timestamptz,
  condition text CHECK (condition IN ('INTACT', 'DAMAGED', 'MISSING')), -- on return
  version       bigint NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL,
  created_by    uuid,
  updated_at    timestamptz NOT NULL,
  updated_by    uuid,
  recorded_from timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, borrowing_id, original_id),
  FOREIGN KEY (tenant_id, borrowing_id) REFERENCES borrowings (tenant_id, id),
  FOREIGN KEY (tenant_id, original_id) REFERENCES originals (tenant_id, id),
  FOREIGN KEY (tenant_id, original_version_id) REFERENCES original_versions (tenant_id, id),
  FOREIGN KEY (tenant_id, borrower_staff_id) REFERENCES staff (tenant_id, id),
  FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id)
);
CREATE UNIQUE INDEX borrowing_items_one_holder ON borrowing_items (tenant_id, original_id) WHERE valid_from IS NOT NULL AND ended_at IS NULL;
CREATE INDEX borrowing_items_holder ON borrowing_items (tenant_id, borrower_staff_id, original_id);
CALL guard.guard_tenant_table('borrowing_items');
CALL guard.keep_history('borrowing_items');

-- F10: somebody asks for field classes of one archive until an end; granted, it becomes an access grant.
CREATE TABLE access_requests (
  tenant_id uuid NOT NULL REFERENCES tenants (tenant_id),
  id uuid NOT NULL,
  requester_staff_id uuid NOT NULL,
  client_id uuid NOT NULL,
  class_mask smallint NOT NULL CHECK (class_mask BETWEEN 1 AND 255),
  purpose text NOT NULL CHECK (char_length(purpose) BETWEEN 1 AND 1000),
  wanted_from timestamptz NOT NULL,
  wanted_until timestamptz NOT NULL,
  state text NOT NULL DEFAULT 'requested' CHECK (state IN ('requested', 'granted', 'refused', 'withdrawn')),
  grant_id uuid,
  ended_at timestamptz,
  version       bigint NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL,
  created_by    uuid,
  updated_at    timestamptz NOT NULL,
  updated_by    uuid,
  recorded_from timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, requester_staff_id) REFERENCES staff (tenant_id, id),
  FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id),
  FOREIGN KEY (tenant_id, grant_id) REFERENCES access_grants (tenant_id, id),
  CHECK (wanted_until > wanted_from),
  CHECK ((grant_id IS NOT NULL) = (state = 'granted'))
);
CREATE INDEX access_requests_client ON access_requests (tenant_id, client_id, id);
CREATE INDEX access_requests_requester ON access_requests (tenant_id, requester_staff_id, id);
CALL guard.guard_tenant_table('access_requests');
CALL guard.keep_history('access_requests');

-- Steps that a subject waits for, in their order, with the decision and the hash of what was decided. Nobody decides two steps of one subject, nor his own.
CREATE TABLE approval_steps (
  tenant_id uuid NOT NULL REFERENCES tenants (tenant_id),
  id uuid NOT NULL,
  subject_type text NOT NULL CHECK (subject_type IN ('BORROWING', 'ACCESS_REQUEST')),
  subject_id uuid NOT NULL,
  client_id uuid NOT NULL,
  seq int NOT NULL CHECK (seq > 0),
  key text NOT NULL CHECK (key IN ('custodian', 'department_head', 'key_account_manager')),
  state text NOT NULL CHECK (state IN ('waiting', 'active', 'approved', 'refused', 'void')),
  assignee_staff_id uuid, -- the one person who may decide; null: whoever holds the act on the client
  requester_staff_id uuid NOT NULL,
  decided_by uuid,
  decided_at timestamptz,
  comment text CHECK (char_length(comment) <= 1000),
  content_hash bytea CHECK (octet_length(content_hash) = 32),
  version       bigint NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL,
  created_by    uuid,
  updated_at    timestamptz NOT NULL,
  updated_by    uuid,
  recorded_from timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, subject_id, seq),
  FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id),
  FOREIGN KEY (tenant_id, assignee_staff_id) REFERENCES staff (tenant_id, id),
  FOREIGN KEY (tenant_id, requester_staff_id) REFERENCES staff (tenant_id, id),
  FOREIGN KEY (tenant_id, decided_by) REFERENCES staff (tenant_id, id),
  CHECK (decided_by IS DISTINCT FROM requester_staff_id),
  CHECK ((decided_by IS NOT NULL) = (state IN ('approved', 'refused')))
);
CREATE UNIQUE INDEX approval_steps_decider ON approval_steps (tenant_id, subject_id, decided_by) WHERE decided_by IS NOT NULL;
CREATE INDEX approval_steps_active ON approval_steps (tenant_id, client_id, id) WHERE state = 'active';
CALL guard.guard_tenant_table('approval_steps');
CALL guard.keep_history('approval_steps');

-- G05: damage, loss, or content that is not what was lent.
CREATE TABLE custody_incidents (
  tenant_id uuid NOT NULL REFERENCES tenants (tenant_id),
  id uuid NOT NULL,
  original_id uuid NOT NULL,
  client_id uuid NOT NULL,
  borrowing_id uuid,
  kind text NOT NULL CHECK (kind IN ('HASH_MISMATCH', 'DAMAGED', 'LOST', 'CONTAMINATED', 'OVERDUE')),
  note text NOT NULL CHECK (char_length(note) BETWEEN 1 AND 1000),
  reported_by uuid,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
  closed_at timestamptz,
  resolution text CHECK (char_length(resolution) <= 1000),
  version       bigint NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL,
  created_by    uuid,
  updated_at    timestamptz NOT NULL,
  updated_by    uuid,
  recorded_from timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, original_id) REFERENCES originals (tenant_id, id),
  FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id),
  FOREIGN KEY (tenant_id, borrowing_id) REFERENCES borrowings (tenant_id, id),
  FOREIGN KEY (tenant_id, reported_by) REFERENCES staff (tenant_id, id)
);
CREATE INDEX custody_incidents_original ON custody_incidents (tenant_id, original_id, id);
CALL guard.guard_tenant_table('custody_incidents');
CALL guard.keep_history('custody_incidents');

-- +goose Down
SELECT 1 / 0;
