package main

import (
	"errors"
	"fmt"

	"github.com/clientele/clientele/ent/migrations"
	"github.com/clientele/clientele/internal/fault"
)

type migrateCommand struct {
	Database databaseFlags `embed:""`
	Log      logFlags      `embed:""`
}

// Run migrates the configured database as its owner, or makes the private one.
func (c *migrateCommand) Run(p *program) error {
	tel, err := c.Log.start(p)
	if err != nil {
		return err
	}
	defer shutdownTelemetry(tel)
	if c.Database.DatabaseURL != "" || c.Database.OwnerURL != "" {
		if c.Database.OwnerURL == "" {
			return &trouble{
				message: fault.Text{ZH: "未设置 CLIENTELE_OWNER_URL", EN: "CLIENTELE_OWNER_URL is not set"},
				remedy:  fault.Text{ZH: "迁移以所有者角色 clientele_owner 运行；见 docs/operators.md", EN: "migrations run as the role clientele_owner; see docs/operators.md"},
			}
		}
		if err = migrations.Up(p.ctx, c.Database.OwnerURL, tel.Log); errors.Is(err, migrations.ErrPooled) {
			err = &trouble{
				message: fault.Text{ZH: "CLIENTELE_OWNER_URL 经过事务模式的连接池（如 PgBouncer），会话锁在其后不成立，未做任何迁移", EN: "CLIENTELE_OWNER_URL leads through a pooler in transaction mode (PgBouncer): session locks do not hold behind it, nothing was migrated"},
				remedy:  fault.Text{ZH: "请把 CLIENTELE_OWNER_URL 设为 PostgreSQL 服务器本身的地址与端口；其余三个地址可经过连接池", EN: "let CLIENTELE_OWNER_URL name the PostgreSQL server itself; the other three URLs may lead through the pooler"}, cause: err,
			}
		}
	} else {
		var sv *server
		if sv, err = c.Database.openServer(p.ctx, tel.Log); err == nil {
			sv.stop(tel.Log)
		}
	}
	if err != nil {
		return err
	}
	version, err := migrations.Latest()
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "数据库结构版本 · schema version %d\n", version)
	return nil
}
