package blob

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"
)

// incoming is the folder of files that are being written; no key leads into it.
const incoming = ".incoming"

// abandoned is the age at which a file that was being written belongs to nobody any more.
const abandoned = 24 * time.Hour

// Folder keeps blobs as files: <first part>/<second part>, readable by their owner alone. Several processes may share it.
type Folder struct{ root *os.Root }

// OpenFolder opens the folder, made where it is missing, and clears away what broken writers left in it a day ago.
func OpenFolder(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	f := &Folder{root: root}
	if err := f.prepare(); err != nil {
		_ = root.Close()
		return nil, err
	}
	return f, nil
}

func (f *Folder) prepare() error {
	if err := f.root.Mkdir(incoming, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	left, err := fs.ReadDir(f.root.FS(), incoming)
	if err != nil {
		return err
	}
	for _, e := range left {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > abandoned {
			_ = f.root.Remove(incoming + "/" + e.Name()) // another process may have been first
		}
	}
	return nil
}

// Close gives the folder back; blobs that are open stay readable.
func (f *Folder) Close() error { return f.root.Close() }

// Put implements Store: a file beside is written and synced, then linked to its name, which fails where there is one.
func (f *Folder) Put(ctx context.Context, key string, r io.Reader, size int64) (err error) {
	if err := checkKey(key); err != nil {
		return err
	}
	if _, err := f.root.Lstat(key); err == nil {
		return ErrExists
	}
	temporary := incoming + "/" + strings.ToLower(rand.Text())
	out, err := f.root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return spoken(err)
	}
	defer func() {
		_ = out.Close()
		_ = f.root.Remove(temporary) // the blob has its own name by now, or is not to be
	}()
	in := &exact{r: &cancelled{ctx, r}, left: size}
	if _, err := io.Copy(onlyWriter{out}, in); err != nil {
		return spoken(err)
	}
	if err := in.failed(); err != nil {
		return err
	}
	if err := out.Sync(); err != nil {
		return spoken(err)
	}
	dir, _, _ := strings.Cut(key, "/")
	if err := f.root.Mkdir(dir, 0o700); err == nil {
		err = f.sync(".")
		if err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrExist) {
		return spoken(err)
	}
	if err := f.root.Link(temporary, key); err != nil {
		return spoken(err)
	}
	return f.sync(dir)
}

// sync makes a name as durable as the bytes.
func (f *Folder) sync(dir string) error {
	d, err := f.root.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	return errors.Join(err, d.Close())
}

// Open implements Store.
func (f *Folder) Open(_ context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	in, err := f.root.Open(key)
	if err != nil {
		return nil, spoken(err)
	}
	if _, err := in.Seek(offset, io.SeekStart); err != nil {
		_ = in.Close()
		return nil, err
	}
	if length < 0 {
		return in, nil
	}
	return &limited{io.LimitReader(in, length), in}, nil
}

// Stat implements Store.
func (f *Folder) Stat(_ context.Context, key string) (int64, error) {
	if err := checkKey(key); err != nil {
		return 0, err
	}
	info, err := f.root.Stat(key)
	if err != nil {
		return 0, spoken(err)
	}
	return info.Size(), nil
}

// Delete implements Store.
func (f *Folder) Delete(_ context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if err := f.root.Remove(key); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return spoken(err)
	}
	return nil
}

// Check implements Store.
func (f *Folder) Check(ctx context.Context) error { return check(ctx, f) }

// limited is a part of an open file.
type limited struct {
	io.Reader
	io.Closer
}

// onlyWriter keeps io.Copy from handing the file the reader as it is: its checks come first.
type onlyWriter struct{ io.Writer }

// cancelled ends reading with the context.
type cancelled struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancelled) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// spoken turns what the system says into the store's words.
func spoken(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return fmt.Errorf("%w: %w", ErrFull, err)
	case errors.Is(err, fs.ErrExist):
		return ErrExists
	case errors.Is(err, fs.ErrNotExist):
		return ErrAbsent
	}
	return err
}

// check writes, reads and removes a blob, and sees that it is not overwritten.
func check(ctx context.Context, s Store) (err error) {
	key := "check/" + strings.ToLower(rand.Text())
	defer func() { err = errors.Join(err, s.Delete(context.WithoutCancel(ctx), key)) }()
	if err := s.Put(ctx, key, strings.NewReader("check"), 5); err != nil {
		return fmt.Errorf("blob: write: %w", err)
	}
	if err := s.Put(ctx, key, strings.NewReader("again"), 5); !errors.Is(err, ErrExists) {
		return fmt.Errorf("blob: the store overwrites what it has: %v", err)
	}
	in, err := s.Open(ctx, key, 0, -1)
	if err != nil {
		return fmt.Errorf("blob: read: %w", err)
	}
	defer in.Close()
	if got, err := io.ReadAll(io.LimitReader(in, 100)); err != nil || string(got) != "check" {
		return errors.Join(errors.New("blob: read: not the bytes that were written"), err)
	}
	return nil
}
