package tenancy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/clientele/clientele/ent/migrations"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/walls"
)

// StartupError is why the program refuses to serve on this database, and what the operator does about it.
type StartupError struct {
	Code    string // UPPER_SNAKE
	Message fault.Text
	Remedy  fault.Text
	cause   error
}

func (e *StartupError) Error() string {
	return fmt.Sprintf("%s: %s. %s (%s。%s)", e.Code, e.Message.EN, e.Remedy.EN, e.Message.ZH, e.Remedy.ZH)
}

// Unwrap is what the server said.
func (e *StartupError) Unwrap() error { return e.cause }

const minServerVersion = 150000

func startupError(what string, err error) error {
	var pg *pgconn.PgError
	detail := err.Error()
	if errors.As(err, &pg) {
		detail = pg.Message
	}
	return &StartupError{
		Code:    "DATABASE_UNREACHABLE",
		Message: fault.Text{ZH: fmt.Sprintf("无法以 %s 角色连接数据库: %s", what, detail), EN: fmt.Sprintf("cannot connect to the database as the %s role: %s", what, detail)},
		Remedy:  fault.Text{ZH: "检查连接地址、角色与口令；角色由 deploy/ 的脚本建立", EN: "Check the URL, the role and its password; deploy/ has the script that makes the roles"},
		cause:   err,
	}
}

// check refuses to serve where a wall is missing.
func (db *DB) check(ctx context.Context) error {
	var version int
	var encoding, ctype string
	var classifies bool
	err := db.app.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_setting('server_encoding'),
		(SELECT datctype FROM pg_database WHERE datname = current_database()), '客' ~ '\w'`).Scan(&version, &encoding, &ctype, &classifies)
	if err != nil {
		return startupError("application", err)
	}
	if version < minServerVersion {
		return &StartupError{
			Code:    "SERVER_TOO_OLD",
			Message: fault.Text{ZH: fmt.Sprintf("PostgreSQL 版本 %d 过旧", version/10000), EN: fmt.Sprintf("PostgreSQL %d is too old", version/10000)},
			Remedy:  fault.Text{ZH: "请使用 15 或更新的版本", EN: "Use 15 or newer"},
		}
	}
	if encoding != "UTF8" || !classifies {
		return &StartupError{
			Code:    "LOCALE_WITHOUT_CHINESE",
			Message: fault.Text{ZH: fmt.Sprintf("数据库编码 %s、字符分类 %s 不能识别汉字", encoding, ctype), EN: fmt.Sprintf("encoding %s with character classes %s does not know Chinese", encoding, ctype)},
			Remedy:  fault.Text{ZH: "请以 UTF8 编码和 C.UTF-8(或 ICU)区域重建数据库", EN: "Create the database again with encoding UTF8 and locale C.UTF-8 (or ICU)"},
		}
	}
	for _, p := range []struct {
		pool *pgxpool.Pool
		what string
	}{{db.app, "application"}, {db.authn, "sign-in"}, {db.system, "system"}} {
		if err := checkRole(ctx, p.pool, p.what); err != nil {
			return err
		}
	}
	return db.checkSchema(ctx)
}

// roleFacts asks about the role that statements run as and the one that signed in: RESET ROLE leads from one to the other.
// Membership counts whether or not it is inherited: SET ROLE needs no more. The last group is of PostgreSQL's own roles
// that read and write the server's files or run its programs, which is as good as a superuser.
const roleFacts = `
	WITH me AS (SELECT * FROM pg_roles WHERE rolname IN (current_user, session_user)),
	owners AS (
		SELECT refobjid AS oid FROM pg_shdepend WHERE deptype = 'o' AND dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
		UNION SELECT datdba FROM pg_database WHERE datname = current_database())
	SELECT current_user, bool_or(rolsuper), bool_or(rolbypassrls OR rolcreaterole OR rolreplication), bool_or(oid IN (SELECT oid FROM owners)),
		bool_or(EXISTS (SELECT FROM pg_roles o WHERE o.oid <> me.oid AND pg_has_role(me.oid, o.oid, 'MEMBER')
			AND (o.rolsuper OR o.rolbypassrls OR o.rolcreaterole OR o.rolreplication OR o.oid IN (SELECT oid FROM owners)
				OR o.rolname IN ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program'))))
	FROM me`

// checkRole: SECURITY: a role that owns anything, is a superuser, can bypass row-level security or can become such a role has no wall.
func checkRole(ctx context.Context, pool *pgxpool.Pool, what string) error {
	var name string
	var super, bypass, owns, becomes bool
	err := pool.QueryRow(ctx, roleFacts).Scan(&name, &super, &bypass, &owns, &becomes)
	if err != nil {
		return startupError(what, err)
	}
	if !super && !bypass && !owns && !becomes {
		return nil
	}
	var why fault.Text
	switch {
	case super:
		why = fault.Text{ZH: "是超级用户", EN: "is a superuser"}
	case bypass:
		why = fault.Text{ZH: "可绕过行级安全(BYPASSRLS、CREATEROLE 或 REPLICATION)", EN: "can bypass row-level security (BYPASSRLS, CREATEROLE or REPLICATION)"}
	case owns:
		why = fault.Text{ZH: "拥有数据库对象", EN: "owns objects of the database"}
	default:
		why = fault.Text{ZH: "可切换为这样的角色", EN: "can become a role that is a superuser, bypasses row-level security or owns objects"}
	}
	return &StartupError{
		Code:    "ROLE_WITHOUT_WALLS",
		Message: fault.Text{ZH: fmt.Sprintf("数据库角色 %s (%s) %s，租户隔离对其无效", name, what, why.ZH), EN: fmt.Sprintf("the %s role %s %s: tenants would not be isolated", what, name, why.EN)},
		Remedy:  fault.Text{ZH: "请改用 deploy/ 脚本建立的 clientele_app、clientele_authn、clientele_system 角色", EN: "Connect as clientele_app, clientele_authn and clientele_system, made by the script in deploy/"},
	}
}

func (db *DB) checkSchema(ctx context.Context) error {
	want, err := migrations.Latest()
	if err != nil {
		return err
	}
	var have int64
	err = db.app.QueryRow(ctx, `SELECT COALESCE(max(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&have)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == "42P01" || pg.Code == "42501") || errors.Is(err, pgx.ErrNoRows) {
		have, err = 0, nil
	}
	if err != nil {
		return startupError("application", err)
	}
	if have < want {
		return &StartupError{
			Code:    "SCHEMA_TOO_OLD",
			Message: fault.Text{ZH: fmt.Sprintf("数据库结构版本 %d，程序需要 %d", have, want), EN: fmt.Sprintf("the schema is at version %d, this program needs %d", have, want)},
			Remedy:  fault.Text{ZH: "请以 CLIENTELE_OWNER_URL 运行 clientele migrate", EN: "Run clientele migrate with CLIENTELE_OWNER_URL"},
		}
	}
	if have > want {
		// Another process of the next release has migrated; what that release added is not in this one's lists.
		// Readiness asks every few seconds, so each version is told of once.
		if db.newer.Swap(have) != have {
			db.log.WarnContext(ctx, "the schema is newer than this program", slog.Int64("schema", have), slog.Int64("program", want))
		}
		return nil
	}
	// SECURITY: a policy dropped or a function added by hand since the migrations is found before anybody is served.
	open, err := walls.Doors(ctx, db.app)
	if err != nil {
		return startupError("application", err)
	}
	if len(open) > 0 {
		list := make([]string, len(open))
		for i, v := range open {
			list[i] = v.String()
		}
		what := strings.Join(list, "; ")
		return &StartupError{
			Code:    "WALLS_OPEN",
			Message: fault.Text{ZH: "数据库的租户隔离已被改动: " + what, EN: "the tenant isolation of the database was changed: " + what},
			Remedy:  fault.Text{ZH: "请撤销上述改动，或从备份恢复", EN: "Undo what is named, or restore a backup"},
		}
	}
	return nil
}
