package file

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"

	"github.com/clientele/clientele/internal/blob"
)

// Verify hashes the stored bytes: are they still those that were received? Bytes that are gone are not. It asks nobody
// whether the caller may, and holds no transaction. An error is no answer: the store could not be read.
func (s *Service) Verify(ctx context.Context, f File) (bool, error) {
	in, err := s.store.Open(ctx, f.key(), 0, -1)
	if errors.Is(err, blob.ErrAbsent) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer in.Close()
	h := sha256.New()
	n, err := io.Copy(h, in)
	if err != nil {
		return false, err
	}
	return n == f.Size && [32]byte(h.Sum(nil)) == f.SHA256, nil
}
