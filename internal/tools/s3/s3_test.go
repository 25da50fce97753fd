package s3

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clientele/clientele/internal/blob"
	"github.com/clientele/clientele/internal/blob/blobtest"
)

// gateway is a running versitygw on a folder, with the bucket "files".
type gateway struct {
	url, root, folder string
	ended             chan struct{}
	stop              func()
}

const accessKey, secretKey = "clientele-test", "secret-of-the-test"

func start(t *testing.T) *gateway {
	t.Helper()
	program := filepath.Join(t.TempDir(), "versitygw")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "github.com/versity/versitygw/cmd/versitygw")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	g := &gateway{url: "http://" + address, root: filepath.Join(t.TempDir(), "buckets"), ended: make(chan struct{})}
	g.folder = filepath.Join(g.root, "files")
	if err := os.MkdirAll(g.folder, 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	g.stop = stop
	cmd := exec.CommandContext(ctx, program, "--port", address, "posix", "--sidecar", filepath.Join(t.TempDir(), "meta"), g.root)
	if err := os.MkdirAll(cmd.Args[len(cmd.Args)-2], 0o700); err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+accessKey, "ROOT_SECRET_KEY="+secretKey)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait() // it is killed at the end
		close(g.ended)
	}()
	t.Cleanup(func() { stop(); <-g.ended })
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		resp, err := http.Get(g.url + "/")
		if err == nil {
			_ = resp.Body.Close()
			return g
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

func (g *gateway) open(t *testing.T, change func(*blob.S3Config)) *blob.S3 {
	t.Helper()
	c := blob.S3Config{Endpoint: g.url, Bucket: "files", AccessKey: accessKey, SecretKey: secretKey}
	if change != nil {
		change(&c)
	}
	s, err := blob.OpenS3(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// files are the objects and whatever else lies in the bucket's folder.
func (g *gateway) files(t *testing.T) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(g.folder, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, strings.TrimPrefix(p, g.folder+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestS3ConformsOnARealServer(t *testing.T) {
	g := start(t)
	t.Run("bucket", func(t *testing.T) { blobtest.Conformance(t, g.open(t, nil), g.files) })
	t.Run("prefix", func(t *testing.T) {
		s := g.open(t, func(c *blob.S3Config) { c.Prefix = "clientele/" })
		blobtest.Conformance(t, s, g.files)
		if err := s.Put(t.Context(), "a/b", strings.NewReader("x"), 1); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(g.folder, "clientele", "a", "b")); err != nil {
			t.Error(err)
		}
	})
	t.Run("wrong key", func(t *testing.T) {
		s := g.open(t, func(c *blob.S3Config) { c.SecretKey = "wrong" })
		if err := s.Check(t.Context()); err == nil || errors.Is(err, blob.ErrAbsent) {
			t.Errorf("%v", err)
		}
	})
	t.Run("no bucket", func(t *testing.T) {
		s := g.open(t, func(c *blob.S3Config) { c.Bucket = "others" })
		if err := s.Check(t.Context()); err == nil {
			t.Error("it can be written to")
		}
		if _, err := s.Open(t.Context(), "a/b", 0, -1); err == nil || errors.Is(err, blob.ErrAbsent) {
			t.Errorf("a bucket that is not there: %v", err)
		}
	})
	t.Run("no server", func(t *testing.T) {
		g.stop()
		<-g.ended
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if _, err := g.open(t, nil).Stat(ctx, "a/b"); err == nil || errors.Is(err, blob.ErrAbsent) {
			t.Errorf("%v", err)
		}
	})
}
