package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"

	"github.com/clientele/clientele/internal/audit"
	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/product"
	"github.com/clientele/clientele/internal/tenancy"
)

type auditCommands struct {
	Verify auditVerify `cmd:"" help:"核验审计记录，指出首条有问题的记录 · Verify an audit trail and name the first bad record."`
	Export auditExport `cmd:"" help:"导出审计记录与签名检查点，可离线核验 · Export a trail that can be verified without a database."`
	Prove  auditProve  `cmd:"" help:"为一条记录出具证明 · Make the proof of one record."`
	NewKey auditNewKey `cmd:"" name:"new-key" help:"生成签名密钥：第一行私钥，第二行公钥 · Make a signing key: the private key on the first line, the public one on the second."`
	Check  auditCheck  `cmd:"" help:"核验一条记录的证明，无需数据库 · Check such a proof, without a database."`
}

// auditKeyFlags say whose checkpoints are believed.
type auditKeyFlags struct {
	PublicKeys []string `name:"public-key" setting:"CLIENTELE_AUDIT_PUBLIC_KEYS" placeholder:"KEY" help:"可信的检查点公钥，可多个；不设则取数据目录中签名密钥的公钥 · Public keys whose checkpoints are believed; without any that of the data folder's signing key."`
	Language   string   `enum:"zh-CN,en" default:"zh-CN" help:"报告的语言 · Language of the report."`
}

// auditKeyPath is where the signing key is kept when no setting names a file.
func auditKeyPath(f *databaseFlags) string { return filepath.Join(f.Data, "audit.key") }

func (f *auditKeyFlags) args(data *databaseFlags) (audit.VerifyArgs, error) {
	args := audit.VerifyArgs{Keys: f.PublicKeys, Language: f.Language}
	if len(args.Keys) == 0 {
		key, err := audit.LoadKey(auditKeyPath(data))
		if err != nil {
			return args, &trouble{
				message: fault.Text{ZH: "没有可信的检查点公钥：" + err.Error(), EN: "no public key is known: " + err.Error()},
				remedy:  fault.Text{ZH: "请用 --public-key 给出公钥", EN: "name one with --public-key"}, cause: err,
			}
		}
		args.Keys = []string{key.Public()}
	}
	return args, nil
}

type auditNewKey struct{}

// Run prints a new pair; nothing is kept.
func (auditNewKey) Run(p *program) error {
	private, _, err := note.GenerateKey(rand.Reader, audit.KeyName)
	if err != nil {
		return err
	}
	key, err := audit.ParseKey(private)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "%s\n%s\n", private, key.Public())
	return nil
}

// tenantOf finds a tenant by its slug.
func tenantOf(ctx context.Context, s *product.Services, slug string) (tenancy.TenantID, error) {
	kind, tenant, _, found, err := s.DB.Lookup(ctx, credential.SlugHash(slug))
	if err == nil && (!found || kind != tenancy.DirectoryTenant) {
		err = fault.NotFound("Tenant")
	}
	return tenant, err
}

type auditVerify struct {
	Database databaseFlags `embed:""`
	Log      logFlags      `embed:""`
	Keys     auditKeyFlags `embed:""`
	Tenant   string        `xor:"from" required:"" placeholder:"SLUG" help:"租户标识 · Slug of the tenant."`
	File     string        `xor:"from" required:"" placeholder:"FILE" help:"导出文件；无需数据库 · An export; no database is needed."`
	Witness  []string      `placeholder:"FILE" help:"在别处留存的检查点，可多个 · Checkpoints that were kept elsewhere."`
}

func (c *auditVerify) Run(p *program) error {
	args, err := c.Keys.args(&c.Database)
	if err != nil {
		return err
	}
	for _, path := range c.Witness {
		note, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		args.Witness = append(args.Witness, string(note))
	}
	if c.File != "" {
		f, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer f.Close()
		trail, err := audit.FromFile(f)
		if err != nil {
			return err
		}
		return tampered(audit.RunVerify(p.ctx, p.stdout, trail, args))
	}
	return operate(p, &c.Database, &c.Log, func(ctx context.Context, s *product.Services) error {
		tenant, err := tenantOf(ctx, s, c.Tenant)
		if err != nil {
			return err
		}
		return tampered(audit.RunVerify(ctx, p.stdout, audit.FromDatabase(ctx, s.DB, tenancy.ForSystem(tenant, tenancy.SystemOperator)), args))
	})
}

func tampered(err error) error {
	if errors.Is(err, audit.ErrTampered) {
		return &trouble{
			message: fault.Text{ZH: "审计记录不可信，见上文首个问题", EN: "the trail is not to be trusted: see the first finding above"},
			remedy:  fault.Text{ZH: "请保留数据库现状，与备份和此前的导出比对", EN: "leave the database as it is and compare it with backups and earlier exports"}, cause: err,
		}
	}
	return err
}

type auditExport struct {
	Database databaseFlags `embed:""`
	Log      logFlags      `embed:""`
	Tenant   string        `arg:"" placeholder:"SLUG" help:"租户标识 · Slug of the tenant."`
	Out      string        `required:"" placeholder:"FILE" help:"写入的文件，不得已存在 · File to write; it must not exist."`
}

func (c *auditExport) Run(p *program) error {
	return operate(p, &c.Database, &c.Log, func(ctx context.Context, s *product.Services) error {
		tenant, err := tenantOf(ctx, s, c.Tenant)
		if err != nil {
			return err
		}
		// Where the signing key is at hand, what is new is sealed and signed first.
		var sealer *audit.Sealer
		key, err := audit.LoadKey(auditKeyPath(&c.Database))
		if err == nil {
			sealer, err = audit.NewSealer(s.DB, key, nil, slog.New(slog.DiscardHandler))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		// SECURITY: the trail tells who did what; nobody else may read the file.
		f, err := os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		n, err := audit.RunExport(ctx, f, s.DB, tenant, sealer)
		if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
			return errors.Join(err, os.Remove(c.Out))
		}
		_, err = fmt.Fprintf(p.stdout, "已导出 %d 条 · %d records exported\n", n, n)
		return err
	})
}

type auditProve struct {
	Database databaseFlags `embed:""`
	Log      logFlags      `embed:""`
	Tenant   string        `arg:"" placeholder:"SLUG" help:"租户标识 · Slug of the tenant."`
	Record   string        `arg:"" placeholder:"ID" help:"记录编号 aud_… · Id of the record."`
}

func (c *auditProve) Run(p *program) error {
	record, err := id.Parse(id.AuditRecord, c.Record)
	if err != nil {
		return usageError{err}
	}
	return operate(p, &c.Database, &c.Log, func(ctx context.Context, s *product.Services) error {
		tenant, err := tenantOf(ctx, s, c.Tenant)
		if err != nil {
			return err
		}
		return audit.RunProve(ctx, p.stdout, s.DB, tenant, record)
	})
}

type auditCheck struct {
	Database databaseFlags `embed:""`
	Keys     auditKeyFlags `embed:""`
	File     string        `arg:"" help:"证明文件 · File with the proof."`
	Tenant   string        `required:"" placeholder:"ID" help:"租户编号（UUID），应由签发方之外的途径得知 · The tenant's UUID, known from elsewhere than the proof."`
}

func (c *auditCheck) Run(p *program) error {
	tenant, err := uuid.Parse(c.Tenant)
	if err != nil {
		return usageError{err}
	}
	args, err := c.Keys.args(&c.Database)
	if err != nil {
		return err
	}
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	return audit.RunCheckProof(f, p.stdout, tenant, args)
}
