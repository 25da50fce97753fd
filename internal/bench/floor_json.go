package main

import (
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/id"
)

// Text is appended by hand, after a comma where one is due.

func key(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return append(append(append(b, '"'), name...), '"', ':')
}

func next(b []byte) []byte {
	if b[len(b)-1] != '[' {
		b = append(b, ',')
	}
	return b
}

func textIn(b []byte, name, s string) []byte { return quoted(key(b, name), s) }

func maybeIn(b []byte, name string, s *string) []byte {
	if s == nil {
		return append(key(b, name), "null"...)
	}
	return textIn(b, name, *s)
}

func idIn(b []byte, prefix string, u uuid.UUID) []byte {
	b = append(key(b, "id"), '"')
	return append(id.Append(b, prefix, u), '"')
}

func boolIn(b []byte, name string, v bool) []byte { return strconv.AppendBool(key(b, name), v) }

func timeIn(b []byte, name string, t time.Time) []byte {
	b = append(key(b, name), '"')
	return append(t.UTC().AppendFormat(b, time.RFC3339Nano), '"')
}

func dateIn(b []byte, name string, t *time.Time) []byte {
	b = key(b, name)
	if t == nil {
		return append(b, "null"...)
	}
	return append(t.AppendFormat(append(b, '"'), time.DateOnly), '"')
}

func upperIn(b []byte, name, s string) []byte {
	b = append(key(b, name), '"')
	for _, c := range []byte(s) {
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		b = append(b, c)
	}
	return append(b, '"')
}

func amountIn(b []byte, minor *int64, currency *string) []byte {
	b = key(b, "amount")
	if minor == nil || currency == nil {
		return append(b, "null"...)
	}
	b = append(b, `{"amount":"`...)
	b = append(strconv.AppendInt(b, *minor, 10), '"')
	return append(textIn(b, "currency", *currency), '}')
}

func ownerIn(b []byte, owner *uuid.UUID, name *string) []byte {
	b = key(b, "owner")
	if owner == nil || name == nil {
		return append(b, "null"...)
	}
	return append(textIn(idIn(append(b, '{'), id.Staff, *owner), "name", *name), '}')
}

func quoted(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= utf8.RuneSelf || c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		if c == '"' || c == '\\' {
			b = append(b, '\\', c)
		} else {
			b = append(b, '\\', 'u', '0', '0', "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		}
		from = i + 1
	}
	return append(append(b, s[from:]...), '"')
}
