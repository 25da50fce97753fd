package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// appendCanonicalJSON appends src without white space, with the members of every object in the order of the bytes of
// their names. In strings only `"`, `\` and characters below U+0020 are escaped, the latter as \u00xx in lower case.
// Numbers keep their digits: PostgreSQL's jsonb keeps them too (1.0 is not 1.00), over backup, restore and versions,
// while its order of members and its spacing are only its present habit.
func appendCanonicalJSON(dst, src []byte) ([]byte, error) {
	if !utf8.Valid(src) {
		return nil, errors.New("not UTF-8")
	}
	if !json.Valid(src) {
		return nil, errors.New("not JSON")
	}
	w := jsonWalk{src: src}
	return w.value(dst)
}

// jsonWalk goes through text that is known to be valid.
type jsonWalk struct {
	src []byte
	at  int
}

func (w *jsonWalk) space() {
	for w.at < len(w.src) && strings.IndexByte(" \t\r\n", w.src[w.at]) >= 0 {
		w.at++
	}
}

func (w *jsonWalk) value(dst []byte) ([]byte, error) {
	w.space()
	switch w.src[w.at] {
	case '{':
		return w.object(dst)
	case '[':
		return w.array(dst)
	case '"':
		s, err := w.text()
		return appendString(dst, s), err
	}
	start := w.at
	for w.at < len(w.src) && strings.IndexByte(" \t\r\n,]}", w.src[w.at]) < 0 {
		w.at++
	}
	return append(dst, w.src[start:w.at]...), nil
}

func (w *jsonWalk) array(dst []byte) ([]byte, error) {
	w.at++
	dst = append(dst, '[')
	for first := true; ; first = false {
		w.space()
		if w.src[w.at] == ']' {
			w.at++
			return append(dst, ']'), nil
		}
		if !first {
			w.at++ // the comma
			dst = append(dst, ',')
		}
		var err error
		if dst, err = w.value(dst); err != nil {
			return nil, err
		}
	}
}

type member struct{ name, value []byte }

func (w *jsonWalk) object(dst []byte) ([]byte, error) {
	w.at++
	var members []member
	for first := true; ; first = false {
		w.space()
		if w.src[w.at] == '}' {
			w.at++
			break
		}
		if !first {
			w.at++ // the comma
			w.space()
		}
		name, err := w.text()
		if err != nil {
			return nil, err
		}
		w.space()
		w.at++ // the colon
		value, err := w.value(nil)
		if err != nil {
			return nil, err
		}
		members = append(members, member{name, value})
	}
	slices.SortFunc(members, func(a, b member) int { return bytes.Compare(a.name, b.name) })
	dst = append(dst, '{')
	for i, m := range members {
		if i > 0 {
			// SECURITY: of two members of one name readers take either; a text that can be read twice is no evidence.
			if bytes.Equal(members[i-1].name, m.name) {
				return nil, fmt.Errorf("member %q stands twice", m.name)
			}
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, m.name), ':')
		dst = append(dst, m.value...)
	}
	return append(dst, '}'), nil
}

// text takes the string that begins here, without its escapes.
func (w *jsonWalk) text() ([]byte, error) {
	start, escaped := w.at, false
	for w.at++; w.src[w.at] != '"'; w.at++ {
		if w.src[w.at] == '\\' {
			escaped = true
			w.at++
		}
	}
	w.at++
	if !escaped {
		return w.src[start+1 : w.at-1], nil
	}
	var s string
	if err := json.Unmarshal(w.src[start:w.at], &s); err != nil {
		return nil, err
	}
	return []byte(s), nil
}

func appendString(dst, s []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
