-- +goose Up
-- Duty conflicts belong to a policy version from here on: versions made before get those that were shipped then. The content hash
-- of a version covers them, so drafts that are still open are discarded: they are drafted anew from the version in force.
SELECT set_config('app.now', now()::text, true);
ALTER TABLE policy_versions NO FORCE ROW LEVEL SECURITY;
ALTER TABLE policy_versions_history NO FORCE ROW LEVEL SECURITY;
ALTER TABLE policy_conflicts NO FORCE ROW LEVEL SECURITY;
ALTER TABLE policy_versions DISABLE TRIGGER bump_policy_version; -- there is no tenant whose epoch it could move
ALTER TABLE policy_conflicts DISABLE TRIGGER bump_policy_version;

UPDATE policy_versions SET state = 'discarded', version = version + 1, updated_at = now() WHERE state = 'draft';

INSERT INTO policy_conflicts (tenant_id, id, policy_version_id, seq, key, action_a, action_b, name_zh, name_en, clause)
SELECT v.tenant_id, gen_random_uuid(), v.id, s.seq, s.key, s.a, s.b, s.zh, s.en, s.clause
FROM policy_versions v CROSS JOIN (VALUES
  (1, 'price', 'price.request', 'price.approve', '特价申请与审批', 'price request and approval', 'A05'),
  (2, 'borrowing', 'borrowing.request', 'borrowing.lend', '借阅与出借', 'borrowing and lending', 'G04'),
  (3, 'recognition', 'recognition.apply', 'recognition.approve', '认定申请与终审', 'recognition application and final approval', 'D10'),
  (4, 'payment', 'payment.record', 'payment.writeOff', '收款登记与核销', 'payment record and write-off', 'C02'),
  (5, 'policy', 'policy.write', 'policy.publish', '策略起草与发布', 'drafting and publishing policy', 'F16'),
  (6, 'disposal', 'disposal.propose', 'disposal.approve', '处理提出与批准', 'proposal and approval of disposal', 'G11')
) AS s (seq, key, a, b, zh, en, clause);

ALTER TABLE policy_conflicts ENABLE TRIGGER bump_policy_version;
ALTER TABLE policy_versions ENABLE TRIGGER bump_policy_version;
ALTER TABLE policy_conflicts FORCE ROW LEVEL SECURITY;
ALTER TABLE policy_versions_history FORCE ROW LEVEL SECURITY;
ALTER TABLE policy_versions FORCE ROW LEVEL SECURITY;

-- A version is complete before it is in force, its conflicts too.
CREATE TRIGGER drafts_only AFTER INSERT ON policy_conflicts REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION guard.drafts_only();

-- +goose Down
SELECT 1 / 0; -- migrations go forward only: restore a backup instead
