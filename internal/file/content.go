package file

import (
	"context"
	"errors"
	"io"

	"github.com/clientele/clientele/internal/blob"
)

// content reads a blob as http.ServeContent wants it: a seek costs nothing until bytes are read.
type content struct {
	ctx   context.Context
	store blob.Store
	key   string
	size  int64

	at   int64
	open io.ReadCloser // at position at; nil before the first byte
}

var errPosition = errors.New("file: a position outside of the file")

func (c *content) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += c.at
	case io.SeekEnd:
		offset += c.size
	}
	if offset < 0 || offset > c.size {
		return 0, errPosition
	}
	if offset != c.at {
		c.close()
	}
	c.at = offset
	return offset, nil
}

func (c *content) Read(p []byte) (int, error) {
	if c.at >= c.size {
		return 0, io.EOF
	}
	if c.open == nil {
		in, err := c.store.Open(c.ctx, c.key, c.at, -1)
		if err != nil {
			return 0, err
		}
		c.open = in
	}
	n, err := c.open.Read(p)
	c.at += int64(n)
	if err == io.EOF && c.at < c.size {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (c *content) close() {
	if c.open != nil {
		_ = c.open.Close()
		c.open = nil
	}
}
