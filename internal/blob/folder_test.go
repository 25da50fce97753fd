package blob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/clientele/clientele/internal/blob"
	"github.com/clientele/clientele/internal/blob/blobtest"
)

func folder(t *testing.T) (*blob.Folder, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "blobs")
	f, err := blob.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f, dir
}

// files are all files below the folder, those of writers too.
func files(t testing.TB, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, strings.TrimPrefix(p, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

func TestFolderConforms(t *testing.T) {
	t.Parallel()
	f, dir := folder(t)
	blobtest.Conformance(t, f, func(t *testing.T) []string { return files(t, dir) })
}

func TestOnlyTheOwnerReadsTheFolder(t *testing.T) {
	t.Parallel()
	f, dir := folder(t)
	if err := f.Put(t.Context(), "a/b", strings.NewReader("x"), 1); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]fs.FileMode{"": fs.ModeDir | 0o700, ".incoming": fs.ModeDir | 0o700, "a": fs.ModeDir | 0o700, "a/b": 0o600} {
		if info, err := os.Stat(filepath.Join(dir, path)); err != nil || info.Mode() != want {
			t.Errorf("%q: %v %v, want %v", path, info.Mode(), err, want)
		}
	}
}

// A link that somebody laid into the folder leads out of it for nobody.
func TestNoLinkLeadsOutOfTheFolder(t *testing.T) {
	t.Parallel()
	f, dir := folder(t)
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "tenant")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Open(t.Context(), "tenant/secret", 0, -1); err == nil {
		t.Error("read through a link")
	}
	if _, err := f.Stat(t.Context(), "tenant/secret"); err == nil {
		t.Error("stat through a link")
	}
	if err := f.Put(t.Context(), "tenant/new", strings.NewReader("x"), 1); err == nil {
		t.Error("written through a link")
	}
	if err := f.Delete(t.Context(), "tenant/secret"); err == nil {
		t.Error("removed through a link")
	}
	if got := files(t, outside); !slices.Equal(got, []string{"secret"}) {
		t.Errorf("outside there is %q", got)
	}
}

func TestWhatBrokenWritersLeftIsClearedAway(t *testing.T) {
	t.Parallel()
	_, dir := folder(t)
	old, young := filepath.Join(dir, ".incoming", "old"), filepath.Join(dir, ".incoming", "young")
	for _, p := range []string{old, young} {
		if err := os.WriteFile(p, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	long := time.Now().Add(-25 * time.Hour)
	if err := os.Chtimes(old, long, long); err != nil {
		t.Fatal(err)
	}
	again, err := blob.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if got := files(t, dir); !slices.Equal(got, []string{".incoming/young"}) {
		t.Errorf("left: %q", got)
	}
}

// limitedFolder names the folder in which the program, run as its own child, finds no more room than a megabyte.
const limitedFolder = "BLOB_TEST_LIMITED_FOLDER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(limitedFolder); dir != "" {
		os.Exit(fill(dir))
	}
	os.Exit(m.Run())
}

// fill puts more than the limit lets it, and then something small.
func fill(dir string) int {
	signal.Ignore(syscall.SIGXFSZ) // the write then fails with EFBIG instead
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 20, Max: 1 << 20}); err != nil {
		fmt.Println(err)
		return 1
	}
	f, err := blob.OpenFolder(dir)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	ctx := context.Background()
	if err := f.Put(ctx, "a/large", bytes.NewReader(make([]byte, 2<<20)), 2<<20); !errors.Is(err, blob.ErrFull) {
		fmt.Println("large:", err)
		return 1
	}
	if err := f.Put(ctx, "a/small", strings.NewReader("x"), 1); err != nil {
		fmt.Println("small:", err)
		return 1
	}
	return 0
}

func TestFullDiskIsSaidAndLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "blobs")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), self)
	child.Env = append(os.Environ(), limitedFolder+"="+dir)
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got := files(t, dir); !slices.Equal(got, []string{"a/small"}) {
		t.Errorf("the folder has %q", got)
	}
}
