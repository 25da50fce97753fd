-- +goose Up
-- A search comes from a term to its clients, or from a client to whether it has a term; the class only tells who may see the hit.
-- With the class before the term each of these took a descent of the index for every class there is.
ALTER TABLE client_search_terms DROP CONSTRAINT client_search_terms_pkey;
ALTER TABLE client_search_terms ADD PRIMARY KEY (tenant_id, term, client_id, field_class);

-- +goose Down
SELECT 1 / 0;
