package pglocal_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/pglocal"
)

func TestAKilledProgramsServerEndsWithIt(t *testing.T) {
	t.Parallel()
	p := startProgram(t, orders{Dir: t.TempDir()}, nil)
	server := p.ready(t)
	if group, err := syscall.Getpgid(server.PID); err != nil || group != server.PID {
		t.Errorf("process group %d (%v), want its own, %d", group, err, server.PID)
	}
	if !alive(server.PID) {
		t.Fatal("the server is not alive before the kill")
	}
	p.kill()
	await(t, "the server ends", func() bool { return !alive(server.PID) })
}

func TestAProgramThatEndsInOrderStopsItsServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := startProgram(t, orders{Dir: dir}, nil)
	server := p.ready(t)
	p.quit(t)
	if alive(server.PID) {
		t.Error("the server outlived the program")
	}
	for _, gone := range []string{"run", "data/postmaster.pid"} {
		if _, err := os.Stat(filepath.Join(dir, gone)); !os.IsNotExist(err) {
			t.Errorf("%s is left behind (%v)", gone, err)
		}
	}
}

func TestNothingCommittedIsLostByKills(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	acknowledged := 0
	for round := range 3 {
		p := startProgram(t, orders{Dir: dir, Work: round == 0}, nil)
		server := p.ready(t)
		if round == 0 {
			for acknowledged < 200 {
				acknowledged = p.next(t).Row
			}
		} else if got := ask(t, server.DSN, "SELECT (count(*) >= "+strconv.Itoa(acknowledged)+" AND count(*) = max(n))::text FROM done"); got != "true" {
			t.Fatalf("round %d: not all of the first %d rows are there, or not without a gap", round, acknowledged)
		}
		if round == 1 { // the server too, so that it cannot end in order
			if err := syscall.Kill(server.PID, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
		p.kill() // and the next round starts at once
	}
}

// A server with a session that does not end cannot end either when its program is killed: the next start meets it alive.
func TestTakesOverFromAServerThatStillRuns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := startProgram(t, orders{Dir: dir}, nil)
	old := p.ready(t)
	conn, err := pgx.Connect(t.Context(), old.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	session := int(conn.PgConn().PID())
	if err := syscall.Kill(session, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Kill(session, syscall.SIGCONT) }() // were it not to be taken over
	p.kill()
	if !alive(old.PID) {
		t.Fatal("the old server is gone already")
	}
	log := &firstLine{contains: "killed", then: func() { _ = syscall.Kill(session, syscall.SIGCONT) }}
	s := start(t, pglocal.Options{Dir: dir, Log: slog.New(slog.NewTextHandler(log, nil))})
	if alive(old.PID) || alive(session) {
		t.Error("two servers run on one folder")
	}
	if got := ask(t, s.DSN("postgres", "postgres"), "SELECT 'ok'"); got != "ok" {
		t.Error(got)
	}
}

// firstLine calls then at the first line of a log that contains a word.
type firstLine struct {
	contains string
	then     func()
	once     sync.Once
}

func (f *firstLine) Write(line []byte) (int, error) {
	if strings.Contains(string(line), f.contains) {
		f.once.Do(f.then)
	}
	return len(line), nil
}

func TestTakesOverAStaleProcessIDFile(t *testing.T) {
	t.Parallel()
	// A process of the server's own account, which has the old server's number by now.
	other := exec.Command("sleep", "600")
	other.Dir = "/"
	if os.Getuid() == 0 {
		other.SysProcAttr, _ = as(t, "postgres")
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Process.Kill(); _ = other.Wait() })
	for name, content := range map[string]string{
		"number of another process": fmt.Sprintf("%d\n/somewhere\n1700000000\n5432\n/tmp\n\n  5432001         1\nready   \n", other.Process.Pid),
		"empty":                     "",
		"cut off":                   "12",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := start(t, pglocal.Options{Dir: dir}).Stop(); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, "data", "postmaster.pid")
			if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			data, err := os.Stat(filepath.Join(dir, "data"))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Chown(file, int(data.Sys().(*syscall.Stat_t).Uid), -1); err != nil {
				t.Fatal(err)
			}
			start(t, pglocal.Options{Dir: dir})
			if !alive(other.Process.Pid) {
				t.Error("the other process was ended")
			}
		})
	}
}

func TestTheSecondProgramIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, pglocal.Options{Dir: dir})
	_, err := pglocal.Start(t.Context(), pglocal.Options{Dir: dir})
	own := wantCode(t, err, pglocal.CodeInUse)
	if !strings.Contains(own.EN, strconv.Itoa(os.Getpid())) {
		t.Errorf("%q does not name the process", own.EN)
	}
	if line := startProgram(t, orders{Dir: dir}, nil).next(t); line.Code != pglocal.CodeInUse {
		t.Errorf("another program: %+v", line)
	}
	if got := ask(t, s.DSN("postgres", "postgres"), "SELECT 'undisturbed'"); got != "undisturbed" {
		t.Error(got)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	start(t, pglocal.Options{Dir: dir}) // free again
}

func TestAnInterruptedInitIsBegunAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := startProgram(t, orders{Dir: dir}, nil)
	making := filepath.Join(dir, "data.new", "global")
	await(t, "a cluster in the making", func() bool { _, err := os.Stat(making); return err == nil })
	p.kill()
	if _, err := os.Stat(filepath.Join(dir, "data")); !os.IsNotExist(err) {
		t.Fatalf("the cluster was made already (%v)", err)
	}
	s := start(t, pglocal.Options{Dir: dir})
	if got := ask(t, s.DSN("postgres", "postgres"), "SELECT 'ok'"); got != "ok" {
		t.Error(got)
	}
	if _, err := os.Stat(filepath.Join(dir, "data.new")); !os.IsNotExist(err) {
		t.Errorf("the half-made cluster is left behind (%v)", err)
	}
}

func TestACancelledStartLeavesNothingRunning(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := pglocal.Start(ctx, pglocal.Options{Dir: dir})
		ended <- err
	}()
	await(t, "a cluster in the making", func() bool { _, err := os.Stat(filepath.Join(dir, "data.new", "global")); return err == nil })
	cancel()
	wantCode(t, <-ended, pglocal.CodeNotStarted)
	start(t, pglocal.Options{Dir: dir})
}

func TestAServerThatEndsByItselfIsNoticed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, pglocal.Options{Dir: dir})
	select {
	case <-s.Exited():
		t.Fatal("it has ended already")
	default:
	}
	if err := syscall.Kill(s.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-s.Exited()
	wantCode(t, s.Stop(), pglocal.CodeEnded)
	wantCode(t, s.Stop(), pglocal.CodeEnded) // the same answer again
	start(t, pglocal.Options{Dir: dir})
}
