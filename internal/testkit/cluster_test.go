package testkit

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/ent/migrations"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func asError[T error](err error, target *T) bool { return errors.As(err, target) }

// The test binary runs itself as a test binary of another package, with a schema of its own in a given base folder.
const baseName = "TESTKIT_TEST_BASE"

func TestMain(m *testing.M) {
	if base := os.Getenv(baseName); base != "" {
		c, err := open(context.Background(), stubIn(base))
		if err != nil {
			panic(err)
		}
		os.Stdout.WriteString(c.folder + " " + strconv.Itoa(c.server.PID()) + "\n")
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0) // as a test binary ends: without a word to the server
	}
	os.Exit(m.Run())
}

// stubIn is a schema of one table, whose making is counted in the file "made".
func stubIn(base string) kit {
	return kit{base: base, key: "stub", bootstrap: migrations.Bootstrap, up: func(ctx context.Context, dsn string, _ *slog.Logger) error {
		f, err := os.OpenFile(filepath.Join(base, "made"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer f.Close()
		if _, err := f.WriteString("x"); err != nil {
			return err
		}
		conn, err := pgx.Connect(ctx, dsn)
		if err != nil {
			return err
		}
		defer conn.Close(ctx)
		_, err = conn.Exec(ctx, `CREATE TABLE stub (n int)`)
		return err
	}}
}

func stub(t *testing.T, change ...func(*kit)) kit {
	t.Helper()
	base, err := os.MkdirTemp("", "testkit-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		await(t, "the base folder is removed", func() bool { return os.RemoveAll(base) == nil })
	})
	k := stubIn(base)
	for _, f := range change {
		f(&k)
	}
	return k
}

func timesMade(t *testing.T, k kit) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(k.base, "made"))
	if err != nil {
		t.Fatal(err)
	}
	return len(text)
}

func entries(t *testing.T, k kit, prefix string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(k.base, prefix+"*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

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

func gone(path string) func() bool {
	return func() bool { _, err := os.Stat(path); return os.IsNotExist(err) }
}

// binary is another test binary.
type binary struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	folder string
	pid    string // of its server
}

func startBinary(t *testing.T, k kit) *binary {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), baseName+"="+k.base)
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
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Error(err)
		return nil
	}
	folder, pid, _ := strings.Cut(strings.TrimSpace(line), " ")
	return &binary{cmd: cmd, stdin: stdin, folder: folder, pid: pid}
}

func TestBinariesShareOneSeedAndNothingElse(t *testing.T) {
	t.Parallel()
	k := stub(t)
	var wg sync.WaitGroup
	var started [3]*binary
	for i := range started {
		wg.Go(func() { started[i] = startBinary(t, k) })
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	if got := timesMade(t, k); got != 1 {
		t.Errorf("the schema was made %d times", got)
	}
	if got := entries(t, k, seedPrefix); len(got) != 1 {
		t.Errorf("seeds %v", got)
	}
	if got := entries(t, k, copyPrefix); len(got) != 3 {
		t.Errorf("copies %v", got)
	}
	// One ends as a test binary does, one is killed; the third goes on.
	started[0].stdin.Close()
	if err := started[1].cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, b := range started[:2] {
		_ = b.cmd.Wait()
		await(t, "the server of a binary that is gone ends", gone("/proc/"+b.pid))
		await(t, "the copy of a binary that is gone is removed", gone(b.folder))
	}
	if gone(started[2].folder)() || gone("/proc/"+started[2].pid)() {
		t.Error("a living binary lost its server")
	}
}

func TestASeedOfOtherMigrationsIsNotUsed(t *testing.T) {
	t.Parallel()
	k := stub(t)
	other := k
	other.key = "other"
	for _, want := range []struct {
		kit   kit
		times int
	}{{k, 1}, {other, 2}, {k, 2}} {
		c, err := open(t.Context(), want.kit)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.stop(); err != nil {
			t.Error(err)
		}
		if got := timesMade(t, k); got != want.times {
			t.Errorf("key %s: made %d times, want %d", want.kit.key, got, want.times)
		}
	}
}

func TestWhatIsLeftBehindIsSwept(t *testing.T) {
	t.Parallel()
	k := stub(t)
	old := filepath.Join(k.base, seedPrefix+"old")
	recent := filepath.Join(k.base, seedPrefix+"recent")
	dead := []string{filepath.Join(k.base, copyPrefix+"1"), filepath.Join(k.base, making+"1"), old}
	for _, dir := range append(dead, recent) {
		if err := os.MkdirAll(filepath.Join(dir, "data"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	long := time.Now().Add(-2 * keepSeeds)
	if err := os.Chtimes(old, long, long); err != nil {
		t.Fatal(err)
	}
	living := startBinary(t, k)
	for _, dir := range dead {
		if !gone(dir)() {
			t.Errorf("%s is still there", dir)
		}
	}
	if gone(recent)() || gone(living.folder)() {
		t.Error("swept away what is in use")
	}
	c, err := open(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	if gone(living.folder)() {
		t.Error("the second one swept away what the first uses")
	}
	if err := c.stop(); err != nil {
		t.Error(err)
	}
}

func TestABrokenSeedIsMadeAgain(t *testing.T) {
	t.Parallel()
	k := stub(t)
	c, err := open(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(k.base, seedPrefix+k.key, "data", "PG_VERSION"), []byte("99\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err = open(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	if err := c.stop(); err != nil {
		t.Error(err)
	}
	if got := timesMade(t, k); got != 2 {
		t.Errorf("made %d times, want 2", got)
	}
}

func TestAFailedMigrationLeavesNoSeed(t *testing.T) {
	t.Parallel()
	broken := errors.New("the migration is broken")
	k := stub(t, func(k *kit) { k.up = func(context.Context, string, *slog.Logger) error { return broken } })
	if _, err := open(t.Context(), k); !errors.Is(err, broken) {
		t.Fatalf("error %v", err)
	}
	if got := append(entries(t, k, seedPrefix), append(entries(t, k, copyPrefix), entries(t, k, making)...)...); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
}

func TestTheBaseFolderIsOursAlone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "base")
	for range 2 {
		if got, err := privateFolder(dir); err != nil || got != dir {
			t.Fatalf("%q, %v", got, err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := privateFolder(dir); err == nil {
		t.Error("a folder that others can enter was taken")
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	if _, err := privateFolder(link); err == nil {
		t.Error("a link was taken")
	}
}

func TestTheKeyFollowsTheCode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "x.go")
	var keys []string
	for _, text := range []string{"package x", "package y"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		key, err := keyOf(dir)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	if keys[0] == keys[1] {
		t.Error("two texts have one key")
	}
	if _, err := keyOf(t.TempDir()); err == nil {
		t.Error("no code has a key")
	}
}
