-- +goose Up
-- A version of the policy is complete before it is in force: the application adds lines to drafts alone, and nothing becomes a
-- draft again. What was published is what was reviewed, whatever a defect of the program would write.

-- +goose StatementBegin
-- drafts_only holds the versions that lines are added to, so that none of them is published meanwhile.
CREATE FUNCTION guard.drafts_only() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
  IF current_user <> 'clientele_app' THEN
    RETURN NULL;
  END IF;
  PERFORM 1 FROM policy_versions v WHERE (v.tenant_id, v.id) IN (SELECT tenant_id, policy_version_id FROM added) FOR SHARE;
  IF EXISTS (SELECT FROM added a WHERE NOT EXISTS (
      SELECT FROM policy_versions v WHERE v.tenant_id = a.tenant_id AND v.id = a.policy_version_id AND v.state = 'draft')) THEN
    RAISE EXCEPTION 'lines are added to a policy version in state draft alone' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER drafts_only AFTER INSERT ON policy_rules REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION guard.drafts_only();

-- +goose StatementBegin
CREATE FUNCTION guard.never_a_draft_again() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
  IF current_user = 'clientele_app' AND OLD.state <> 'draft' AND NEW.state = 'draft' THEN
    RAISE EXCEPTION 'policy version % was a draft once', OLD.number USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER never_a_draft_again BEFORE UPDATE OF state ON policy_versions FOR EACH ROW EXECUTE FUNCTION guard.never_a_draft_again();

-- Open drafts are counted by author.
CREATE INDEX policy_versions_drafts ON policy_versions (tenant_id, author_id) WHERE state = 'draft';

-- +goose Down
SELECT 1 / 0;
