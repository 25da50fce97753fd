// Package ent holds the entity schema, its generated code and the migrations.
package ent

//go:generate go run -mod=mod entgo.io/ent/cmd/ent generate --target ./db ./schema
