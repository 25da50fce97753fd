// Package graph owns the public schema, the code generated from it and the joining of both with the serving layer.
// It does not own rules, SQL or permission decisions (services, internal/read, policy do).
package graph
