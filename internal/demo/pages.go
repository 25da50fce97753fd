package demo

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
	"unicode/utf16"
)

// page is a PDF of one page with the lines on it. The font is one that readers of PDF bring along for Chinese, so that nothing is embedded.
func page(lines []string) []byte {
	var text strings.Builder
	text.WriteString("BT /F1 20 Tf 60 770 Td 34 TL\n")
	for _, l := range lines {
		text.WriteString("<")
		for _, u := range utf16.Encode([]rune(l)) {
			fmt.Fprintf(&text, "%04X", u)
		}
		text.WriteString("> Tj T*\n")
	}
	text.WriteString("ET")
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 4 0 R >> >> /Contents 7 0 R >>",
		"<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H /DescendantFonts [5 0 R] >>",
		"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 2 >> /DW 1000 /FontDescriptor 6 0 R >>",
		"<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /FontBBox [-25 -254 1000 880] /ItalicAngle 0 /Ascent 880 /Descent -120 /CapHeight 880 /StemV 93 >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", text.Len(), text.String()),
	}
	var out bytes.Buffer
	out.WriteString("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
	offsets := make([]int, len(objects))
	for i, o := range objects {
		offsets[i] = out.Len()
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, at := range offsets {
		fmt.Fprintf(&out, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&out, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, start)
	return out.Bytes()
}

// glyphs are the characters of the stamp, on a grid of twelve by twelve: 演示 (for demonstration) and 虚构 (fictional), a row for each string.
func glyphs() [][]string {
	return [][]string{
		{"............", "##..#####.#.", "..#.#...#.#.", "....##.##.#.", "##..#####.#.", "..#.#.#.#.#.", "..#.#####.#.", "##...#.#..#.", "#...#...#.#.", "............", "..########..", "............"},
		{"..########..", "............", "............", "############", ".....##.....", ".....##.....", "..##.##.##..", ".##..##..##.", "##...##...##", ".....##.....", "...####.....", "............"},
		{".....#......", ".....#####..", ".##########.", ".#...#....#.", ".#.#####....", ".#...#...#..", ".#...#####..", ".#..#..#....", ".#.##..##.#.", ".#.##..####.", "##..#..#....", "#.########.."},
		{"..#..#......", "..#..#######", "#####.....#.", "..#.#..#..#.", ".###...#..#.", ".#.#.#.#..#.", "##.#..#...#.", "#.##.###.##.", "..#.#..#.##.", "..#......#..", "..#....###..", "............"},
	}
}

// picture is a scanned sheet, as one would look: lines of writing that nobody can read, and a red stamp that says that all of it is made up.
func picture(seed byte) []byte {
	const w, h, dot = 480, 640, 6
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetRGBA(x, y, color.RGBA{250, 248, 240, 255})
		}
	}
	for row := range 14 {
		length := 180 + (int(seed)*37+row*53)%220
		for x := 40; x < 40+length; x++ {
			if (x/9+row)%5 == 0 {
				continue
			}
			for y := range 8 {
				img.SetRGBA(x, 60+row*26+y, color.RGBA{90, 90, 100, 255})
			}
		}
	}
	for n, g := range glyphs() {
		for y, line := range g {
			for x, c := range line {
				if c != '#' {
					continue
				}
				for i := range dot * dot {
					img.SetRGBA(70+n*90+x*dot+i%dot, 480+y*dot+i/dot, color.RGBA{190, 20, 20, 255})
				}
			}
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		panic(err) // into memory
	}
	return out.Bytes()
}
