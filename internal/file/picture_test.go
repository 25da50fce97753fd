package file

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"testing"
)

// drawing is a grey picture with a black corner at the top left, so that a turn shows.
func drawing(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{230, 230, 230, 255}
			if x < w/4 && y < h/4 {
				c = color.RGBA{0, 0, 0, 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

func picturePNG(t testing.TB, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, png.Encode(&b, drawing(w, h)))
	return b.Bytes()
}

func pictureJPEG(t testing.TB, w, h int, turned uint16) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, jpeg.Encode(&b, drawing(w, h), nil))
	if turned == 0 {
		return b.Bytes()
	}
	exif := append([]byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01"), byte(turned>>8), byte(turned), 0, 0, 0, 0, 0, 0)
	part := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(exif)+2))
	return append(append(append([]byte{0xff, 0xd8}, part...), exif...), b.Bytes()[2:]...)
}

// bombPNG says that it has more points than memory has room for.
func bombPNG(w, h uint32) []byte {
	head := binary.BigEndian.AppendUint32([]byte("IHDR"), w)
	head = append(binary.BigEndian.AppendUint32(head, h), 8, 6, 0, 0, 0)
	b := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), head...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(head))
}

func TestPicturesStandUpright(t *testing.T) {
	t.Parallel()
	dark := func(img image.Image, x, y int) bool { r, _, _, _ := img.At(x, y).RGBA(); return r < 0x4000 }
	for turned, corner := range map[uint16]image.Point{0: {2, 2}, 1: {2, 2}, 2: {78, 2}, 3: {78, 38}, 4: {2, 38}, 5: {2, 2}, 6: {38, 2}, 7: {38, 78}, 8: {2, 78}, 9: {2, 2}} {
		b := pictureJPEG(t, 80, 40, turned)
		src, err := jpeg.Decode(bytes.NewReader(b))
		must(t, err)
		img := upright(src, orientation(b))
		size := image.Pt(80, 40)
		if turned >= 5 && turned <= 8 {
			size = image.Pt(40, 80)
		}
		if img.Bounds().Size() != size || !dark(img, corner.X, corner.Y) {
			t.Errorf("turned %d: %v", turned, img.Bounds())
		}
	}
	for _, b := range [][]byte{nil, {0xff, 0xd8}, {0xff, 0xd8, 0xff}, []byte("\xff\xd8\xff\xe1\x00\x20Exif\x00\x00MM"), []byte("\xff\xd8\xff\xe1\x00\x10Exif\x00\x00MM\x00*\xff\xff\xff\xff")} {
		if orientation(b) != 1 {
			t.Errorf("%x", b)
		}
	}
}
