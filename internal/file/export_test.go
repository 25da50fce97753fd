package file

import (
	"os"
	"path/filepath"
	"testing"
)

// MarkedFor is the copy of the bytes that the reader of the mark gets, made here and not in a workshop.
func MarkedFor(t testing.TB, b []byte, media string, m Mark) []byte {
	t.Helper()
	font, err := findFont("")
	must(t, err)
	j := job{Task: "mark", Out: filepath.Join(t.TempDir(), "out"), Media: media, Mark: m, Font: font}
	must(t, j.mark(b))
	out, err := os.ReadFile(j.Out)
	must(t, err)
	return out
}

// PicturePNG is a picture of two colours.
func PicturePNG(t testing.TB, w, h int) []byte { return picturePNG(t, w, h) }
