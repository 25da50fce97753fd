package file

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/tenancy"
)

// marked keeps marked copies at hand, so that the ranges of one reading come from one copy. They are open files without a
// name: when this process ends, however it ends, nothing of them is left.
type marked struct {
	most int64

	mu     sync.Mutex
	copies map[copyKey]*markedCopy
	total  int64
	closed bool
}

// copyKey: the same file, reader and borrowing give the same copy.
type copyKey struct {
	tenant tenancy.TenantID
	file   uuid.UUID
	mark   [32]byte
}

// markedCopy is one copy, or the making of it.
type markedCopy struct {
	of    *marked
	key   copyKey
	ready chan struct{} // closed when err or f is there
	err   error
	f     *os.File
	size  int64
	tag   string
	users int       // guarded by of.mu
	used  time.Time // last
	gone  bool      // not in of.copies any more
}

// maxCopies is how many files are held open.
const maxCopies = 200

func newMarked(most int64) *marked {
	return &marked{most: most, copies: map[copyKey]*markedCopy{}}
}

func (m *marked) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	for _, c := range m.copies {
		m.drop(c)
	}
}

func (c *markedCopy) reader() io.ReadSeeker { return io.NewSectionReader(c.f, 0, c.size) }

func (c *markedCopy) release() {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.users--
	c.of.finish(c)
}

// opened is a copy that was made: its open file, size in bytes, and entity tag.
type opened struct {
	f    *os.File
	size int64
	tag  string
}

// drop forgets a copy; its bytes go with its last reader.
func (m *marked) drop(c *markedCopy) {
	if c.gone {
		return
	}
	c.gone = true
	delete(m.copies, c.key)
	m.total -= c.size
	m.finish(c)
}

func (m *marked) finish(c *markedCopy) {
	if c.gone && c.users == 0 && c.f != nil {
		_ = c.f.Close()
		c.f = nil
	}
}

// take gives the copy of the key with one more user; mine says that the caller has to make it.
func (m *marked) take(key copyKey) (c *markedCopy, mine bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.copies[key]
	if !ok {
		c = &markedCopy{of: m, key: key, ready: make(chan struct{})}
		if m.copies[key] = c; m.closed {
			c.gone = true
			delete(m.copies, key)
		}
	}
	c.users++
	c.used = time.Now()
	return c, !ok
}

// made ends the making. A failure is not kept: the next reader tries again.
func (m *marked) made(c *markedCopy, o opened, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c.err = err; err != nil {
		m.drop(c)
		if o.f != nil {
			_ = o.f.Close()
		}
	} else if c.f, c.size, c.tag = o.f, o.size, o.tag; !c.gone {
		m.total += c.size
	}
	close(c.ready)
	for m.total > m.most || len(m.copies) > maxCopies {
		var oldest *markedCopy
		for _, other := range m.copies {
			if other != c && other.f != nil && (oldest == nil || other.used.Before(oldest.used)) {
				oldest = other
			}
		}
		if oldest == nil {
			return
		}
		m.drop(oldest)
	}
}

// markedCopy gives the copy of the file for the reader; the caller releases it. Errors: errUnmarkable.
func (s *Service) markedCopy(ctx context.Context, f File, mark Mark) (*markedCopy, error) {
	if len(s.bench.command) == 0 {
		return nil, errUnmarkable
	}
	h := sha256.New()
	for _, part := range append(mark.lines(true), s.bench.font, f.MediaType, f.Hash()) {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	c, mine := s.marked.take(copyKey{f.Tenant, f.ID, [32]byte(h.Sum(nil))})
	if mine {
		// Others may wait for it too: the one who came first may leave.
		go func() {
			o, err := s.makeCopy(context.WithoutCancel(ctx), f, mark)
			s.marked.made(c, o, err)
		}()
	}
	select {
	case <-c.ready:
	case <-ctx.Done():
		c.release()
		return nil, ctx.Err()
	}
	if c.err != nil {
		c.release()
		return nil, c.err
	}
	return c, nil
}

func (s *Service) makeCopy(ctx context.Context, f File, mark Mark) (o opened, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*s.limits.Render)
	defer cancel()
	r, err := s.bench.work(ctx, s.store, &f, job{Task: "mark", Mark: mark}, func(path string) error {
		out, err := os.Open(path)
		if err != nil {
			return err
		}
		h := sha256.New()
		size, err := io.Copy(h, out)
		if err != nil {
			return errors.Join(err, out.Close())
		}
		o = opened{out, size, hex.EncodeToString(h.Sum(nil))}
		return nil
	})
	if err == nil && r.Reason != "" {
		err = fmt.Errorf("%w: %s: %s", errUnmarkable, r.Reason, r.Detail)
	}
	return o, err
}
