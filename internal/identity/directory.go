package identity

import (
	"context"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/internal/tenancy"
)

// The sign-in directory: hashes that lead to a tenant and a subject, and nothing else.
const (
	insertDirectory = `INSERT INTO auth_directory (tenant_id, lookup_hash, kind, subject_id) VALUES ($1, $2, $3, $4)`
	deleteDirectory = `DELETE FROM auth_directory WHERE tenant_id = $1 AND subject_id = ANY($2)`
	selectSlug      = `SELECT slug FROM tenants WHERE tenant_id = $1`
)

func list(ctx context.Context, w *act.Work, kind tenancy.DirectoryKind, hash []byte, subject uuid.UUID) error {
	_, err := w.Exec(ctx, insertDirectory, w.Tenant(), hash, string(kind), subject)
	return wrap("directory", err)
}

// listLogin lets the account be found by its login.
func listLogin(ctx context.Context, w *act.Work, login string, account uuid.UUID) error {
	var slug string
	if err := w.QueryRow(ctx, selectSlug, w.Tenant()).Scan(&slug); err != nil {
		return wrap("slug", err)
	}
	return list(ctx, w, tenancy.DirectoryLogin, credential.LoginHash(slug, login), account)
}

func unlist(ctx context.Context, w *act.Work, subjects ...uuid.UUID) error {
	_, err := w.Exec(ctx, deleteDirectory, w.Tenant(), subjects)
	return wrap("directory", err)
}
