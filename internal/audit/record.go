package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"
)

// Record is one audit record: every column of audit_records but the seal. Pointers are columns that may be NULL.
type Record struct {
	Tenant        uuid.UUID       `json:"tenantId"`
	ID            uuid.UUID       `json:"id"`
	Kind          string          `json:"kind"`
	Act           string          `json:"act"`
	ActorKind     string          `json:"actorKind"`
	ActorID       *uuid.UUID      `json:"actorId"`
	ActorName     string          `json:"actorName"`
	CredentialID  *uuid.UUID      `json:"credentialId"`
	ObjectType    string          `json:"objectType"`
	ObjectID      *uuid.UUID      `json:"objectId"`
	ObjectVersion *int64          `json:"objectVersion"`
	Reason        string          `json:"reason"`
	RuleID        *uuid.UUID      `json:"ruleId"`
	Clause        string          `json:"clause"`
	Detail        json.RawMessage `json:"detail"`
	RequestID     string          `json:"requestId"`
	OccurredAt    time.Time       `json:"occurredAt"` // whole microseconds, as PostgreSQL keeps them
}

// Hash is SHA-256, in the base64 form of the standard alphabet where it is text.
type Hash = tlog.Hash

// recordTag names the serialisation; another one gets another tag, so that no record has two readings.
const recordTag = "clientele audit record 1\n"

// AppendCanonical appends the bytes that are hashed: the tag, then the columns in the order of the struct. An absent
// value is one byte 0; a present one is a byte 1, its length as 4 bytes big-endian, and its bytes: ids 16 bytes, text
// UTF-8, numbers 8 bytes big-endian two's complement, time as such a number of microseconds since 1970 UTC, detail as
// canonical JSON. The error says that detail is no JSON or names a member twice.
func (r *Record) AppendCanonical(dst []byte) ([]byte, error) {
	dst = append(dst, recordTag...)
	dst = appendID(dst, &r.Tenant)
	dst = appendID(dst, &r.ID)
	dst = appendText(dst, r.Kind)
	dst = appendText(dst, r.Act)
	dst = appendText(dst, r.ActorKind)
	dst = appendID(dst, r.ActorID)
	dst = appendText(dst, r.ActorName)
	dst = appendID(dst, r.CredentialID)
	dst = appendText(dst, r.ObjectType)
	dst = appendID(dst, r.ObjectID)
	dst = appendNumber(dst, r.ObjectVersion)
	dst = appendText(dst, r.Reason)
	dst = appendID(dst, r.RuleID)
	dst = appendText(dst, r.Clause)
	start := len(dst)
	dst = append(dst, 1, 0, 0, 0, 0)
	dst, err := appendCanonicalJSON(dst, r.Detail)
	if err != nil {
		return nil, fmt.Errorf("audit: detail of record %s: %w", r.ID, err)
	}
	binary.BigEndian.PutUint32(dst[start+1:], uint32(len(dst)-start-5))
	dst = appendText(dst, r.RequestID)
	micros := r.OccurredAt.UnixMicro()
	return appendNumber(dst, &micros), nil
}

func appendText(dst []byte, s string) []byte {
	dst = append(dst, 1)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(s)))
	return append(dst, s...)
}

func appendID(dst []byte, u *uuid.UUID) []byte {
	if u == nil {
		return append(dst, 0)
	}
	dst = append(dst, 1, 0, 0, 0, 16)
	return append(dst, u[:]...)
}

func appendNumber(dst []byte, n *int64) []byte {
	if n == nil {
		return append(dst, 0)
	}
	dst = append(dst, 1, 0, 0, 0, 8)
	return binary.BigEndian.AppendUint64(dst, uint64(*n))
}

// hasher makes seal hashes with one buffer; it is for one goroutine.
type hasher struct{ buf []byte }

// seal is SHA-256 over the hash of the record before (32 zero bytes before the first), the number as 8 bytes
// big-endian, and the canonical record.
func (h *hasher) seal(previous Hash, number int64, r *Record) (Hash, error) {
	h.buf = append(h.buf[:0], previous[:]...)
	h.buf = binary.BigEndian.AppendUint64(h.buf, uint64(number))
	buf, err := r.AppendCanonical(h.buf)
	if err != nil {
		return Hash{}, err
	}
	h.buf = buf
	return sha256.Sum256(buf), nil
}

// leaf is the record's leaf of the Merkle tree (RFC 6962): SHA-256 of a byte 0 and the seal hash.
func leaf(seal Hash) Hash { return tlog.RecordHash(seal[:]) }
