package read

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/clientele/clientele/internal/tenancy"
)

// A cursor is base64url(id, null flag, sort key in wire form, 8 bytes of HMAC-SHA-256 over tenant, ordering and these).
//
// SECURITY: the authentication code makes a cursor good for one tenant and one ordering only: a made-up one could
// otherwise probe positions in an order that the actor may not use.
const macSize = 8

// position is a decoded cursor.
type position struct {
	id   [16]byte
	null bool
	key  any // value of the sort key for the statement
}

func (g *Gate) mac(dst []byte, tenant tenancy.TenantID, ordering string, payload []byte) []byte {
	h := hmac.New(sha256.New, g.cfg.CursorKey)
	h.Write(tenant[:])
	var n [2]byte
	binary.BigEndian.PutUint16(n[:], uint16(len(ordering)))
	h.Write(n[:])
	h.Write([]byte(ordering))
	h.Write(payload)
	return h.Sum(dst)
}

// appendCursor writes a cursor as a JSON string. key is nil for NULL and for orders by id alone.
func (g *Gate) appendCursor(dst []byte, tenant tenancy.TenantID, ordering string, row, key []byte) []byte {
	var space [96]byte
	payload := append(space[:0], row...)
	if key == nil {
		payload = append(payload, 1)
	} else {
		payload = append(append(payload, 0), key...)
	}
	var sum [sha256.Size]byte
	payload = append(payload, g.mac(sum[:0], tenant, ordering, payload)[:macSize]...)
	dst = append(dst, '"')
	dst = base64.RawURLEncoding.AppendEncode(dst, payload)
	return append(dst, '"')
}

// decodeCursor reads a cursor of the ordering; false for any other text.
func (g *Gate) decodeCursor(text string, tenant tenancy.TenantID, ordering string, o Order) (position, bool) {
	var p position
	if len(text) > 4096 {
		return p, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < 16+1+macSize {
		return p, false
	}
	payload := b[:len(b)-macSize]
	if !hmac.Equal(g.mac(nil, tenant, ordering, payload)[:macSize], b[len(b)-macSize:]) {
		return p, false
	}
	copy(p.id[:], payload)
	p.null = payload[16] == 1
	if p.null {
		return p, len(payload) == 17
	}
	p.key, err = keyValue(o.Kind, payload[17:])
	return p, err == nil
}

// keyValue makes a statement's parameter of a sort key in wire form.
func keyValue(k Kind, b []byte) (any, error) {
	switch {
	case k == KindText || k == KindEnum:
		return string(b), nil
	case k == KindTime && len(b) == 8:
		return instant(b), nil
	case k == KindDate && len(b) == 4:
		return epoch.AddDate(0, 0, int(int32(binary.BigEndian.Uint32(b)))), nil
	case k == KindBool && len(b) == 1:
		return b[0] == 1, nil
	case k == KindInt || k == KindBigInt:
		return integer(b), nil
	}
	return nil, errWire
}

// epoch of PostgreSQL's wire format.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func instant(b []byte) time.Time {
	us := int64(binary.BigEndian.Uint64(b))
	return time.Unix(epoch.Unix()+us/1e6, us%1e6*1e3).UTC()
}

// integer reads smallint, integer or bigint.
func integer(b []byte) int64 {
	switch len(b) {
	case 2:
		return int64(int16(binary.BigEndian.Uint16(b)))
	case 4:
		return int64(int32(binary.BigEndian.Uint32(b)))
	case 8:
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}
