package pglocal

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const minMajor = 15 // CREATE DATABASE … STRATEGY, security_invoker views

// binaries is one installed server.
type binaries struct {
	dir     string
	version string // "15.18"
	major   int
}

// findBinaries gives the installed servers that are new enough, newest first.
func findBinaries(dir string) ([]binaries, error) {
	dirs := []string{dir}
	if dir == "" {
		dirs = binaryFolders()
	}
	var found []binaries
	var tooOld string
	for _, d := range dirs {
		b, ok := inspect(d)
		switch {
		case !ok:
		case b.major < minMajor:
			tooOld = b.version + " (" + d + ")"
		case !slices.Contains(found, b):
			found = append(found, b)
		}
	}
	if len(found) == 0 && tooOld != "" {
		return nil, fail(CodeTooOld, nil, tooOld, minMajor)
	}
	if len(found) == 0 {
		return nil, fail(CodeNoBinaries, nil)
	}
	slices.SortStableFunc(found, func(a, b binaries) int { return cmp.Compare(b.major, a.major) })
	return found, nil
}

func binaryFolders() []string {
	var dirs []string
	if p, err := exec.LookPath("postgres"); err == nil {
		if p, err = filepath.EvalSymlinks(p); err == nil {
			dirs = append(dirs, filepath.Dir(p))
		}
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/lib/postgresql*/bin", "/usr/libexec/postgresql*", "/usr/lib64/pgsql/bin",
		"/usr/pgsql-*/bin", "/usr/bin", "/usr/local/bin", "/usr/local/pgsql/bin",
		"/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin",
		"/Applications/Postgres.app/Contents/Versions/*/bin",
	} {
		matches, _ := filepath.Glob(pattern) // its only error is a bad pattern
		dirs = append(dirs, matches...)
	}
	return dirs
}

func inspect(dir string) (binaries, bool) {
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return binaries{}, false
	}
	out, err := exec.Command(filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return binaries{}, false
	}
	words := strings.Fields(string(out)) // postgres (PostgreSQL) 15.18 (Debian …)
	if len(words) < 3 {
		return binaries{}, false
	}
	digits, _, _ := strings.Cut(words[2], ".")
	major, err := strconv.Atoi(strings.TrimRight(digits, "abcdefghijklmnopqrstuvwxyz")[:min(2, len(digits))])
	return binaries{dir: dir, version: words[2], major: major}, err == nil
}

// pick takes the server that made the data, or the newest where there is no data yet (major 0).
func pick(found []binaries, major int) (binaries, error) {
	for _, b := range found {
		if major == 0 || b.major == major {
			return b, nil
		}
	}
	return binaries{}, fail(CodeVersion, nil, major)
}
