-- +goose Up
-- An original that was not back when its loan was due is written down once for each loan (G05), by whoever comes to it first: the return, the
-- loss, or the sweep of those that are still out.
CREATE UNIQUE INDEX custody_incidents_overdue ON custody_incidents (tenant_id, borrowing_id, original_id) WHERE kind = 'OVERDUE';

-- +goose Down
SELECT 1 / 0;
