package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"text/tabwriter"

	"github.com/clientele/clientele/internal/authn"
	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/product"
	"github.com/clientele/clientele/internal/tenancy"
)

type tenantCommands struct {
	Create     tenantCreate     `cmd:"" help:"新建租户及其首位管理员 · Make a tenant with its first administrator."`
	List       tenantList       `cmd:"" help:"列出租户 · List the tenants."`
	ResetAdmin tenantResetAdmin `cmd:"" name:"reset-admin" help:"为被锁在门外的管理员设置新密码 · Give a locked-out administrator a new password."`
}

type tenantCreate struct {
	Database databaseFlags `embed:""`
	Log      logFlags      `embed:""`
	Slug     string        `arg:"" help:"租户标识，登录时使用 · Slug, part of the sign-in name."`
	Name     string        `required:"" help:"租户名称 · Name."`
	Admin    string        `default:"admin" help:"首位管理员的登录名 · Login of the first administrator."`
	Person   string        `required:"" help:"首位管理员的姓名 · Name of the first administrator."`
	Company  string        `help:"首个公司的名称，缺省同租户名称 · Name of the root company; the tenant's by default."`
	Language string        `enum:"zh-CN,en" default:"zh-CN" help:"语言 · Language."`
	Timezone string        `default:"Asia/Shanghai" help:"时区 · Time zone."`
}

func (c *tenantCreate) Run(p *program) error {
	return operate(p, &c.Database, &c.Log, func(ctx context.Context, s *product.Services) error {
		password := rand.Text()
		made, err := s.Identity.CreateTenant(ctx, s.IDs, identity.TenantCreate{
			Slug: c.Slug, Name: c.Name, Locale: c.Language, Timezone: c.Timezone, Company: c.Company,
			AdminName: c.Person, AdminLogin: c.Admin, AdminPassword: password,
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "租户 · tenant    %s %s\n登录名 · login   %s\n密码 · password  %s\n密码仅显示这一次 · The password is shown this once.\n", c.Slug, made.Tenant, c.Admin, password)
		return nil
	})
}

type tenantList struct {
	Database databaseFlags `embed:""`
	Log      logFlags      `embed:""`
}

func (c *tenantList) Run(p *program) error {
	return operate(p, &c.Database, &c.Log, func(ctx context.Context, s *product.Services) error {
		w := tabwriter.NewWriter(p.stdout, 0, 4, 2, ' ', 0)
		fmt.Fprintln(w, "SLUG\tNAME\tSTATE\tID")
		for _, state := range []string{"active", "suspended", "closing", "closed"} {
			ids, err := s.DB.Tenants(ctx, state)
			if err != nil {
				return err
			}
			for _, tenant := range ids {
				// The list of ids is the system role's; each name is read inside its tenant.
				var slug, name string
				err := s.DB.InTx(ctx, tenancy.ForSystem(tenant, tenancy.SystemOperator), func(ctx context.Context, tx *tenancy.Tx) error {
					return tx.QueryRow(ctx, `SELECT slug, name FROM tenants WHERE tenant_id = $1`, tenant.UUID()).Scan(&slug, &name)
				})
				if err != nil {
					return err
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", slug, name, state, tenant)
			}
		}
		return w.Flush()
	})
}

type tenantResetAdmin struct {
	Database databaseFlags `embed:""`
	Log      logFlags      `embed:""`
	Slug     string        `arg:"" help:"租户标识 · Slug of the tenant."`
	Login    string        `arg:"" default:"admin" help:"登录名 · Login."`
}

func (c *tenantResetAdmin) Run(p *program) error {
	return operate(p, &c.Database, &c.Log, func(ctx context.Context, s *product.Services) error {
		password, err := authn.ResetAdmin(ctx, s.DB, s.Run, s.Hasher, c.Slug, c.Login)
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "登录名 · login   %s\n密码 · password  %s\n密码仅显示这一次，下次登录须修改 · The password is shown this once and must be changed at the next sign-in.\n", c.Login, password)
		return nil
	})
}

// operate runs an operator's command on the database.
func operate(p *program, f *databaseFlags, logging *logFlags, do func(context.Context, *product.Services) error) error {
	if logging.LogLevel == "info" {
		logging.LogLevel = "warn" // the answer is on stdout; what led to it is of no interest here
	}
	tel, err := logging.start(p)
	if err != nil {
		return err
	}
	defer shutdownTelemetry(tel)
	s, done, err := openServices(p.ctx, f, tel.Log)
	if err != nil {
		return err
	}
	defer done()
	if err := do(p.ctx, s); err != nil {
		tel.Log.DebugContext(p.ctx, "command failed", slog.Any("error", err))
		return err
	}
	return nil
}
