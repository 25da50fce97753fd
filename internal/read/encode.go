package read

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/clientele/clientele/internal/id"
)

// appendScalar writes a wire value as JSON; NULL is null.
func (t *Table) appendScalar(dst []byte, kind Kind, prefix string, v, second []byte) ([]byte, error) {
	if v == nil {
		return append(dst, "null"...), nil
	}
	switch kind {
	case KindText:
		return appendString(dst, v), nil
	case KindEnum:
		dst = append(dst, '"')
		for _, c := range v {
			if c >= 'a' && c <= 'z' {
				c -= 'a' - 'A'
			}
			dst = append(dst, c)
		}
		return append(dst, '"'), nil
	case KindID:
		return appendID(dst, prefix, v)
	case KindObjectID:
		typ := t.byName[string(second)]
		if typ == nil {
			return append(dst, "null"...), nil
		}
		return appendID(dst, typ.Prefix, v)
	case KindInt:
		return strconv.AppendInt(dst, integer(v), 10), nil
	case KindBigInt:
		dst = strconv.AppendInt(append(dst, '"'), integer(v), 10)
		return append(dst, '"'), nil
	case KindBool:
		if len(v) == 1 {
			return strconv.AppendBool(dst, v[0] != 0), nil
		}
	case KindTime:
		if len(v) == 8 {
			dst = instant(v).AppendFormat(append(dst, '"'), time.RFC3339Nano)
			return append(dst, '"'), nil
		}
	case KindDate:
		if len(v) == 4 {
			d := epoch.AddDate(0, 0, int(int32(binary.BigEndian.Uint32(v))))
			return append(d.AppendFormat(append(dst, '"'), time.DateOnly), '"'), nil
		}
	case KindHex:
		dst = hex.AppendEncode(append(dst, '"'), v)
		return append(dst, '"'), nil
	case KindJSON:
		return append(dst, v...), nil
	case KindTexts:
		return appendTexts(dst, v)
	}
	return dst, errWire
}

func appendID(dst []byte, prefix string, v []byte) ([]byte, error) {
	if len(v) != 16 {
		return dst, errWire
	}
	dst = id.Append(append(dst, '"'), prefix, [16]byte(v))
	return append(dst, '"'), nil
}

// appendTexts writes a one-dimensional text[] of the wire.
func appendTexts(dst, v []byte) ([]byte, error) {
	if len(v) < 12 {
		return dst, errWire
	}
	dst = append(dst, '[')
	if binary.BigEndian.Uint32(v) == 0 {
		return append(dst, ']'), nil
	}
	if len(v) < 20 {
		return dst, errWire
	}
	n := int(binary.BigEndian.Uint32(v[12:]))
	v = v[20:]
	for i := range n {
		if len(v) < 4 {
			return dst, errWire
		}
		size := int(int32(binary.BigEndian.Uint32(v)))
		v = v[4:]
		if size < 0 || size > len(v) {
			return dst, errWire
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, v[:size])
		v = v[size:]
	}
	return append(dst, ']'), nil
}

const hexDigits = "0123456789abcdef"

// appendString writes a JSON string; the database holds well-formed UTF-8 only.
func appendString(dst, s []byte) []byte {
	dst = append(dst, '"')
	from := 0
	for i, c := range s {
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		from = i + 1
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}
