package file

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"

	"github.com/clientele/clientele/internal/tenancy"
)

var borrower = Mark{Name: "欧阳致远", Reference: "bor_01h455vb4pex5vsknk084sn02q", At: time.Date(2026, 11, 23, 9, 30, 0, 0, time.FixedZone("", 8*3600))}

func lend(class int) Decide {
	return func(context.Context, *tenancy.Tx, Click) (Terms, error) {
		return Terms{Mark: &borrower, Class: class}, nil
	}
}

// Documents of several producers are marked on every page, and always the same.
func TestDocumentsAreMarkedOnEveryPage(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	x.deciding(lend(5))
	for name, pages := range map[string]int{"chromium.pdf": 2, "ghostscript.pdf": 2, "scan.pdf": 2, "linearized.pdf": 2, "rotated.pdf": 2} {
		body, err := os.ReadFile(filepath.Join("testdata", name))
		must(t, err)
		f := x.clean(name, "application/pdf", body)
		if f.State != Clean || f.Note != "" {
			t.Errorf("%s: %s %s", name, f.State, f.Note)
			continue
		}
		a := x.do("GET", x.link(x.person, f.ID, ""), nil)
		if a.status != 200 || bytes.Equal(a.body, body) || a.header.Get("Etag") == `"`+f.Hash()+`"` {
			t.Errorf("%s: %d", name, a.status)
			continue
		}
		ctx, err := api.ReadValidateAndOptimize(bytes.NewReader(a.body), model.NewDefaultConfiguration())
		must(t, err)
		for page := 1; page <= max(pages, ctx.PageCount); page++ {
			r, err := pdfcpu.ExtractPageContent(ctx, page)
			must(t, err)
			content, err := io.ReadAll(r)
			must(t, err)
			if n := bytes.Count(content, []byte("/Watermark")); n != 2 {
				t.Errorf("%s, page %d: %d marks", name, page, n)
			}
		}
		x.s.marked.close() // and made anew, later
		x.s.marked = newMarked(1 << 30)
		again := x.do("GET", x.link(x.person, f.ID, ""), nil)
		if !bytes.Equal(again.body, a.body) || again.header.Get("Etag") != a.header.Get("Etag") {
			t.Errorf("%s: marked another way the second time", name)
		}
		part := x.do("GET", x.link(x.person, f.ID, ""), nil, "Range", "bytes=1000-1999", "If-Range", a.header.Get("Etag"))
		if part.status != 206 || !bytes.Equal(part.body, a.body[1000:2000]) {
			t.Errorf("%s: a range: %d", name, part.status)
		}
	}
}

func TestPicturesAreMarked(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	x.deciding(lend(7))
	for media, body := range map[string][]byte{"image/png": picturePNG(t, 600, 400), "image/jpeg": pictureJPEG(t, 600, 400, 6)} {
		f := x.clean("a", media, body)
		a := x.do("GET", x.link(x.person, f.ID, ""), nil)
		img, err := png.Decode(bytes.NewReader(a.body))
		want := image.Pt(600, 400)
		if media == "image/jpeg" {
			img, err = jpeg.Decode(bytes.NewReader(a.body))
			want = image.Pt(400, 600)
		}
		must(t, err)
		red := 0
		for y := range img.Bounds().Dy() {
			for x := range img.Bounds().Dx() {
				if r, g, _, _ := img.At(x, y).RGBA(); r > g+0x1800 {
					red++
				}
			}
		}
		if img.Bounds().Size() != want || red < 2000 {
			t.Errorf("%s: %v, %d points of the mark", media, img.Bounds(), red)
		}
	}
}

// What cannot be marked is not lent from class L4 on, and lent as it is below.
func TestWhatCannotBeMarked(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	broken := []byte("%PDF-1.7\nnothing that could be read")
	for name, f := range map[string]File{"text": x.clean("a.txt", "text/plain", text), "broken": x.clean("a.pdf", "application/pdf", broken)} {
		x.deciding(lend(4))
		if a := x.do("GET", x.link(x.person, f.ID, ""), nil, "Accept-Language", "en"); a.reason() != "403 FORBIDDEN UNMARKABLE" || !bytes.Contains(a.body, []byte("custodian")) {
			t.Errorf("%s at L4: %d %s", name, a.status, a.body)
		}
		x.deciding(lend(3))
		if a := x.do("GET", x.link(x.person, f.ID, ""), nil); a.status != 200 || int64(len(a.body)) != f.Size {
			t.Errorf("%s at L3: %d %s", name, a.status, a.body)
		}
	}
	if len(x.told()) != 2 {
		t.Errorf("%q", x.told())
	}
}

// Many who come at once wait for one copy; what is kept is bounded; readers of what was dropped finish reading.
func TestMarkedCopiesAreShared(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	f := x.clean("a.png", "image/png", picturePNG(t, 100, 80))
	var all sync.WaitGroup
	var mu sync.Mutex
	made := map[*markedCopy]int{}
	for range 8 {
		all.Go(func() {
			c, err := x.s.markedCopy(t.Context(), f, borrower)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			made[c]++
		})
	}
	all.Wait()
	if len(made) != 1 {
		t.Fatalf("%d copies", len(made))
	}
	var held *markedCopy
	for held = range made {
	}
	kept := func(look func()) {
		x.s.marked.mu.Lock()
		defer x.s.marked.mu.Unlock()
		look()
	}
	kept(func() { x.s.marked.most = held.size }) // room for one
	other, err := x.s.markedCopy(t.Context(), f, Mark{Name: "张三", At: borrower.At})
	must(t, err)
	kept(func() {
		if x.s.marked.total != other.size || len(x.s.marked.copies) != 1 {
			t.Errorf("%d bytes in %d copies", x.s.marked.total, len(x.s.marked.copies))
		}
	})
	in := held.reader()
	b := make([]byte, held.size)
	if n, err := in.Read(b); err != nil || int64(n) != held.size {
		t.Errorf("a dropped copy: %d %v", n, err)
	}
	for range 8 {
		held.release()
	}
	kept(func() {
		if held.f != nil || other.f == nil {
			t.Error("the dropped copy is still open, or the kept one is not")
		}
	})
	other.release()
	left, err := filepath.Glob(filepath.Join(x.s.bench.temp, "*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %q %v", left, err)
	}
}

// Parsers of strangers' files die in a process of their own.
func TestWorkshopsThatDie(t *testing.T) {
	t.Parallel()
	for what, command := range map[string][]string{
		"ends with an error": {"/bin/sh", "-c", "exit 3"}, "is killed": {"/bin/sh", "-c", "kill -9 $$"}, "does not come back": {"/bin/sh", "-c", "exec sleep 100"},
	} {
		x := newFixture(t, func(c *Config) { c.Workshop, c.Limits.Render = command, 200*time.Millisecond })
		f := x.clean("a.png", "image/png", picturePNG(t, 10, 10))
		if f.State != Clean || f.Note != reasonMark {
			t.Errorf("%s: %s %s", what, f.State, f.Note)
		}
		x.deciding(lend(5))
		if a := x.do("GET", x.link(x.person, f.ID, ""), nil); a.reason() != "403 FORBIDDEN UNMARKABLE" {
			t.Errorf("%s: %s", what, a.reason())
		}
	}
}

// Ten kilobytes that unfold to two gigabytes, twice packed: the workshop runs into its limit, the file can be kept and is
// not lent.
func TestBombEndsInTheWorkshop(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	body, err := os.ReadFile(filepath.Join("testdata", "bomb.pdf"))
	must(t, err)
	f := x.clean("bomb.pdf", "application/pdf", body)
	if f.State != Clean || f.Note != reasonMark {
		t.Errorf("%s %s", f.State, f.Note)
	}
	x.deciding(lend(4))
	if a := x.do("GET", x.link(x.person, f.ID, ""), nil); a.reason() != "403 FORBIDDEN UNMARKABLE" {
		t.Error(a.reason())
	}
}

// A workshop that cannot even start is the operator's trouble and no property of the file.
func TestWorkshopThatIsNotThere(t *testing.T) {
	t.Parallel()
	x := newFixture(t, func(c *Config) { c.Workshop = []string{"/nonexistent/program"} })
	f := x.upload("a.png", "image/png", picturePNG(t, 10, 10))
	must(t, x.s.ScanTenant(t.Context(), f.Tenant))
	if got := x.row(f.ID); got != "quarantined|SCAN_FAILED|2" {
		t.Error(got)
	}
}

func TestNamesInLatinLettersWhereThereIsNoFont(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"欧阳致远": "ou yang zhi yuan", "Anna Müller": "anna m ller", "O'Brien": "O'Brien", "单雄信": "shan xiong xin"} {
		m := Mark{Name: in, Reference: "bor_1", At: borrower.At}
		if got := m.lines(false); strings.Join(got, "|") != want+"|2026-11-23 09:30 +08:00|bor_1" {
			t.Errorf("%s: %q", in, got)
		}
	}
	latinOnly, err := newFaces("", 20)
	must(t, err)
	if latinOnly.has("欧阳") || !latinOnly.has("Müller") {
		t.Error("which characters the font has")
	}
	if _, err := findFont(filepath.Join(t.TempDir(), "none.ttf")); err == nil {
		t.Error("a font that is not there")
	}
}
