package file

import (
	"strings"
	"time"

	"github.com/clientele/clientele/internal/pinyin"
)

// Mark is what stands on every page of a copy: who reads it, since when, and under what. The same Mark gives the same
// bytes, so At is the time of the borrowing and not of the click.
type Mark struct {
	Name      string    // of the reader
	Reference string    // of the borrowing: Latin letters and digits
	At        time.Time // in the zone that people read
}

// lines are the text of the mark; in Latin letters alone where there is no font with Chinese characters.
func (m Mark) lines(chinese bool) []string {
	name := shown(m.Name)
	if !chinese {
		name = latin(name)
	}
	return []string{name, m.At.Format("2006-01-02 15:04 -07:00"), latin(shown(m.Reference))}
}

// latin is the name in pinyin, what is Latin in it as it is.
func latin(name string) string {
	for _, r := range name {
		if r > 0x7e {
			return strings.TrimSpace(strings.Map(func(r rune) rune {
				if r > 0x7e {
					return -1
				}
				return r
			}, pinyin.PersonKey(name)))
		}
	}
	return name
}
