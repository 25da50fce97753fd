// Package credential owns the form of bearer tokens, the hashes by which the sign-in directory finds things, and password hashes.
// It does not own who has them: accounts and API tokens are identity's, sign-in is authn's. It keeps nothing.
package credential

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/big"
	"strings"
)

// Kind of a bearer token; the value is the token's prefix.
type Kind string

// The kinds: API tokens are long-lived and shown once; session tokens come from sign-in.
const (
	APIToken Kind = "clt_"
	Session  Kind = "cls_"
)

const (
	alphabet   = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	secretLen  = 43 // 32 bytes in base 62
	checkLen   = 6  // CRC-32 in base 62
	tokenLen   = 4 + secretLen + checkLen
	displayLen = 12 // prefix and eight characters: tells tokens apart, is of no use to guess the rest
)

// ErrMalformed says that a text is no token of this product; it never quotes the text.
var ErrMalformed = errors.New("credential: malformed token")

// New makes a token. hash is what is stored and looked up; display is shown in lists. random is crypto/rand.Reader but in
// demos and tests.
func New(kind Kind, random io.Reader) (token string, hash []byte, display string, err error) {
	var secret [32]byte
	if _, err := io.ReadFull(random, secret[:]); err != nil {
		return "", nil, "", fmt.Errorf("credential: random source: %w", err)
	}
	body := string(kind) + base62(secret[:], secretLen)
	token = body + checksum(body)
	return token, TokenHash(token), token[:displayLen], nil
}

// Parse checks the form of a token and its checksum, so that typing errors and guesses cost no query, and gives the hash
// to look up.
func Parse(token string) (kind Kind, hash []byte, err error) {
	if len(token) != tokenLen {
		return "", nil, ErrMalformed
	}
	kind = Kind(token[:4])
	if kind != APIToken && kind != Session {
		return "", nil, ErrMalformed
	}
	body, sum := token[:4+secretLen], token[4+secretLen:]
	// The checksum is no secret: it tells leaked tokens from other text. What guards is the hash of 256 random bits.
	if strings.Trim(body[4:], alphabet) != "" || checksum(body) != sum {
		return "", nil, ErrMalformed
	}
	return kind, TokenHash(token), nil
}

func checksum(body string) string {
	var out [checkLen]byte
	c := crc32.ChecksumIEEE([]byte(body))
	for i := checkLen - 1; i >= 0; i-- {
		out[i] = alphabet[c%uint32(len(alphabet))]
		c /= uint32(len(alphabet))
	}
	return string(out[:])
}

// base62 writes bytes as a number of fixed width.
func base62(b []byte, width int) string {
	n, base, digit := new(big.Int).SetBytes(b), big.NewInt(int64(len(alphabet))), new(big.Int)
	out := make([]byte, width)
	for i := width - 1; i >= 0; i-- {
		n.DivMod(n, base, digit)
		out[i] = alphabet[digit.Int64()]
	}
	return string(out)
}

// SlugHash is the directory's key of a tenant's slug.
func SlugHash(slug string) []byte { return separated("slug", slug) }

// LoginHash is the directory's key of a login in a tenant.
func LoginHash(slug, login string) []byte { return separated("login", slug+"/"+login) }

// TokenHash is the directory's key of a bearer token, and what sessions and api_tokens store.
func TokenHash(token string) []byte { return separated("token", token) }

// separated hashes with the kind in front, so that a hash of one kind is never one of another.
func separated(kind, value string) []byte {
	h := sha256.New()
	h.Write([]byte("clientele/" + kind + "\x00"))
	h.Write([]byte(value))
	return h.Sum(nil)
}
