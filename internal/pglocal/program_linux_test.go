package pglocal_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/pglocal"
)

// The test binary runs itself as the program that has a PostgreSQL of its own, to be killed, or run by another
// account, or in a mount namespace. It is told what to do by orders in its environment.
const ordersName = "PGLOCAL_TEST_ORDERS"

type orders struct {
	Dir    string // to start a cluster in
	BinDir string
	Work   bool   // insert rows for ever, and tell each committed one
	Dial   string // instead of all that: only connect to this socket
	Mount  string // before that: mount a memory disk with these options over Dir
	After  uintptr
}

// told is a line of the program's standard output.
type told struct {
	DSN   string
	PID   int // of the server
	UID   int // of the program
	Row   int
	Code  pglocal.Code
	Error string
}

func TestMain(m *testing.M) {
	if text := os.Getenv(ordersName); text != "" {
		var o orders
		if err := json.Unmarshal([]byte(text), &o); err != nil {
			panic(err)
		}
		runProgram(o)
		return
	}
	os.Exit(m.Run())
}

func runProgram(o orders) {
	out := json.NewEncoder(os.Stdout)
	tell := func(line told) {
		if err := out.Encode(line); err != nil {
			os.Exit(1)
		}
	}
	ctx := context.Background()
	if o.Dial != "" {
		conn, err := net.Dial("unix", o.Dial)
		if err != nil {
			tell(told{UID: os.Getuid(), Error: err.Error()})
			return
		}
		conn.Close()
		tell(told{UID: os.Getuid()})
		return
	}
	if o.Mount != "" {
		if err := mountMemory(o.Dir, o.Mount, o.After); err != nil {
			tell(told{Error: err.Error()})
			return
		}
	}
	s, err := pglocal.Start(ctx, pglocal.Options{Dir: o.Dir, BinDir: o.BinDir})
	if err != nil {
		var own *pglocal.Error
		errors.As(err, &own)
		tell(told{Code: own.Code, Error: err.Error()})
		return
	}
	tell(told{DSN: s.DSN("postgres", "postgres"), PID: s.PID(), UID: os.Getuid()})
	if o.Work {
		work(ctx, s, tell)
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test closes it, or kills
	if err := s.Stop(); err != nil {
		tell(told{Error: err.Error()})
	}
}

func work(ctx context.Context, s *pglocal.Server, tell func(told)) {
	conn, err := pgx.Connect(ctx, s.DSN("postgres", "postgres"))
	if err == nil {
		_, err = conn.Exec(ctx, "CREATE TABLE IF NOT EXISTS done (n int PRIMARY KEY)")
	}
	for n := 1; err == nil; n++ {
		if _, err = conn.Exec(ctx, "INSERT INTO done VALUES ($1)", n); err == nil {
			tell(told{Row: n})
		}
	}
	tell(told{Error: err.Error()})
}

// program is a running copy of the test binary.
type program struct {
	cmd   *exec.Cmd
	stdin io.Closer
	lines *bufio.Scanner
	dsn   string // of ready
}

func startProgram(t *testing.T, o orders, attr *syscall.SysProcAttr) *program {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	// By its link in /proc, since the folder of the test binary may be closed to another account.
	cmd := exec.Command("/proc/self/exe")
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), ordersName+"="+string(text))
	cmd.SysProcAttr = attr
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &program{cmd: cmd, stdin: stdin, lines: bufio.NewScanner(stdout)}
	t.Cleanup(p.kill)
	return p
}

// next is the next thing that the program tells.
func (p *program) next(t *testing.T) told {
	t.Helper()
	if !p.lines.Scan() {
		t.Fatalf("the program told nothing more: %v", p.lines.Err())
	}
	var line told
	if err := json.Unmarshal(p.lines.Bytes(), &line); err != nil {
		t.Fatalf("%s: %v", p.lines.Bytes(), err)
	}
	return line
}

// ready is the first line, which must tell of a running server.
func (p *program) ready(t *testing.T) told {
	t.Helper()
	line := p.next(t)
	if line.DSN == "" {
		t.Fatalf("the program did not start a server: %+v", line)
	}
	p.dsn = line.DSN
	return line
}

func (p *program) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// quit ends the program in the ordinary way and checks that it had no complaint.
func (p *program) quit(t *testing.T) {
	t.Helper()
	p.stdin.Close()
	for p.lines.Scan() {
		t.Errorf("at its end the program told: %s", p.lines.Text())
	}
	if err := p.cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// ordinary is how to run a program as an ordinary user: as we are, or when we are root as "nobody".
func ordinary(t *testing.T) (attr *syscall.SysProcAttr, uid int) {
	t.Helper()
	if os.Getuid() != 0 {
		return nil, os.Getuid()
	}
	return as(t, "nobody")
}

func as(t *testing.T, name string) (*syscall.SysProcAttr, int) {
	t.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, uid
}

// folderOf makes an empty folder that belongs to a user and that he can reach.
func folderOf(t *testing.T, uid int) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pglocal-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chown(dir, uid, -1); err != nil {
		t.Fatal(err)
	}
	return dir
}

func start(t *testing.T, opt pglocal.Options) *pglocal.Server {
	t.Helper()
	s, err := pglocal.Start(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop() })
	return s
}

// ask runs a query that gives one text.
func ask(t *testing.T, dsn, query string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var text string
	if err := conn.QueryRow(t.Context(), query).Scan(&text); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return text
}

// await polls until a condition holds, for a minute at most.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

// alive says whether a process exists and is no zombie.
func alive(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(status), ") ")
	return !strings.HasPrefix(rest, "Z")
}

func wantCode(t *testing.T, err error, want pglocal.Code) *pglocal.Error {
	t.Helper()
	var own *pglocal.Error
	if !errors.As(err, &own) || own.Code != want || !errors.Is(err, want) {
		t.Fatalf("error %v, want code %s", err, want)
	}
	for _, text := range []string{own.ZH, own.EN, own.RemedyZH, own.RemedyEN} {
		if text == "" || strings.Contains(text, "%!") || strings.Contains(text, "\n") {
			t.Errorf("%s: wording %q", want, text)
		}
	}
	return own
}
