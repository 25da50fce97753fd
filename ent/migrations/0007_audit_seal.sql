-- +goose Up
-- Sealing: records are inserted without a lock on the tenant; a sealer gives them dense numbers, a hash chain and Merkle
-- leaves within a second, and signs a checkpoint each minute. Altering any byte afterwards is found by the verifier.

ALTER TABLE audit_records ADD COLUMN seal_seq bigint CHECK (seal_seq > 0);
ALTER TABLE audit_records ADD COLUMN seal_hash bytea CHECK (octet_length(seal_hash) = 32); -- SHA-256(previous seal_hash, number, canonical record)
ALTER TABLE audit_records ADD CHECK ((seal_seq IS NULL) = (seal_hash IS NULL));
CREATE UNIQUE INDEX audit_records_seal ON audit_records (tenant_id, seal_seq) WHERE seal_seq IS NOT NULL;
CREATE INDEX audit_records_unsealed ON audit_records (tenant_id, id) WHERE seal_seq IS NULL;
-- The application may seal a record once and change nothing else of it.
GRANT UPDATE (seal_seq, seal_hash) ON audit_records TO clientele_app;
-- +goose StatementBegin
CREATE FUNCTION guard.seal_once() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
  IF OLD.seal_seq IS NOT NULL THEN
    RAISE EXCEPTION 'audit record % is sealed already', OLD.id USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER seal_once BEFORE UPDATE ON audit_records FOR EACH ROW EXECUTE FUNCTION guard.seal_once();

-- Hashes of the Merkle tree over the seal hashes, in the order of storage of the transparency-log format.
CREATE TABLE audit_tree (
  tenant_id  uuid NOT NULL REFERENCES tenants (tenant_id),
  position   bigint NOT NULL CHECK (position >= 0),
  hash       bytea NOT NULL CHECK (octet_length(hash) = 32),
  PRIMARY KEY (tenant_id, position)
);
CALL guard.guard_tenant_table('audit_tree', 'SELECT, INSERT');

-- A signed statement: the tenant's tree had this size and this root at that time.
CREATE TABLE audit_checkpoints (
  tenant_id  uuid NOT NULL REFERENCES tenants (tenant_id),
  tree_size  bigint NOT NULL CHECK (tree_size > 0),
  note       text NOT NULL CHECK (char_length(note) <= 4000), -- signed-note format with an Ed25519 signature
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, tree_size)
);
CALL guard.guard_tenant_table('audit_checkpoints', 'SELECT, INSERT');

-- +goose Down
SELECT 1 / 0;
