-- +goose Up
-- Half-yearly reviews end what nobody confirms by time alone: the instant stands in the row that gives the right, and whoever reads
-- the row compares it. No job has to run, and none can keep alive what has lapsed.

ALTER TABLE role_bindings ADD COLUMN review_due_at timestamptz; -- gives nothing from then on, unless its reviewer confirms it before
ALTER TABLE role_bindings_history ADD COLUMN review_due_at timestamptz;
ALTER TABLE access_grants ADD COLUMN review_due_at timestamptz;
ALTER TABLE access_grants_history ADD COLUMN review_due_at timestamptz;

-- +goose StatementBegin
-- SECURITY: what has lapsed stays lapsed. A confirmation that comes late, from whatever program, is refused here.
CREATE FUNCTION guard.keep_lapsed() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
  IF OLD.review_due_at <= current_setting('app.now')::timestamptz AND NEW.review_due_at IS DISTINCT FROM OLD.review_due_at THEN
    RAISE EXCEPTION 'the review of % % was due at %', TG_TABLE_NAME, OLD.id, OLD.review_due_at USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER keep_lapsed BEFORE UPDATE ON role_bindings FOR EACH ROW EXECUTE FUNCTION guard.keep_lapsed();
CREATE TRIGGER keep_lapsed BEFORE UPDATE ON access_grants FOR EACH ROW EXECUTE FUNCTION guard.keep_lapsed();

-- One review at a time: an item's due date is its binding's or grant's.
CREATE UNIQUE INDEX access_reviews_one_open ON access_reviews (tenant_id) WHERE state = 'open';
CREATE INDEX access_review_items_undecided ON access_review_items (tenant_id, review_id, id) WHERE decision IS NULL;
ALTER TABLE access_review_items
  ADD CHECK ((decision IS NULL) = (decided_at IS NULL)),
  ADD CHECK ((decided_by IS NOT NULL) = (decision IN ('KEEP', 'REVOKE') AND decision IS NOT NULL));

-- +goose Down
SELECT 1 / 0;
