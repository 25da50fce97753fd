package credential

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Parameters of new hashes: argon2id, 19 MiB, two passes, one lane (about 0.2 s of one core).
const (
	memoryKiB = 19 * 1024
	passes    = 2
	lanes     = 1
	saltLen   = 16
	keyLen    = 32
)

// Bounds on a password, in bytes: longer ones cost time to hash and protect nobody.
const (
	MinPasswordCharacters = 10
	MaxPasswordBytes      = 1024
)

// Hasher hashes and verifies passwords, a few at a time: each takes 19 MiB and a core. It is safe for concurrent use.
type Hasher struct {
	slots  chan struct{}
	random io.Reader
	absent string
}

// NewHasher makes a hasher that works on at most atOnce passwords at once (at least 1); the others wait.
func NewHasher(atOnce int) *Hasher { return newHasher(atOnce, rand.Reader) }

func newHasher(atOnce int, random io.Reader) *Hasher {
	zero := base64.RawStdEncoding.EncodeToString(make([]byte, saltLen))
	key := base64.RawStdEncoding.EncodeToString(make([]byte, keyLen))
	return &Hasher{slots: make(chan struct{}, max(atOnce, 1)), random: random, absent: header() + zero + "$" + key}
}

func header() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$", argon2.Version, memoryKiB, passes, lanes)
}

// HashPassword gives a PHC string ("$argon2id$v=19$m=…$salt$key"). It waits for a slot until ctx ends.
func (h *Hasher) HashPassword(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltLen)
	if _, err := io.ReadFull(h.random, salt); err != nil {
		return "", fmt.Errorf("credential: random source: %w", err)
	}
	key, err := h.derive(ctx, password, salt, passes, memoryKiB, lanes, keyLen)
	if err != nil {
		return "", err
	}
	return header() + base64.RawStdEncoding.EncodeToString(salt) + "$" + base64.RawStdEncoding.EncodeToString(key), nil
}

// VerifyPassword tells whether the password is the one of the PHC string. An empty string (no account, no password) takes
// as long as a wrong password and is never right.
func (h *Hasher) VerifyPassword(ctx context.Context, phc, password string) (bool, error) {
	absent := phc == ""
	if absent {
		phc = h.absent
	}
	m, t, p, salt, want, err := parsePHC(phc)
	if err != nil {
		return false, err
	}
	got, err := h.derive(ctx, password, salt, t, m, p, uint32(len(want)))
	if err != nil {
		return false, err
	}
	// SECURITY: constant time, and the absent account is refused whatever the hash says.
	return subtle.ConstantTimeCompare(got, want) == 1 && !absent, nil
}

// Fingerprint binds an idempotency key to a password without keeping anything that is cheaper to guess than the password
// hash itself: the same password for the same purpose gives the same 16 bytes.
func (h *Hasher) Fingerprint(ctx context.Context, password, purpose string) ([]byte, error) {
	return h.derive(ctx, password, separated("fingerprint", purpose)[:saltLen], passes, memoryKiB, lanes, 16)
}

// NeedsRehash tells whether a PHC string was made with other parameters than those of now.
func NeedsRehash(phc string) bool { return !strings.HasPrefix(phc, header()) }

func (h *Hasher) derive(ctx context.Context, password string, salt []byte, t, m uint32, p uint8, n uint32) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-h.slots }()
	return argon2.IDKey([]byte(password), salt, t, m, p, n), nil
}

var errPHC = errors.New("credential: malformed password hash")

// parsePHC reads "$argon2id$v=19$m=…,t=…,p=…$salt$key"; parameters beyond eight times ours are refused, so that a stored
// string cannot exhaust the process.
func parsePHC(phc string) (m, t uint32, p uint8, salt, key []byte, err error) {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return 0, 0, 0, nil, nil, errPHC
	}
	var version int
	if n, err := fmt.Sscanf(parts[2], "v=%d", &version); n != 1 || err != nil || version != argon2.Version {
		return 0, 0, 0, nil, nil, errPHC
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &m, &t, &p); n != 3 || err != nil || m == 0 || m > 8*memoryKiB || t == 0 || t > 8*passes || p == 0 || p > 8 {
		return 0, 0, 0, nil, nil, errPHC
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[4])
	key, keyErr := base64.RawStdEncoding.DecodeString(parts[5])
	if saltErr != nil || keyErr != nil || len(salt) < 8 || len(key) < 16 || len(key) > 64 {
		return 0, 0, 0, nil, nil, errPHC
	}
	return m, t, p, salt, key, nil
}
