package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/clientele/clientele/internal/telemetry"
)

// commands is the whole command line: commands, flags, and for each flag the environment variable that sets it.
type commands struct {
	Serve   serveCommand   `cmd:"" help:"提供 GraphQL API 与登录服务 · Serve the GraphQL API and sign-in."`
	Demo    demoCommand    `cmd:"" help:"以两个虚构租户的演示数据提供服务 · Serve made-up data of two fictional tenants."`
	Migrate migrateCommand `cmd:"" help:"把数据库结构升级到本程序的版本 · Bring the database's schema to this program's version."`
	Tenant  tenantCommands `cmd:"" help:"租户管理（服务器运维人员使用） · Tenants, for the operator of the server."`
	Audit   auditCommands  `cmd:"" help:"审计记录的核验、导出与证明 · Verify, export and prove the audit trail."`
	Policy  policyCommands `cmd:"" help:"以文件管理租户的策略（租户管理员使用） · A tenant's policy as files, for its administrator."`
	Version versionCommand `cmd:"" help:"显示版本 · Print the version."`
	// The program puts marks on files in processes of its own, of which it is the program.
	Workshop workshopCommand `cmd:"" hidden:""`
}

// databaseFlags say which PostgreSQL. Without any, a private one is run from the installed binaries.
type databaseFlags struct {
	DatabaseURL string `name:"database-url" setting:"CLIENTELE_DATABASE_URL" placeholder:"URL" help:"应用角色 clientele_app 的连接地址；不设则运行私有 PostgreSQL · URL of the role clientele_app; without it a private PostgreSQL is run."`
	AuthnURL    string `name:"authn-url" setting:"CLIENTELE_AUTHN_URL" placeholder:"URL" help:"登录角色 clientele_authn 的连接地址 · URL of the role clientele_authn."`
	SystemURL   string `name:"system-url" setting:"CLIENTELE_SYSTEM_URL" placeholder:"URL" help:"系统角色 clientele_system 的连接地址 · URL of the role clientele_system."`
	OwnerURL    string `name:"owner-url" setting:"CLIENTELE_OWNER_URL" placeholder:"URL" help:"所有者角色 clientele_owner 的连接地址，仅 migrate 使用 · URL of the role clientele_owner; migrate alone uses it."`
	Data        string `name:"data" setting:"CLIENTELE_DATA" default:".data" placeholder:"DIR" help:"私有 PostgreSQL 与程序文件的目录 · Folder of the private PostgreSQL and the program's files."`
	MaxConns    int32  `name:"max-conns" setting:"CLIENTELE_MAX_CONNS" default:"16" help:"应用连接池的最大连接数 · Connections of the application's pool."`
	Pooler      bool   `name:"pooler" setting:"CLIENTELE_POOLER" help:"前置了事务模式的连接池（PgBouncer） · A pooler in transaction mode stands before the server."`

	settings map[string]string // of the private PostgreSQL
	recreate bool              // the private database is made anew
}

// logFlags say how the program talks.
type logFlags struct {
	LogFormat string  `name:"log-format" setting:"CLIENTELE_LOG_FORMAT" enum:"text,json" default:"text" help:"日志格式：text 或 json · Log format: text or json."`
	LogLevel  string  `name:"log-level" setting:"CLIENTELE_LOG_LEVEL" enum:"debug,info,warn,error" default:"info" help:"最低日志级别 · Least level that is logged."`
	OTLP      string  `name:"otlp" setting:"CLIENTELE_OTLP_URL" placeholder:"URL" help:"OTLP/HTTP 采集器地址；不设则不追踪 · Collector for traces and metrics over OTLP/HTTP; without it nothing is traced."`
	Ratio     float64 `name:"trace-ratio" setting:"CLIENTELE_TRACE_RATIO" default:"0.1" help:"被追踪请求的比例，0 至 1 · Share of requests that is traced, 0 to 1."`
}

// listenFlags say where the program listens.
type listenFlags struct {
	Listen    string        `name:"listen" setting:"CLIENTELE_LISTEN" default:"127.0.0.1:8080" help:"API 监听地址 · Address of the API."`
	Telemetry string        `name:"telemetry-listen" setting:"CLIENTELE_TELEMETRY_LISTEN" default:"127.0.0.1:9090" help:"指标与健康检查的监听地址；off 为关闭 · Address of metrics and health; off for none."`
	Origins   []string      `name:"origin" setting:"CLIENTELE_ORIGINS" placeholder:"ORIGIN" help:"允许的浏览器来源，可多个 · Browser origins that may call; several."`
	Proxies   []string      `name:"trusted-proxy" setting:"CLIENTELE_TRUSTED_PROXIES" placeholder:"CIDR" help:"可信反向代理的网段，可多个 · Networks of trusted reverse proxies; several."`
	CursorKey string        `name:"cursor-key" setting:"CLIENTELE_CURSOR_KEY" placeholder:"HEX" help:"分页游标的密钥，至少 16 字节，各进程相同；不设则存于数据目录 · Key of page cursors, 16 bytes or more in hex, the same in all processes; without it one is kept in the data folder."`
	AuditKey  string        `name:"audit-key" setting:"CLIENTELE_AUDIT_KEY" placeholder:"KEY" help:"审计检查点的签名私钥，各进程相同，由 audit new-key 生成；不设则存于数据目录 · Private key that signs audit checkpoints, the same in all processes, made by audit new-key; without it one is kept in the data folder."`
	Drain     time.Duration `name:"drain" setting:"CLIENTELE_DRAIN" default:"0s" help:"收到停止信号后、关闭监听前的等待时间 · Time between the stop signal and closing the listener."`
	Shadow    uint32        `name:"shadow-every" setting:"CLIENTELE_SHADOW_EVERY" default:"1000" help:"每多少次权限判定由 casbin 复核一次；0 为不抽查 · One of how many decisions casbin judges, too; 0 for none."`
	Public    bool          `name:"production" setting:"CLIENTELE_PRODUCTION" help:"关闭自省与控制台页面 · No introspection, no console page."`
}

// fileFlags say where uploaded files are kept, and who looks into them before they are served.
type fileFlags struct {
	Dir       string `name:"files-dir" setting:"CLIENTELE_FILES_DIR" placeholder:"DIR" help:"上传文件的目录，各进程共享；缺省为数据目录下的 files · Folder of uploaded files, shared by all processes; files in the data folder by default."`
	MaxSize   int64  `name:"files-max-size" setting:"CLIENTELE_FILES_MAX_SIZE" default:"52428800" placeholder:"BYTES" help:"单个文件的最大字节数 · Bytes of the largest file that is taken."`
	Endpoint  string `name:"files-s3-endpoint" setting:"CLIENTELE_FILES_S3_ENDPOINT" placeholder:"URL" help:"改用 S3 兼容存储的地址 · An S3-compatible store instead of a folder: its URL."`
	Bucket    string `name:"files-s3-bucket" setting:"CLIENTELE_FILES_S3_BUCKET" placeholder:"NAME" help:"已存在的存储桶 · Its bucket, which exists."`
	Region    string `name:"files-s3-region" setting:"CLIENTELE_FILES_S3_REGION" default:"us-east-1" help:"区域 · Its region."`
	Prefix    string `name:"files-s3-prefix" setting:"CLIENTELE_FILES_S3_PREFIX" placeholder:"TEXT" help:"对象名前缀 · Before the name of every object."`
	AccessKey string `name:"files-s3-access-key" setting:"CLIENTELE_FILES_S3_ACCESS_KEY" placeholder:"KEY" help:"访问密钥 · Access key."`
	SecretKey string `name:"files-s3-secret-key" setting:"CLIENTELE_FILES_S3_SECRET_KEY" placeholder:"KEY" help:"访问密钥的密文，宜用环境变量 · Secret key; better given by its variable."`
	Clamd     string `name:"clamd" setting:"CLIENTELE_CLAMD" placeholder:"ADDRESS" help:"clamd 的 unix 套接字或 主机:端口，用于扫描上传的文件 · Unix socket or host:port of the clamd that scans what is uploaded."`
	Command   string `name:"scan-command" setting:"CLIENTELE_SCAN_COMMAND" placeholder:"COMMAND" help:"从标准输入读取文件的扫描命令：退出码 0 为干净，1 为感染 · A command that scans a file on its standard input: ends with 0 for clean, 1 for infected."`
	Scan      string `name:"scan" setting:"CLIENTELE_SCAN" enum:"required,none" default:"required" help:"required：未经扫描的文件一律隔离；none：不扫描 · required: what was not scanned stays in quarantine; none: nothing is scanned."`
	Font      string `name:"watermark-font" setting:"CLIENTELE_WATERMARK_FONT" placeholder:"FILE" help:"水印所用的中文 TrueType 字体；缺省自动查找 · TrueType font with Chinese characters for watermarks; looked for by default."`
	Temp      string `name:"files-temp" setting:"CLIENTELE_FILES_TEMP" placeholder:"DIR" help:"加注水印时的临时目录，缺省为系统临时目录 · Folder of copies in the making; the system's by default."`
}

type versionCommand struct{}

func (versionCommand) Run(p *program) error {
	fmt.Fprintln(p.stdout, telemetry.ReadBuild())
	return nil
}

// program is what every command gets: its surroundings, none of them global.
type program struct {
	ctx            context.Context
	stdout, stderr io.Writer
	env            map[string]string
}

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // the message on stderr says why and what to do
	exitUsage  = 2 // the command line is wrong
)

// exited carries the code with which the parser wants to end (after --help).
type exited int

// Main runs the program with these arguments and environment and gives its exit code. It returns when ctx ends and what
// was under way has been finished.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer, environ []string) (code int) {
	defer func() {
		if v := recover(); v != nil {
			c, ok := v.(exited)
			if !ok {
				panic(v)
			}
			code = int(c)
		}
	}()
	var cli commands
	parser, err := kong.New(&cli,
		kong.Name("clientele"),
		kong.Description("大客户部门的多租户 GraphQL 后端 · A multi-tenant GraphQL backend for key-account departments."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(c int) { panic(exited(c)) }),
		kong.Resolvers(settings(environ)),
		kong.ValueFormatter(withSetting),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 120}),
		kong.Bind(&program{ctx: ctx, stdout: stdout, stderr: stderr, env: variables(environ)}),
	)
	if err != nil {
		tell(stderr, err)
		return exitFailed
	}
	command, err := parser.Parse(args)
	if err != nil {
		tell(stderr, usageError{err})
		return exitUsage
	}
	if err := command.Run(); err != nil {
		if errors.Is(err, context.Canceled) && ctx.Err() != nil {
			return exitOK
		}
		if errors.As(err, &differs{}) {
			return exitDiffers
		}
		tell(stderr, err)
		if errors.As(err, &usageError{}) {
			return exitUsage
		}
		return exitFailed
	}
	return exitOK
}

func variables(environ []string) map[string]string {
	env := make(map[string]string, len(environ))
	for _, e := range environ {
		if name, value, ok := strings.Cut(e, "="); ok {
			env[name] = value
		}
	}
	return env
}

// settings resolves flags from the environment that Main was given.
func settings(environ []string) kong.Resolver {
	env := variables(environ)
	return kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		name := flag.Tag.Get("setting")
		if value, ok := env[name]; ok && name != "" && value != "" {
			return value, nil
		}
		return nil, nil
	})
}

// withSetting names the environment variable behind the help of a flag.
func withSetting(v *kong.Value) string {
	if name := v.Tag.Get("setting"); name != "" {
		return v.Help + " [$" + name + "]"
	}
	return v.Help
}
