// Package ent holds the entity schema, its generated code and the migrations.
package ent

//go:generate go tool ent generate --target ./db ./schema
