package testkit

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/clientele/clientele/ent/migrations"
)

const roomy = 2 << 30 // bytes that a memory disk must have free to be used

// baseFolder is this account's folder of seeds and copies: on the memory disk where there is one with room, since
// clones are made three times as fast there.
func baseFolder() (string, error) {
	parent := os.TempDir()
	var disk syscall.Statfs_t
	if err := syscall.Statfs("/dev/shm", &disk); err == nil && disk.Bavail*uint64(disk.Bsize) >= roomy {
		parent = "/dev/shm"
	}
	return privateFolder(filepath.Join(parent, "clientele-testkit-"+strconv.Itoa(os.Geteuid())))
}

// privateFolder makes a folder that only this account can enter, in a parent where anybody can make one.
func privateFolder(dir string) (string, error) {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	// SECURITY: another account could have made it first, to have us run its programs.
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || int(st.Uid) != os.Geteuid() || info.Mode().Perm() != 0o700 {
		return "", fmt.Errorf("%s is not a folder of this account alone (mode 0700): remove it", dir)
	}
	return dir, nil
}

// sourceKey names what the template is made from: the migrations, and the code that applies them. The code is read
// from the module's folder, which a test starts below.
func sourceKey() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return keyOf(filepath.Join(dir, "ent", "migrations"))
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("the test does not run below the module's folder")
		}
		dir = filepath.Dir(dir)
	}
}

func keyOf(dir string) (string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return "", err
	}
	if len(files) == 0 {
		return "", fmt.Errorf("%s holds no code", dir)
	}
	h := sha256.New()
	fmt.Fprintln(h, migrations.Hash())
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d\n%s", filepath.Base(name), len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil))[:20], nil
}
