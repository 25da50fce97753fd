// Package id owns identifiers: UUIDv7 inside, `<prefix>_<26 characters>` (TypeID form) in the API.
// It does not know which prefix a table or a caller expects beyond the list below.
package id

import (
	"fmt"

	"github.com/google/uuid"
)

// UUID is the inner form of every identifier.
type UUID = uuid.UUID

// Prefixes of the API form, one for each GraphQL type.
const (
	Tenant, Company, Department, Position, Staff, Employment = "ten", "com", "dep", "pos", "stf", "emp"
	Account, Session, APIToken                               = "acc", "ses", "tok"
	Role, RoleBinding, PolicyVersion, PolicyRule, Grant      = "rol", "rbd", "pol", "prl", "grt"
	Client, ClientTeamMember, ClientDistribution, Contact    = "cli", "ctm", "cdi", "cnt"
	ClientChange                                             = "chg"
	Contract, Revision, Party, Obligation                    = "con", "rev", "pty", "obl"
	Original, OriginalVersion, File, Incident                = "ori", "orv", "fil", "inc"
	Borrowing, BorrowingItem, AccessRequest, ApprovalStep    = "bor", "boi", "arq", "aps"
	PolicyTest, PolicyConflict, PolicyClass                  = "pts", "pcf", "pcl"
	AccessReview, AccessReviewItem                           = "arv", "ari"
	AuditRecord, Event                                       = "aud", "evt"
)

// Crockford's alphabet in lower case: no i, l, o, u.
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

const (
	textLen   = 26
	maxPrefix = 63
)

// Error says why a text is no identifier. It never quotes the whole text.
type Error struct{ Why string }

func (e *Error) Error() string { return "malformed id: " + e.Why }

// Encode gives the API form, e.g. Encode(Client, u) = "cli_01h455vb4pex5vsknk084sn02q".
func Encode(prefix string, u UUID) string {
	return string(Append(make([]byte, 0, len(prefix)+1+textLen), prefix, u))
}

// Append appends the API form to dst without allocating beyond it.
func Append(dst []byte, prefix string, u [16]byte) []byte {
	dst = append(dst, prefix...)
	dst = append(dst, '_')
	// 128 bits are written as 130 with two leading zero bits, five at a time, big-endian.
	var acc uint32
	bits := 2
	for _, b := range u {
		acc = acc<<8 | uint32(b)
		bits += 8
		for bits >= 5 {
			bits -= 5
			dst = append(dst, alphabet[acc>>bits&31])
		}
	}
	return dst
}

// Decode splits and reads the API form; there is exactly one spelling of each identifier.
func Decode(s string) (prefix string, u UUID, err error) {
	at := len(s) - textLen - 1
	if at < 1 || s[at] != '_' {
		return "", UUID{}, &Error{Why: "not of the form <prefix>_<26 characters>"}
	}
	prefix = s[:at]
	if len(prefix) > maxPrefix {
		return "", UUID{}, &Error{Why: "prefix too long"}
	}
	for i := range len(prefix) {
		if prefix[i] < 'a' || prefix[i] > 'z' {
			return "", UUID{}, &Error{Why: "prefix has other characters than a to z"}
		}
	}
	text := s[at+1:]
	if text[0] > '7' {
		return "", UUID{}, &Error{Why: "out of range"}
	}
	var acc uint32
	bits, n := -2, 0 // the first two bits are padding
	for i := range textLen {
		v := value(text[i])
		if v < 0 {
			return "", UUID{}, &Error{Why: "a character outside the alphabet"}
		}
		acc = acc<<5 | uint32(v)
		bits += 5
		if bits >= 8 {
			bits -= 8
			u[n] = byte(acc >> bits)
			n++
		}
	}
	return prefix, u, nil
}

// Parse reads the API form and demands the prefix.
func Parse(prefix, s string) (UUID, error) {
	p, u, err := Decode(s)
	if err != nil {
		return UUID{}, err
	}
	if p != prefix {
		return UUID{}, &Error{Why: fmt.Sprintf("prefix %q expected", prefix)}
	}
	return u, nil
}

func value(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'h':
		return int(c-'a') + 10
	case c == 'j' || c == 'k':
		return int(c-'j') + 18
	case c == 'm' || c == 'n':
		return int(c-'m') + 20
	case c >= 'p' && c <= 't':
		return int(c-'p') + 22
	case c >= 'v' && c <= 'z':
		return int(c-'v') + 27
	}
	return -1
}
