package file

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"image/png"
	"io"
)

// maxPixels of a picture that is opened: 4 bytes each, a few times over.
const maxPixels = 40 << 20

var errPixels = errors.New("file: the picture has too many pixels")

// measure reads the size of a picture from its first bytes and refuses one that would take the memory.
func measure(b []byte, media string) error {
	var c image.Config
	var err error
	switch media {
	case "image/png":
		c, err = png.DecodeConfig(bytes.NewReader(b))
	case "image/jpeg":
		c, err = jpeg.DecodeConfig(bytes.NewReader(b))
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errType, err)
	}
	if c.Width <= 0 || c.Height <= 0 || int64(c.Width)*int64(c.Height) > maxPixels {
		return errPixels
	}
	return nil
}

// markPicture writes the picture again with the lines on it.
func markPicture(b []byte, media string, out io.Writer, fontPath string, lines func(*faces) []string) error {
	if err := measure(b, media); err != nil {
		return err
	}
	var src image.Image
	var err error
	if media == "image/png" {
		src, err = png.Decode(bytes.NewReader(b))
	} else {
		src, err = jpeg.Decode(bytes.NewReader(b))
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errType, err)
	}
	dst := upright(src, orientation(b))
	if err := markImage(dst, fontPath, lines); err != nil {
		return err
	}
	if media == "image/png" {
		return png.Encode(out, dst)
	}
	return jpeg.Encode(out, dst, &jpeg.Options{Quality: 90})
}

// upright is the picture as people see it: cameras write which way it was held beside the pixels, and what is beside
// them is not written again.
func upright(src image.Image, turned int) draw.Image {
	b := src.Bounds()
	w, h := b.Dx(), b.Dy()
	if turned < 2 || turned > 8 {
		dst := image.NewRGBA(image.Rect(0, 0, w, h))
		draw.Draw(dst, dst.Bounds(), src, b.Min, draw.Src)
		return dst
	}
	size := image.Rect(0, 0, w, h)
	if turned >= 5 {
		size = image.Rect(0, 0, h, w)
	}
	dst := image.NewRGBA(size)
	for y := range h {
		for x := range w {
			var p image.Point
			switch turned {
			case 2:
				p = image.Pt(w-1-x, y)
			case 3:
				p = image.Pt(w-1-x, h-1-y)
			case 4:
				p = image.Pt(x, h-1-y)
			case 5:
				p = image.Pt(y, x)
			case 6:
				p = image.Pt(h-1-y, x)
			case 7:
				p = image.Pt(h-1-y, w-1-x)
			case 8:
				p = image.Pt(y, w-1-x)
			}
			dst.Set(p.X, p.Y, src.At(b.Min.X+x, b.Min.Y+y))
		}
	}
	return dst
}

// orientation is the EXIF tag 0x0112 of a JPEG, 1 where there is none.
func orientation(b []byte) int {
	for at := 2; at+4 <= len(b) && b[at] == 0xff; {
		marker, length := b[at+1], int(binary.BigEndian.Uint16(b[at+2:]))
		if length < 2 || at+2+length > len(b) || marker == 0xda {
			return 1
		}
		if part := b[at+4 : at+2+length]; marker == 0xe1 && bytes.HasPrefix(part, []byte("Exif\x00\x00")) {
			return exifOrientation(part[6:])
		}
		at += 2 + length
	}
	return 1
}

func exifOrientation(tiff []byte) int {
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.BigEndian
	if tiff[0] == 'I' {
		order = binary.LittleEndian
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return 1
	}
	for i := range int64(order.Uint16(tiff[at:])) {
		entry := at + 2 + 12*i
		if entry+12 > int64(len(tiff)) {
			return 1
		}
		if order.Uint16(tiff[entry:]) == 0x0112 {
			return int(order.Uint16(tiff[entry+8:]))
		}
	}
	return 1
}
