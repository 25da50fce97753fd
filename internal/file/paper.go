package file

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image/color"
	"image/png"
	"io"
	"regexp"
	"time"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"
)

// maxPages of a document that is marked.
const maxPages = 5000

var errEncrypted = errors.New("file: the document is encrypted")

// openPaper reads a PDF without its folder of settings and without a network.
func openPaper(b []byte) (*model.Context, error) {
	api.DisableConfigDir()
	conf := model.NewDefaultConfiguration()
	conf.Offline = true
	conf.Cmd = model.ADDWATERMARKS
	conf.OptimizeDuplicateContentStreams = false
	// The trailer and the document's dates stay plain text: see settle.
	conf.WriteObjectStream, conf.WriteXRefStream = false, false
	ctx, err := api.ReadValidateAndOptimize(bytes.NewReader(b), conf)
	switch {
	case err != nil && encrypted(b):
		return nil, fmt.Errorf("%w: %w", errEncrypted, err)
	case err != nil:
		return nil, err
	case ctx.Encrypt != nil:
		return nil, errEncrypted // it opens without a password, but has restrictions that a marked copy would not keep
	}
	if ctx.PageCount < 1 || ctx.PageCount > maxPages {
		return nil, fmt.Errorf("file: the document has %d pages", ctx.PageCount)
	}
	return ctx, nil
}

// markPaper writes the document with the lines on every page: large and thin across it, small at its foot.
func markPaper(b []byte, out io.Writer, fontPath string, lines func(*faces) []string) error {
	begin := time.Now()
	ctx, err := openPaper(b)
	if err != nil {
		return err
	}
	f, err := newFaces(fontPath, 64)
	if err != nil {
		return err
	}
	var picture bytes.Buffer
	// The same pixels twice: a picture keeps every character, whatever fonts the document has.
	if err := png.Encode(&picture, textImage(f, lines(f), color.NRGBA{200, 0, 0, 255})); err != nil {
		return err
	}
	pages := types.IntSet{}
	for i := range ctx.PageCount {
		pages[i+1] = true
	}
	for _, how := range []string{"pos:c, scale:0.85 rel, rot:45, op:0.22", "pos:bl, off:10 6, scale:0.32 rel, rot:0, op:0.75"} {
		wm, err := api.ImageWatermarkForReader(bytes.NewReader(picture.Bytes()), how, true, false, types.POINTS)
		if err != nil {
			return err
		}
		if err := pdfcpu.AddWatermarks(ctx, pages, wm); err != nil {
			return err
		}
	}
	var written bytes.Buffer
	if err := api.Write(ctx, &written, ctx.Configuration); err != nil {
		return err
	}
	_, err = out.Write(ordered(settle(written.Bytes(), b, begin)))
	return err
}

// settle puts what does not depend on the hour in the place of what the writer took from the clock: the dates of its
// making, and the identifier that it made of them. Both keep their length, so no offset moves.
func settle(out, source []byte, begin time.Time) []byte {
	for at := begin.Add(-time.Second); !at.After(time.Now().Add(time.Second)); at = at.Add(time.Second) {
		out = bytes.ReplaceAll(out, []byte("("+types.DateString(at)+")"), []byte("("+types.DateString(time.Unix(0, 0).In(at.Location()))+")"))
	}
	find := regexp.MustCompile(`/ID ?\[ ?<[0-9a-fA-F]{32}> ?<[0-9a-fA-F]{32}> ?\]`)
	if all := find.FindAllIndex(out, -1); len(all) > 0 {
		last := all[len(all)-1]
		sum := sha256.Sum256(source)
		name := []byte(hex.EncodeToString(sum[:16]))
		part := regexp.MustCompile(`<[0-9a-fA-F]{32}>`).ReplaceAll(out[last[0]:last[1]], append(append([]byte("<"), name...), '>'))
		copy(out[last[0]:last[1]], part)
	}
	return out
}

// encrypted: the trailer of a document that cannot be read says so.
func encrypted(b []byte) bool {
	return regexp.MustCompile(`/Encrypt[ \t\r\n]*(\d+[ \t\r\n]+\d+[ \t\r\n]+R|<<)`).Match(b)
}
