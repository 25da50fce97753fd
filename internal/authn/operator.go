package authn

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

func resetAdmin() act.Spec {
	return act.Spec{Name: "account.resetAdmin", Object: policy.OnAccount, Action: "account.resetPassword", Event: "account.passwordChanged.v1", Sensitive: true}
}

// ResetAdmin gives an account a new password, for an operator at the command line of the server whose tenant has locked
// itself out. The password (shown this once) must be changed at the next sign-in; the account's sessions and API tokens end;
// a suspended account is active again. It is audited as the operator's act. Errors: NOT_FOUND.
func ResetAdmin(ctx context.Context, db *tenancy.DB, run *act.Runner, hasher *credential.Hasher, slug, login string) (password string, err error) {
	_, tenant, _, ok, err := db.Lookup(ctx, credential.SlugHash(slug))
	if err != nil {
		return "", err
	}
	if !ok {
		return "", fault.NotFound("Tenant")
	}
	password = rand.Text() // 130 random bits
	hash, err := hasher.HashPassword(ctx, password)
	if err != nil {
		return "", err
	}
	_, err = run.Run(ctx, tenancy.ForSystem(tenant, tenancy.SystemOperator), resetAdmin(), rand.Text(), nil, func(ctx context.Context, w *act.Work) (act.Result, error) {
		return resetIn(ctx, w, login, hash)
	})
	if err != nil {
		return "", err
	}
	return password, nil
}

func resetIn(ctx context.Context, w *act.Work, login, hash string) (act.Result, error) {
	var account uuid.UUID
	var version int64
	err := w.QueryRow(ctx, `UPDATE accounts SET password_hash = $3, must_change_password = true, state = 'active', version = version + 1, updated_at = $4, updated_by = NULL
		WHERE tenant_id = $1 AND login = $2 AND state <> 'revoked' RETURNING id, version`, w.Tenant(), login, hash, w.Now()).Scan(&account, &version)
	if errors.Is(err, pgx.ErrNoRows) {
		return act.Result{}, fault.NotFound("Account")
	}
	if err != nil {
		return act.Result{}, fmt.Errorf("authn: reset: %w", err)
	}
	for _, table := range []string{"sessions", "api_tokens"} {
		if _, err := w.Exec(ctx, `UPDATE `+table+` SET revoked_at = $3 WHERE tenant_id = $1 AND account_id = $2 AND revoked_at IS NULL`, w.Tenant(), account, w.Now()); err != nil {
			return act.Result{}, fmt.Errorf("authn: end credentials: %w", err)
		}
	}
	return act.Result{
		Subject: act.Subject{Type: "Account", ID: account, Version: version},
		Changes: []act.Change{{Field: "password"}, {Field: "mustChangePassword", New: true}},
	}, nil
}
