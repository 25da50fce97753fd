package file

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
)

// fontPlaces are where systems have a TrueType font with Chinese characters.
func fontPlaces() []string {
	return []string{
		"/usr/share/fonts-droid-fallback/truetype/DroidSansFallback.ttf",
		"/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
		"/usr/share/fonts/truetype/droid/DroidSansFallback.ttf",
		"/usr/share/fonts/google-droid-sans-fonts/DroidSansFallbackFull.ttf",
		"/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
		"/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
		"/usr/share/fonts/wqy-zenhei/wqy-zenhei.ttc",
		"/Library/Fonts/Arial Unicode.ttf",
		"/System/Library/Fonts/Supplemental/Arial Unicode.ttf",
	}
}

// findFont is the path of the font that is used: the configured one, which must be there and have Chinese characters, or
// the first that is found, or none.
func findFont(configured string) (string, error) {
	if configured != "" {
		path, err := filepath.Abs(configured)
		if err == nil {
			_, err = openFont(path)
		}
		if err != nil {
			return "", fmt.Errorf("file: font %s: %w", configured, err)
		}
		return path, nil
	}
	for _, path := range fontPlaces() {
		if _, err := openFont(path); err == nil {
			return path, nil
		}
	}
	return "", nil
}

// openFont reads a TrueType font, or the first one of a collection.
func openFont(path string) (*sfnt.Font, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c, err := opentype.ParseCollection(b)
	if err != nil {
		return nil, err
	}
	f, err := c.Font(0)
	if err != nil {
		return nil, err
	}
	if !covers(f, "张") {
		return nil, fmt.Errorf("it has no Chinese characters")
	}
	return f, nil
}

func covers(f *sfnt.Font, text string) bool {
	var b sfnt.Buffer
	for _, r := range text {
		if i, err := f.GlyphIndex(&b, r); err != nil || i == 0 {
			return false
		}
	}
	return true
}

// faces are fonts of one size, the first that has a character drawing it.
type faces struct {
	fonts []*sfnt.Font
	faces []font.Face
}

// newFaces opens the font at path, if any, behind one with Latin letters that the program brings along.
func newFaces(path string, size float64) (*faces, error) {
	latin, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, err
	}
	f := &faces{fonts: []*sfnt.Font{latin}}
	if path != "" {
		chinese, err := openFont(path)
		if err != nil {
			return nil, err
		}
		f.fonts = append(f.fonts, chinese)
	}
	for _, one := range f.fonts {
		face, err := opentype.NewFace(one, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingNone})
		if err != nil {
			return nil, err
		}
		f.faces = append(f.faces, face)
	}
	return f, nil
}

// of is the face that draws r; the first one draws what none has.
func (f *faces) of(r rune) font.Face {
	for i, one := range f.fonts {
		if covers(one, string(r)) {
			return f.faces[i]
		}
	}
	return f.faces[0]
}

// has: every character is drawn by one of them.
func (f *faces) has(text string) bool {
	for _, r := range text {
		found := false
		for _, one := range f.fonts {
			found = found || covers(one, string(r))
		}
		if !found {
			return false
		}
	}
	return true
}

// CheckFont tells whether the configured font can be used; empty is none.
func CheckFont(path string) error {
	if path == "" {
		return nil
	}
	_, err := openFont(path)
	return err
}
