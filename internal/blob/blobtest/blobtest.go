// Package blobtest owns the one test that every store of package blob passes. It does not own the stores.
package blobtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/clientele/clientele/internal/blob"
)

// Conformance holds an empty store to what blob.Store says. contents lists the keys that the store has, looked up behind
// its back.
func Conformance(t *testing.T, s blob.Store, contents func(t *testing.T) []string) {
	t.Helper()
	ctx := t.Context()
	suite := &suite{s, contents}
	for _, c := range []struct {
		name string
		run  func(context.Context, *testing.T)
	}{
		{"what is put is read", suite.reads},
		{"parts", suite.parts},
		{"never overwritten", suite.once},
		{"one of many wins", suite.race},
		{"whole or not at all", suite.whole},
		{"cancelled", suite.cancelled},
		{"keys", suite.keys},
		{"absent", suite.absent},
		{"check", suite.check},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(ctx, t) })
	}
}

type suite struct {
	blob.Store
	contents func(t *testing.T) []string
}

// fresh is a key that no other test uses.
func fresh() string {
	return "tenant-" + strings.ToLower(rand.Text()[:8]) + "/" + strings.ToLower(rand.Text())
}

// noise is the same bytes for the same size.
func noise(size int) []byte {
	b := make([]byte, size)
	_, _ = mathrand.NewChaCha8([32]byte{byte(size)}).Read(b)
	return b
}

func (s *suite) put(t *testing.T, size int) (string, []byte) {
	t.Helper()
	key, body := fresh(), noise(size)
	if err := s.Put(t.Context(), key, bytes.NewReader(body), int64(size)); err != nil {
		t.Fatalf("%d bytes: %v", size, err)
	}
	return key, body
}

func (s *suite) get(t *testing.T, key string, offset, length int64) []byte {
	t.Helper()
	in, err := s.Open(t.Context(), key, offset, length)
	if err != nil {
		t.Fatalf("%d+%d: %v", offset, length, err)
	}
	defer in.Close()
	b, err := io.ReadAll(in)
	if err != nil {
		t.Fatalf("%d+%d: %v", offset, length, err)
	}
	return b
}

func (s *suite) reads(_ context.Context, t *testing.T) {
	for _, size := range []int{0, 1, 4096, 1<<20 + 1, 20 << 20} {
		key, body := s.put(t, size)
		if n, err := s.Stat(t.Context(), key); err != nil || n != int64(size) {
			t.Errorf("Stat of %d bytes: %d %v", size, n, err)
		}
		if !bytes.Equal(s.get(t, key, 0, -1), body) {
			t.Errorf("%d bytes came back as others", size)
		}
		if err := s.Delete(t.Context(), key); err != nil {
			t.Error(err)
		}
		if _, err := s.Open(t.Context(), key, 0, -1); !errors.Is(err, blob.ErrAbsent) {
			t.Errorf("a deleted blob: %v", err)
		}
	}
}

func (s *suite) parts(_ context.Context, t *testing.T) {
	key, body := s.put(t, 1000)
	for _, c := range []struct{ offset, length, from, to int64 }{
		{0, 1, 0, 1},
		{0, 1000, 0, 1000},
		{999, 1, 999, 1000},
		{500, -1, 500, 1000},
		{500, 9999, 500, 1000},
		{0, 0, 0, 0},
		{1000, -1, 0, 0},
		{1000, 1, 0, 0},
		{5000, 10, 0, 0},
		{999, 0, 0, 0},
	} {
		if got := s.get(t, key, c.offset, c.length); !bytes.Equal(got, body[c.from:c.to]) {
			t.Errorf("offset %d, length %d: %d bytes", c.offset, c.length, len(got))
		}
	}
}

func (s *suite) once(ctx context.Context, t *testing.T) {
	key, body := s.put(t, 100)
	if err := s.Put(ctx, key, strings.NewReader("other"), 5); !errors.Is(err, blob.ErrExists) {
		t.Errorf("a second Put: %v", err)
	}
	if !bytes.Equal(s.get(t, key, 0, -1), body) {
		t.Error("the second Put changed the blob")
	}
}

func (s *suite) race(ctx context.Context, t *testing.T) {
	key := fresh()
	var won atomic.Int32
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			body := bytes.Repeat([]byte{byte('0' + i)}, 10_000)
			switch err := s.Put(ctx, key, bytes.NewReader(body), 10_000); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, blob.ErrExists):
				t.Errorf("writer %d: %v", i, err)
			}
		})
	}
	all.Wait()
	got := s.get(t, key, 0, -1)
	if won.Load() != 1 || len(got) != 10_000 || !bytes.Equal(got, bytes.Repeat(got[:1], 10_000)) {
		t.Errorf("%d writers won, and there are %d bytes of them", won.Load(), len(got))
	}
}

var errSender = errors.New("the sender broke off")

// broken gives n bytes and then err, together with the last byte or after it.
func broken(n int, err error, together bool) io.Reader {
	if together {
		return &last{noise(n), err}
	}
	return io.MultiReader(bytes.NewReader(noise(n)), &last{nil, err})
}

type last struct {
	b   []byte
	err error
}

func (l *last) Read(p []byte) (int, error) {
	n := copy(p, l.b)
	if l.b = l.b[n:]; len(l.b) == 0 {
		return n, l.err
	}
	return n, nil
}

func (s *suite) whole(ctx context.Context, t *testing.T) {
	before := fmt.Sprint(s.contents(t))
	for _, size := range []int{10, 300_000} {
		for i, c := range []struct {
			r    io.Reader
			want error
		}{
			{broken(size/2, errSender, false), errSender},
			{broken(size/2, errSender, true), errSender},
			{broken(size, errSender, false), errSender},
			{broken(size, errSender, true), errSender},
			{broken(0, errSender, true), errSender},
			{bytes.NewReader(noise(size - 1)), blob.ErrSize},
			{bytes.NewReader(noise(size + 1)), blob.ErrSize},
			{bytes.NewReader(nil), blob.ErrSize},
			{io.MultiReader(bytes.NewReader(noise(size)), strings.NewReader("x")), blob.ErrSize},
		} {
			key := fresh()
			if err := s.Put(ctx, key, c.r, int64(size)); !errors.Is(err, c.want) {
				t.Errorf("%d bytes, case %d: %v", size, i, err)
			}
			if _, err := s.Stat(ctx, key); !errors.Is(err, blob.ErrAbsent) {
				t.Errorf("%d bytes, case %d: it is there: %v", size, i, err)
			}
		}
	}
	if err := s.Put(ctx, fresh(), strings.NewReader("x"), 0); !errors.Is(err, blob.ErrSize) {
		t.Errorf("a byte where none was said: %v", err)
	}
	if after := fmt.Sprint(s.contents(t)); after != before {
		t.Errorf("something was left behind: %s", after)
	}
}

func (s *suite) cancelled(ctx context.Context, t *testing.T) {
	before := fmt.Sprint(s.contents(t))
	ctx, cancel := context.WithCancel(ctx)
	key := fresh()
	r, w := io.Pipe()
	go func() {
		_, _ = w.Write(noise(1000))
		cancel()
		w.CloseWithError(context.Canceled)
	}()
	if err := s.Put(ctx, key, r, 5000); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if after := fmt.Sprint(s.contents(t)); after != before {
		t.Errorf("something was left behind: %s", after)
	}
}

// Bad are keys that no store takes.
func Bad() []string {
	return []string{
		"", "/", "a", "a/", "/a", "a/b/c", "../a", "a/..", "./a", "a/.", "a//b", "/a/b", `a\b`, "A/b", "a/b ", "a/b\x00", "a/b.c", "-a/b", "a/-b", ".incoming/a",
		"a/" + strings.Repeat("b", 65), "ä/b", "a/b\n", "c:/b", "a/%2e%2e", "a/b?x",
	}
}

func (s *suite) keys(ctx context.Context, t *testing.T) {
	before := fmt.Sprint(s.contents(t))
	for _, key := range Bad() {
		if err := s.Put(ctx, key, strings.NewReader("x"), 1); !errors.Is(err, blob.ErrKey) {
			t.Errorf("Put %q: %v", key, err)
		}
		if _, err := s.Open(ctx, key, 0, -1); !errors.Is(err, blob.ErrKey) {
			t.Errorf("Open %q: %v", key, err)
		}
		if _, err := s.Stat(ctx, key); !errors.Is(err, blob.ErrKey) {
			t.Errorf("Stat %q: %v", key, err)
		}
		if err := s.Delete(ctx, key); !errors.Is(err, blob.ErrKey) {
			t.Errorf("Delete %q: %v", key, err)
		}
	}
	if after := fmt.Sprint(s.contents(t)); after != before {
		t.Errorf("something was left behind: %s", after)
	}
}

func (s *suite) absent(ctx context.Context, t *testing.T) {
	key := fresh()
	if _, err := s.Open(ctx, key, 0, -1); !errors.Is(err, blob.ErrAbsent) {
		t.Errorf("Open: %v", err)
	}
	if _, err := s.Open(ctx, key, 0, 0); !errors.Is(err, blob.ErrAbsent) {
		t.Errorf("Open of nothing: %v", err)
	}
	if _, err := s.Stat(ctx, key); !errors.Is(err, blob.ErrAbsent) {
		t.Errorf("Stat: %v", err)
	}
	if err := s.Delete(ctx, key); err != nil {
		t.Errorf("Delete: %v", err)
	}
}

func (s *suite) check(ctx context.Context, t *testing.T) {
	before := fmt.Sprint(s.contents(t))
	if err := s.Check(ctx); err != nil {
		t.Error(err)
	}
	if after := fmt.Sprint(s.contents(t)); after != before {
		t.Errorf("something was left behind: %s", after)
	}
}
