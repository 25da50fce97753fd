-- +goose Up
-- Lists by grade and stage, counted and in the order of names. The columns that scopes compare stand in it, so that a count
-- under any scope of departments, owners or companies reads the index alone.
CREATE INDEX clients_grade_stage ON clients (tenant_id, grade, stage, sort_key, id) INCLUDE (department_id, owner_id, company_id);

-- +goose Down
SELECT 1 / 0;
