// Package isolation owns the runs that try every operation of one tenant with the ids of another. It has tests only; it
// does not own the walls (ent/migrations, internal/tenancy) nor the walk over the catalogue (internal/walls).
package isolation
