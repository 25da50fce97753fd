// Package blob owns bytes under a key: in a folder, or in a bucket of an S3-compatible store. It knows no tenant, no
// permission and no meaning of the bytes; whoever calls it has decided all of that.
package blob

import (
	"context"
	"errors"
	"io"
	"strings"
)

// Store keeps blobs. A blob is there whole or not at all, and is never overwritten. It is safe for concurrent use.
type Store interface {
	// Put stores exactly size bytes of r, which is read to its end before the blob becomes visible: an error of r, at
	// the end too, leaves nothing behind and is returned. Errors: ErrExists, ErrFull, ErrSize, ErrKey.
	Put(ctx context.Context, key string, r io.Reader, size int64) error
	// Open reads length bytes from offset on, or to the end where length is negative. Beyond the end there are none.
	// Errors: ErrAbsent, ErrKey.
	Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)
	// Stat gives the size in bytes. Errors: ErrAbsent, ErrKey.
	Stat(ctx context.Context, key string) (size int64, err error)
	// Delete removes a blob; one that is not there is no error.
	Delete(ctx context.Context, key string) error
	// Check tries the store out, with a blob of its own: for the start and for readiness.
	Check(ctx context.Context) error
}

// What a store says; everything else is trouble of the machine or the network.
var (
	ErrAbsent = errors.New("blob: there is no such blob")
	ErrExists = errors.New("blob: there is such a blob already")
	ErrFull   = errors.New("blob: no space is left")
	ErrSize   = errors.New("blob: another number of bytes came than was said")
	ErrKey    = errors.New("blob: no key")
)

// maxPart is the longest part of a key.
const maxPart = 64

// checkKey: SECURITY: a key is two parts of lower-case letters, digits and hyphens, so it is no path whatever it came from.
func checkKey(key string) error {
	first, second, ok := strings.Cut(key, "/")
	if !ok || !part(first) || !part(second) {
		return ErrKey
	}
	return nil
}

func part(s string) bool {
	if s == "" || len(s) > maxPart || s[0] == '-' {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// exact passes on size bytes, and the last of them only when r has ended after them without an error: what stores the
// bytes as they come has not got them all before everything is known to be right.
type exact struct {
	r    io.Reader
	left int64
	err  error
}

func (e *exact) Read(p []byte) (int, error) {
	if e.err != nil {
		return 0, e.err
	}
	if e.left == 0 {
		e.err = e.end()
		return 0, e.err
	}
	if int64(len(p)) > e.left {
		p = p[:e.left]
	}
	n, err := e.r.Read(p)
	e.left -= int64(n)
	switch {
	case err == io.EOF && e.left > 0:
		e.err = ErrSize
	case err != nil && err != io.EOF:
		e.err = err
	case e.left == 0 && err == io.EOF:
		e.err = io.EOF
		return n, nil
	case e.left == 0:
		if e.err = e.end(); e.err == io.EOF {
			return n, nil
		}
	default:
		return n, nil
	}
	return 0, e.err
}

// end is io.EOF where r ends here.
func (e *exact) end() error {
	var one [1]byte
	for {
		n, err := e.r.Read(one[:])
		switch {
		case n > 0:
			return ErrSize
		case err != nil:
			return err
		}
	}
}

// failed is what the reader itself said, nil for its end.
func (e *exact) failed() error {
	if e.err == io.EOF {
		return nil
	}
	return e.err
}
