package audit

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"
)

// Checkpoint says that the tenant's tree had this size and this root at that time. Its text has four lines: origin with
// the tenant's id, size in decimal, root in base64, and "time " with RFC 3339 in UTC to the microsecond.
type Checkpoint struct {
	Tenant uuid.UUID
	Size   int64
	Root   Hash
	Time   time.Time
}

const (
	originPrefix = "clientele/audit/"
	timeForm     = "2006-01-02T15:04:05.000000Z"
)

func (c Checkpoint) text() string {
	return fmt.Sprintf("%s%s\n%d\n%s\ntime %s\n", originPrefix, c.Tenant, c.Size, c.Root, c.Time.UTC().Format(timeForm))
}

// sign makes the signed note.
func (c Checkpoint) sign(k *Key) (string, error) {
	signed, err := note.Sign(&note.Note{Text: c.text()}, k.signer)
	if err != nil {
		return "", fmt.Errorf("audit: sign checkpoint: %w", err)
	}
	return string(signed), nil
}

// OpenCheckpoint checks the signature of a note by one of the keys and that it speaks of this tenant.
func OpenCheckpoint(signed string, tenant uuid.UUID, keys note.Verifiers) (Checkpoint, error) {
	n, err := note.Open([]byte(signed), keys)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("audit: checkpoint: %w", err)
	}
	for _, sig := range append(n.Sigs, n.UnverifiedSigs...) {
		// Bits behind the end of a signature would be a second form of the same note.
		if _, err := base64.StdEncoding.Strict().DecodeString(sig.Base64); err != nil {
			return Checkpoint{}, fmt.Errorf("audit: checkpoint: signature: %w", err)
		}
	}
	c, err := parseCheckpoint(n.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	// SECURITY: a true checkpoint of another tenant proves nothing about this one.
	if c.Tenant != tenant {
		return Checkpoint{}, fmt.Errorf("audit: checkpoint is of tenant %s, not of %s", c.Tenant, tenant)
	}
	return c, nil
}

func parseCheckpoint(text string) (Checkpoint, error) {
	bad := fmt.Errorf("audit: checkpoint has another form than origin, size, root, time: %q", text)
	lines := strings.Split(text, "\n")
	if len(lines) != 5 || !strings.HasPrefix(lines[0], originPrefix) {
		return Checkpoint{}, bad
	}
	var c Checkpoint
	var err error
	if c.Tenant, err = uuid.Parse(strings.TrimPrefix(lines[0], originPrefix)); err != nil {
		return Checkpoint{}, bad
	}
	if c.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.Size <= 0 {
		return Checkpoint{}, bad
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != len(c.Root) {
		return Checkpoint{}, bad
	}
	c.Root = Hash(root)
	if c.Time, err = time.Parse("time "+timeForm, lines[3]); err != nil || c.text() != text {
		return Checkpoint{}, bad
	}
	return c, nil
}
