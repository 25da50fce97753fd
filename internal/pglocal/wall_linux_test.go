package pglocal_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/clientele/clientele/internal/pglocal"
)

func socketOf(t *testing.T, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(u.Query().Get("host"), ".s.PGSQL."+u.Query().Get("port"))
}

func uidOf(t *testing.T, pid int) int {
	t.Helper()
	info, err := os.Stat(fmt.Sprintf("/proc/%d", pid))
	if err != nil {
		t.Fatal(err)
	}
	return int(info.Sys().(*syscall.Stat_t).Uid)
}

// listening lists the inodes of the sockets that the kernel listens on for TCP.
func listening(t *testing.T, pid int) []string {
	t.Helper()
	var inodes []string
	for _, table := range []string{"tcp", "tcp6"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(text), "\n")[1:] {
			if f := strings.Fields(line); len(f) > 9 && f[3] == "0A" {
				inodes = append(inodes, "socket:["+f[9]+"]")
			}
		}
	}
	return inodes
}

func TestItListensOnItsSocketAndOnNothingElse(t *testing.T) {
	t.Parallel()
	s := start(t, pglocal.Options{Dir: t.TempDir()})
	open := listening(t, s.PID())
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.PID()))
	if err != nil {
		t.Fatal(err)
	}
	sockets := 0
	for _, fd := range fds {
		target, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", s.PID(), fd.Name()))
		if strings.HasPrefix(target, "socket:") {
			sockets++
		}
		if slices.Contains(open, target) {
			t.Errorf("the server listens on TCP (%s)", target)
		}
	}
	if sockets == 0 {
		t.Error("no socket seen at all: this test sees nothing")
	}
	if got := ask(t, s.DSN("postgres", "postgres"), "SHOW listen_addresses"); got != "" {
		t.Errorf("listen_addresses %q", got)
	}
}

func TestALaterSettingCannotOpenADoor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, pglocal.Options{Dir: dir})
	file := filepath.Join(dir, "data", "postgresql.auto.conf")
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("listen_addresses = '127.0.0.1'\nport = 54999\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = start(t, pglocal.Options{Dir: dir})
	if got := ask(t, s.DSN("postgres", "postgres"), "SELECT current_setting('listen_addresses') || current_setting('port')"); got != "5432" {
		t.Errorf("listen_addresses and port %q", got)
	}
}

func TestNobodyElseReachesTheSocket(t *testing.T) {
	t.Parallel()
	s := start(t, pglocal.Options{Dir: t.TempDir()})
	socket := socketOf(t, s.DSN("postgres", "postgres"))
	if line := startProgram(t, orders{Dial: socket}, nil).next(t); line.Error != "" {
		t.Fatalf("a program of our own account is refused: %+v", line)
	}
	folder, err := os.Stat(filepath.Dir(filepath.Dir(socket)))
	if err != nil {
		t.Fatal(err)
	}
	if st := folder.Sys().(*syscall.Stat_t); folder.Mode().Perm() != 0o700 || int(st.Uid) != os.Getuid() {
		t.Errorf("the folder around it has mode %v and belongs to %d", folder.Mode(), st.Uid)
	}
	if os.Getuid() != 0 {
		return // an ordinary user cannot take on another account to try
	}
	// Not even another program of the account that the server runs as.
	for _, name := range []string{"nobody", "postgres"} {
		attr, uid := as(t, name)
		line := startProgram(t, orders{Dial: socket}, attr).next(t)
		if line.UID != uid || !strings.Contains(line.Error, "permission denied") {
			t.Errorf("%s: %+v", name, line)
		}
	}
}

func TestAnyFolderWillDo(t *testing.T) {
	t.Parallel()
	long := filepath.Join(t.TempDir(), strings.Repeat("long-", 40), strings.Repeat("客户", 40), strings.Repeat("deep/", 60))
	for name, dir := range map[string]string{
		"path of 800 bytes below closed folders": filepath.Join(long, "data"),
		"quotes and spaces":                      filepath.Join(t.TempDir(), `it's a "folder" 客户 %41?&`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
				t.Fatal(err)
			}
			p := startProgram(t, orders{Dir: dir}, nil)
			first := socketOf(t, p.ready(t).DSN)
			if got := ask(t, p.dsn, "SELECT 'ok'"); got != "ok" {
				t.Error(got)
			}
			if len(first) > 103 {
				t.Errorf("the socket's path has %d bytes", len(first))
			}
			p.kill()
			s := start(t, pglocal.Options{Dir: dir})
			second := socketOf(t, s.DSN("postgres", "postgres"))
			if _, err := os.Stat(filepath.Dir(filepath.Dir(first))); filepath.Dir(first) != filepath.Dir(second) && !os.IsNotExist(err) {
				t.Errorf("the socket's folder of the killed program is left behind (%v)", err)
			}
			if err := s.Stop(); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(filepath.Dir(second)); !os.IsNotExist(err) {
				t.Errorf("the socket's folder is left behind (%v)", err)
			}
		})
	}
}

func TestAnOrdinaryUserRunsIt(t *testing.T) {
	t.Parallel()
	attr, uid := ordinary(t)
	dir := folderOf(t, uid)
	p := startProgram(t, orders{Dir: dir}, attr)
	server := p.ready(t)
	if server.UID != uid || uidOf(t, server.PID) != uid {
		t.Errorf("program %d and server %d, want %d", server.UID, uidOf(t, server.PID), uid)
	}
	if got := ask(t, server.DSN, "SELECT 'ok'"); got != "ok" {
		t.Error(got)
	}
	p.kill()
	again := startProgram(t, orders{Dir: dir}, attr)
	again.ready(t)
	again.quit(t)
}

func TestRootDoesNotRunTheServer(t *testing.T) {
	t.Parallel()
	s := start(t, pglocal.Options{Dir: t.TempDir()})
	want := os.Getuid()
	if want == 0 {
		_, want = as(t, "postgres")
	}
	if got := uidOf(t, s.PID()); got != want {
		t.Errorf("the server runs as %d, want %d", got, want)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.PID()))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(status), "\n") {
		name, value, _ := strings.Cut(line, ":\t")
		switch name {
		case "CapEff", "CapPrm", "CapInh", "CapAmb":
			if n, err := strconv.ParseUint(value, 16, 64); err != nil || n != 0 {
				t.Errorf("%s is %s, want none", name, value)
			}
		case "Groups":
			if os.Getuid() == 0 && strings.TrimSpace(value) != "" {
				t.Errorf("the server keeps root's groups: %s", value)
			}
		}
	}
}

func TestChineseIsText(t *testing.T) {
	t.Parallel()
	s := start(t, pglocal.Options{Dir: t.TempDir(), Settings: map[string]string{"work_mem": "7MB"}})
	dsn := s.DSN("postgres", "postgres")
	ask(t, dsn, "SELECT set_config('a.b', 'c', false)")
	if got := ask(t, dsn, `SELECT string_agg(m[1], '|') FROM regexp_matches('客户，经理', '\w+', 'g') m`); got != "客户|经理" {
		t.Errorf("words %q", got)
	}
	if got := ask(t, dsn, "SHOW work_mem"); got != "7MB" {
		t.Errorf("work_mem %q", got)
	}
	if got := ask(t, dsn, "SHOW fsync"); got != "on" {
		t.Errorf("fsync %q", got)
	}
}
