package pglocal_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/clientele/clientele/internal/pglocal"
)

// fakeServer makes a folder of binaries that say what they are told to.
func fakeServer(t *testing.T, version, initdb string) string {
	t.Helper()
	dir := folderOf(t, os.Getuid())
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, script := range map[string]string{
		"postgres": "echo 'postgres (PostgreSQL) " + version + "'",
		"initdb":   initdb,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestWithoutPostgreSQLTheErrorSaysHowToInstallIt(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	_, err := pglocal.Start(t.Context(), pglocal.Options{Dir: dir, BinDir: t.TempDir()})
	own := wantCode(t, err, pglocal.CodeNoBinaries)
	for _, text := range []string{own.RemedyZH, own.RemedyEN} {
		if !strings.Contains(text, "apt-get install postgresql") {
			t.Errorf("%q does not say how to install it", text)
		}
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("a folder was made for nothing (%v)", err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "thesis.txt"), []byte("."), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(foreign, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	writeFor(t, file, "")
	for name, c := range map[string]struct {
		opt  pglocal.Options
		want pglocal.Code
	}{
		"no folder named":     {pglocal.Options{}, pglocal.CodeFolderMissing},
		"a file":              {pglocal.Options{Dir: file}, pglocal.CodeFolder},
		"other files":         {pglocal.Options{Dir: foreign}, pglocal.CodeForeignFolder},
		"old server":          {pglocal.Options{Dir: t.TempDir(), BinDir: fakeServer(t, "9.6.24", "")}, pglocal.CodeTooOld},
		"a door":              {pglocal.Options{Dir: t.TempDir(), Settings: map[string]string{"Listen_Addresses": "*"}}, pglocal.CodeSetting},
		"no setting's name":   {pglocal.Options{Dir: t.TempDir(), Settings: map[string]string{"a=b c": "x"}}, pglocal.CodeSetting},
		"unknown setting":     {pglocal.Options{Dir: t.TempDir(), Settings: map[string]string{"no_such_setting": "x"}}, pglocal.CodeNotStarted},
		"initdb: disk full":   {pglocal.Options{Dir: t.TempDir(), BinDir: fakeServer(t, "15.1", "echo 'initdb: error: could not write: No space left on device'; exit 1")}, pglocal.CodeDiskFull},
		"initdb: no account":  {pglocal.Options{Dir: t.TempDir(), BinDir: fakeServer(t, "15.1", "echo 'initdb: error: could not look up effective user ID 7: user does not exist'; exit 1")}, pglocal.CodeAccount},
		"initdb: no locale":   {pglocal.Options{Dir: t.TempDir(), BinDir: fakeServer(t, "15.1", `echo 'initdb: error: invalid locale name "C.UTF-8"'; exit 1`)}, pglocal.CodeLocale},
		"initdb: what else":   {pglocal.Options{Dir: t.TempDir(), BinDir: fakeServer(t, "15.1", "echo 'initdb: error: it rains'; exit 1")}, pglocal.CodeNotStarted},
		"server ends at once": {pglocal.Options{Dir: t.TempDir(), BinDir: fakeServer(t, "15.1", "exit 0")}, pglocal.CodeNotStarted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := pglocal.Start(t.Context(), c.opt)
			if err == nil {
				_ = s.Stop()
			}
			wantCode(t, err, c.want)
		})
	}
	t.Cleanup(func() {
		if info, err := os.Stat(foreign); err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("the foreign folder was changed: %v %v", info.Mode(), err)
		}
	})
}

// writeFor writes a file as the server's account would have, below a folder of ours.
func writeFor(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestDataOfAnotherVersionOrOwner(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := start(t, pglocal.Options{Dir: dir}).Stop(); err != nil {
		t.Fatal(err)
	}
	version := filepath.Join(dir, "data", "PG_VERSION")
	writeFor(t, version, "99\n")
	_, err := pglocal.Start(t.Context(), pglocal.Options{Dir: dir})
	own := wantCode(t, err, pglocal.CodeVersion)
	if !strings.Contains(own.RemedyEN, "postgresql-99") {
		t.Error(own.RemedyEN)
	}
	writeFor(t, version, "nonsense\n")
	_, err = pglocal.Start(t.Context(), pglocal.Options{Dir: dir})
	wantCode(t, err, pglocal.CodeFolder)
	writeFor(t, version, "15\n")
	if os.Getuid() != 0 {
		return // only root can give files away
	}
	_, nobody := as(t, "nobody")
	if err := os.Chown(filepath.Join(dir, "data"), nobody, -1); err != nil {
		t.Fatal(err)
	}
	_, err = pglocal.Start(t.Context(), pglocal.Options{Dir: dir})
	wantCode(t, err, pglocal.CodeOwner)
	_, err = pglocal.Start(t.Context(), pglocal.Options{Dir: folderOf(t, nobody)})
	wantCode(t, err, pglocal.CodeOwner)
}

func TestAClusterThatCannotTellChineseIsRefused(t *testing.T) {
	t.Parallel()
	// Made by initdb in the place where Start makes its own, but in the locale C.
	dir := t.TempDir()
	s := start(t, pglocal.Options{Dir: dir})
	binaries := filepath.Dir(readlink(t, s.PID()))
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	if err := os.RemoveAll(data); err != nil {
		t.Fatal(err)
	}
	attr, uid := ordinary(t)
	if os.Getuid() == 0 {
		attr, uid = as(t, "postgres")
	}
	made := folderOf(t, uid)
	initdb := exec.Command(filepath.Join(binaries, "initdb"), "-D", made, "-U", "postgres", "-E", "UTF8", "--locale=C", "--auth=trust", "--no-sync")
	initdb.SysProcAttr, initdb.Dir = attr, "/"
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Rename(made, data); err != nil {
		t.Fatal(err)
	}
	_, err := pglocal.Start(t.Context(), pglocal.Options{Dir: dir})
	wantCode(t, err, pglocal.CodeLocale)
	if _, err := os.Stat(filepath.Join(data, "postmaster.pid")); !os.IsNotExist(err) {
		t.Errorf("the refused server still runs (%v)", err)
	}
}

func readlink(t *testing.T, pid int) string {
	t.Helper()
	exe, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe")
	if err != nil {
		t.Fatal(err)
	}
	return exe
}

func TestAFolderThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	attr, uid := ordinary(t)
	dir := folderOf(t, uid)
	parent := folderOf(t, uid)
	for _, d := range []string{dir, parent} {
		if err := os.Chmod(d, 0o500); err != nil {
			t.Fatal(err)
		}
	}
	// In a folder of one's own that happens to be closed, Start opens it; below one, it can do nothing.
	line := startProgram(t, orders{Dir: filepath.Join(parent, "data")}, attr).next(t)
	if line.Code != pglocal.CodeDenied || !strings.Contains(line.Error, "--data") {
		t.Errorf("%+v", line)
	}
	p := startProgram(t, orders{Dir: dir}, attr)
	p.ready(t)
	p.quit(t)
}

// On real disks that are full or read-only. To mount them takes root; for others TestRefusals has the words.
func TestADiskThatIsFullOrReadOnly(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		return
	}
	for name, c := range map[string]struct {
		mount string
		after uintptr
		want  pglocal.Code
	}{
		"full for initdb":   {mount: "size=8m,mode=0700", want: pglocal.CodeDiskFull},
		"full for anything": {mount: "nr_inodes=2,mode=0700", want: pglocal.CodeDiskFull},
		"read-only":         {mount: "mode=0700", after: syscall.MS_RDONLY, want: pglocal.CodeReadOnly},
		"large enough":      {mount: "size=200m,mode=0700"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startProgram(t, orders{Dir: t.TempDir(), Mount: c.mount, After: c.after}, &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS})
			line := p.next(t)
			if line.Code != c.want {
				t.Errorf("%+v, want %q", line, c.want)
			}
			if c.want == "" {
				p.quit(t)
			}
		})
	}
}
