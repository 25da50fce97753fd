package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/approval"
	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/authn"
	"github.com/clientele/clientele/internal/clock"
	"github.com/clientele/clientele/internal/contract"
	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/internal/custody"
	"github.com/clientele/clientele/internal/demo"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/file"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/organisation"
	"github.com/clientele/clientele/internal/product"
	"github.com/clientele/clientele/policy"
)

// demoSeed makes the demo's rows; the same number makes the same rows.
const demoSeed = 20260101

type demoCommand struct {
	Database    databaseFlags `embed:""`
	Listen      listenFlags   `embed:""`
	Files       fileFlags     `embed:""`
	Log         logFlags      `embed:""`
	Fresh       bool          `help:"丢弃已有的演示数据，重新生成 · Throw the demo data away and make it anew."`
	Size        string        `enum:"small,large" default:"small" help:"small：2,300 个客户；large：200,000 个客户 · small: 2,300 clients; large: 200,000."`
	Clients     int           `hidden:"" help:"各租户经服务建立的客户数 · Clients that are made through services in each tenant."`
	Diagnostics bool          `help:"提供诊断字段（仅用于测试客户端） · Add diagnostic fields, for tests of clients."`
}

// demoFile is what DIR/demo.json holds: where to ask and as whom. Only its owner may read it.
type demoFile struct {
	GraphQL   string        `json:"graphql"`
	WebSocket string        `json:"websocket"`
	Size      string        `json:"size"`
	Tenants   []demo.Tenant `json:"tenants"`
}

// Run makes the data once and serves it; a later start finds it there.
func (c *demoCommand) Run(p *program) error {
	c.Database.settings = map[string]string{"synchronous_commit": "off"} // made-up data may be lost when the machine fails
	path := filepath.Join(c.Database.Data, "demo.json")
	made, err := readDemo(path)
	if err != nil {
		return err
	}
	if c.Fresh || made == nil {
		made = nil
		c.Database.recreate = true
	}
	c.Files.noScan()
	return serveOn(p, &c.Database, &c.Listen, &c.Files, &c.Log, serving{
		role: roleAll, diagnostics: c.Diagnostics,
		before: func(ctx context.Context, sv *server, s *product.Services, files *product.Files, log *slog.Logger) error {
			if made != nil {
				return nil
			}
			if there, err := s.DB.Tenants(ctx, "active"); err != nil || len(there) > 0 {
				return errors.Join(err, &trouble{
					message: fault.Text{ZH: "数据库中已有租户，演示数据只写入空数据库", EN: "the database has tenants; demo data goes into an empty one only"},
					remedy:  fault.Text{ZH: "请改用空数据库，或不设 CLIENTELE_DATABASE_URL", EN: "name an empty database, or leave CLIENTELE_DATABASE_URL unset"},
				})
			}
			if made, err = c.make(ctx, p, sv, files, log); err != nil {
				return err
			}
			return writeDemo(path, made)
		},
		listening: func(address string) error {
			made.GraphQL, made.WebSocket = "http://"+address+"/graphql", "ws://"+address+"/graphql"
			if err := writeDemo(path, made); err != nil {
				return err
			}
			announce(p.stdout, address, path, made)
			return nil
		},
	})
}

func (c *demoCommand) make(ctx context.Context, p *program, sv *server, files *product.Files, log *slog.Logger) (*demoFile, error) {
	begin := time.Now()
	fmt.Fprintln(p.stdout, "正在生成演示数据（均为虚构）… · Making demo data (all of it fictional) …")
	mass := 0
	if c.Size == "large" {
		mass = 198_000 // with the 2,000 that services make: 200,000
	}
	tenants, err := demo.Make(ctx, opener(sv, files, log), demo.Options{
		Seed: demoSeed, Until: begin.Truncate(time.Hour), Mass: mass, Progress: bar(p.stderr), Clients: [2]int{c.Clients, c.Clients},
	})
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(p.stdout, "完成，用时 %s · done in %s\n", time.Since(begin).Round(100*time.Millisecond), time.Since(begin).Round(100*time.Millisecond))
	return &demoFile{Size: c.Size, Tenants: tenants}, nil
}

// opener opens services on a clock of their own, one set for each tenant in the making. Without files originals are on paper only.
func opener(sv *server, files *product.Files, log *slog.Logger) demo.Opener {
	return func(clk *clock.Clock, ids *id.Source) (*demo.Services, func(), error) {
		db, err := sv.open(context.Background(), clk, log, nil)
		if err != nil {
			return nil, nil, err
		}
		rights, err := access.New(db, 2)
		if err != nil {
			db.Close()
			return nil, nil, err
		}
		run, hasher := act.NewRunner(db, rights, ids, log), credential.NewHasher(runtime.GOMAXPROCS(0))
		signIn, err := authn.New(authn.Config{DB: db, Hasher: hasher, IDs: ids, Now: clk.Now, Log: log, Limits: authn.DefaultLimits()})
		if err != nil {
			db.Close()
			return nil, nil, err
		}
		out := &demo.Services{
			DB: db, IDs: ids, SignIn: signIn, Identity: identity.New(run, db, hasher, rand.Reader),
			Organisation: organisation.New(run), Archive: archive.New(run), Contract: contract.New(run), Custody: custody.New(run, db, rights, approval.Fixed{}),
		}
		closing := func() { signIn.Close(); db.Close() }
		if files != nil {
			if out.File, err = file.New(file.Config{
				DB: db, Run: run, IDs: ids, Store: files.Store, Log: log, Key: files.Key, NoScan: true, Workshop: files.Workshop, Font: files.Font, Temp: files.Temp, Now: clk.Now,
			}); err != nil {
				closing()
				return nil, nil, err
			}
			out.Custody = out.Custody.WithFiles(custody.Files{Ticket: product.Ticket(out.File)})
			closing = func() { out.File.Close(); signIn.Close(); db.Close() }
		}
		return out, closing, nil
	}
}

// bar shows progress: a bar on a terminal, a line for every tenth elsewhere.
func bar(w io.Writer) func(done, total int) {
	if !terminal(w) {
		tenths := 0
		return func(done, total int) {
			if n := done * 10 / max(total, 1); n > tenths {
				tenths = n
				fmt.Fprintf(w, "  %d / %d 客户 · clients\n", done, total)
			}
		}
	}
	var b *progressbar.ProgressBar
	return func(done, total int) {
		if b == nil {
			b = progressbar.NewOptions(total, progressbar.OptionSetWriter(w), progressbar.OptionShowCount(), progressbar.OptionSetDescription("客户 · clients"),
				progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionShowIts())
		}
		_ = b.Set(done) // a terminal that went away
	}
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// readDemo is what an earlier start made; nil for nothing.
func readDemo(path string) (*demoFile, error) {
	body, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, folderTrouble(filepath.Dir(path), err)
	}
	var f demoFile
	if err := json.Unmarshal(body, &f); err != nil || len(f.Tenants) == 0 {
		return nil, &trouble{
			message: fault.Text{ZH: path + " 无法识别", EN: path + " cannot be understood"},
			remedy:  fault.Text{ZH: "请删除该文件并用 --fresh 重新生成", EN: "remove the file and make the data anew with --fresh"}, cause: err,
		}
	}
	return &f, nil
}

// writeDemo replaces the file whole: SECURITY: it holds credentials, so nobody else may read it at any moment.
func writeDemo(path string, f *demoFile) error {
	body, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", append(body, '\n'), 0o600); err != nil {
		return folderTrouble(filepath.Dir(path), err)
	}
	return os.Rename(path+".new", path)
}

func announce(w io.Writer, address, path string, f *demoFile) {
	fmt.Fprintf(w, "\n控制台 · console   http://%s/\nGraphQL            %s\n令牌 · tokens       %s\n", address, f.GraphQL, path)
	for _, t := range f.Tenants {
		fmt.Fprintf(w, "\n%s  %s\n", t.Slug, t.Name)
		for _, a := range t.Actors {
			var roles []string
			for _, key := range a.Roles {
				if label, ok := policy.RoleLabel(key); ok {
					roles = append(roles, label.ZH+" "+key)
				} else {
					roles = append(roles, key)
				}
			}
			fmt.Fprintf(w, "  %-16s %s  %s\n", a.Login, a.Name, strings.Join(roles, ", "))
		}
	}
	fmt.Fprintln(w, "\n按 Ctrl+C 停止 · Ctrl+C stops it")
}
