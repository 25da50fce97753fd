package file

import (
	"image"
	"image/color"
	"image/draw"

	"golang.org/x/image/font"
	"golang.org/x/image/math/fixed"
)

// textImage draws lines one below the other, centred, on nothing.
func textImage(f *faces, lines []string, ink color.Color) *image.NRGBA {
	metrics := f.faces[0].Metrics()
	for _, face := range f.faces[1:] {
		m := face.Metrics()
		metrics.Ascent, metrics.Descent = max(metrics.Ascent, m.Ascent), max(metrics.Descent, m.Descent)
	}
	height := (metrics.Ascent + metrics.Descent).Ceil() + 2
	width := 1
	for _, l := range lines {
		width = max(width, f.measure(l).Ceil()+4)
	}
	img := image.NewNRGBA(image.Rect(0, 0, width, height*len(lines)))
	for i, l := range lines {
		at := fixed.Point26_6{X: (fixed.I(width) - f.measure(l)) / 2, Y: fixed.I(height*i+1) + metrics.Ascent}
		for _, r := range l {
			d := font.Drawer{Dst: img, Src: image.NewUniform(ink), Face: f.of(r), Dot: at}
			d.DrawString(string(r))
			at = d.Dot
		}
	}
	return img
}

func (f *faces) measure(text string) fixed.Int26_6 {
	var w fixed.Int26_6
	for _, r := range text {
		w += font.MeasureString(f.of(r), string(r))
	}
	return w
}

// drawRotated draws src turned by 45 degrees around the point, thinned to alpha of 255.
func drawRotated(dst draw.Image, src *image.NRGBA, x0, y0 int, alpha uint32) {
	const half = 0.7071067811865476
	w, h := src.Bounds().Dx(), src.Bounds().Dy()
	reach := (w + h) * 3 / 4
	area := image.Rect(x0-reach, y0-reach, x0+reach, y0+reach).Intersect(dst.Bounds())
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			dx, dy := float64(x-x0), float64(y-y0)
			sx, sy := int(dx*half-dy*half)+w/2, int(dx*half+dy*half)+h/2
			if sx < 0 || sy < 0 || sx >= w || sy >= h {
				continue
			}
			blend(dst, x, y, src.NRGBAAt(sx, sy), alpha)
		}
	}
}

// blend lays c over a point.
func blend(dst draw.Image, x, y int, c color.NRGBA, alpha uint32) {
	a := uint32(c.A) * alpha / 255
	if a == 0 {
		return
	}
	r, g, b, under := dst.At(x, y).RGBA()
	mix := func(over uint8, below uint32) uint8 { return uint8((uint32(over)*a + (below>>8)*(255-a)) / 255) }
	dst.Set(x, y, color.RGBA{mix(c.R, r), mix(c.G, g), mix(c.B, b), uint8(max(a, under>>8))})
}

// markImage puts the lines across the picture, in several places of a large one, and once at the bottom in full strength.
func markImage(img draw.Image, fontPath string, lines func(*faces) []string) error {
	b := img.Bounds()
	size := float64(min(b.Dx(), b.Dy())) / 14
	size = max(8, min(size, 160))
	f, err := newFaces(fontPath, size)
	if err != nil {
		return err
	}
	text := lines(f)
	across := textImage(f, text, color.NRGBA{200, 0, 0, 255})
	step := max(across.Bounds().Dx()*9/10, 1)
	for y := b.Min.Y + min(step, b.Dy())/2; y < b.Max.Y; y += step {
		for x := b.Min.X + min(step, b.Dx())/2; x < b.Max.X; x += step {
			drawRotated(img, across, x, y, 70)
		}
	}
	small, err := newFaces(fontPath, max(7, size/3))
	if err != nil {
		return err
	}
	foot := textImage(small, text, color.NRGBA{200, 0, 0, 255})
	for y := range foot.Bounds().Dy() {
		for x := range foot.Bounds().Dx() {
			if p := image.Pt(b.Min.X+4+x, b.Max.Y-foot.Bounds().Dy()-2+y); p.In(b) {
				blend(img, p.X, p.Y, foot.NRGBAAt(x, y), 200)
			}
		}
	}
	return nil
}
