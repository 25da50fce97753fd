-- +goose Up
-- Whether somebody is on a client's team, and which clients those are, is asked by nearly every statement of the staff, with the time that
-- the place holds for: the index alone answers both, without a page of the table for each place.
DROP INDEX client_team_staff;
CREATE INDEX client_team_staff ON client_team_members (tenant_id, staff_id, client_id) INCLUDE (valid_from, valid_until);

-- +goose Down
SELECT 1 / 0;
