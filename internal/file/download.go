package file

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/clientele/clientele/internal/blob"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
)

// granted is a click that was decided: what is served, to whom.
type granted struct {
	session *tenancy.Session
	link    linkKey
	file    File
	purpose string
	terms   Terms
}

const actorName = `SELECT display_name FROM accounts WHERE tenant_id = $1 AND id = $2`

// click decides a link anew. Every refusal but NOT_FOUND and the states of a file is FORBIDDEN.
func (s routes) click(ctx context.Context, c claim, key linkKey, session *tenancy.Session) (granted, error) {
	g := granted{session: session, link: key, purpose: c.purpose}
	err := s.db.InTx(ctx, session, func(ctx context.Context, tx *tenancy.Tx) error {
		if err := tx.QueryRow(ctx, actorName, c.tenant.UUID(), c.actor.Account).Scan(&session.Actor.Name); err != nil {
			return err
		}
		if err := c.current(tx.Now(), tx.Epochs()); err != nil {
			return err
		}
		f, err := s.Load(ctx, tx, c.file)
		if err != nil {
			return err
		}
		if err := f.servable(); err != nil {
			return err
		}
		g.file = f
		g.terms, err = s.web.Decide(ctx, tx, Click{File: f, Purpose: c.purpose})
		return err
	})
	if fault.CodeOf(err) == fault.Unauthenticated {
		err = ended("LINK_REVOKED")
	}
	return g, err
}

// unmarkedClass is the class from which on nothing leaves without its mark.
const unmarkedClass = 4

// prepare finds the bytes to send: those of the store, or a marked copy of them. release is always called.
func (s routes) prepare(ctx context.Context, g granted) (body io.ReadSeeker, tag string, release func(), err error) {
	if g.terms.Mark != nil {
		media, _ := mediaOf(g.file.MediaType)
		if media.Marked {
			copied, err := s.markedCopy(ctx, g.file, *g.terms.Mark)
			if err == nil {
				return copied.reader(), copied.tag, copied.release, nil
			}
			if !errors.Is(err, errUnmarkable) {
				return nil, "", func() {}, err
			}
			s.log.WarnContext(ctx, "a file cannot be marked", slog.String("file", g.file.ID.String()), slog.Any("error", err))
		}
		// SECURITY: what would leave without the reader's name, though it should have it, does not leave from L4 on.
		if g.terms.Class >= unmarkedClass {
			return nil, "", func() {}, fault.Forbidden("UNMARKABLE", fault.Text{ZH: "该文件无法加注借阅人水印，不能外借下载", EN: "the borrower's name cannot be put on this file, so it is not handed out"}, "",
				fault.Text{ZH: "请保管员改存为 PDF、PNG 或 JPEG，或到保管处查阅", EN: "ask the custodian to file it as PDF, PNG or JPEG, or read it where it is kept"})
		}
	}
	in := &content{ctx: ctx, store: s.store, key: g.file.key(), size: g.file.Size}
	if _, err := s.store.Stat(ctx, in.key); err != nil {
		if errors.Is(err, blob.ErrAbsent) {
			err = fault.Down("STORAGE", err)
		}
		return nil, "", func() {}, err
	}
	return in, g.file.Hash(), in.close, nil
}

// tell records the opening before a byte leaves, once for each link.
func (s routes) tell(ctx context.Context, g granted) error {
	if _, ok := s.told.GetIfPresent(g.link); ok {
		return nil
	}
	o := Opening{File: g.file, Purpose: g.purpose, Act: g.terms.Act}
	if o.Act == "" {
		o.Act = "original"
	}
	if err := s.web.Opened(ctx, g.session, o); err != nil {
		return err
	}
	s.told.Set(g.link, struct{}{})
	return nil
}

// maxRanges is how many parts of a file one request may ask for; with more it gets the whole.
const maxRanges = 16

// send writes the answer: whole, in ranges, or its headers alone.
func (s routes) send(w http.ResponseWriter, r *http.Request, g granted, body io.ReadSeeker, tag string) {
	if strings.Count(r.Header.Get("Range"), ",") >= maxRanges {
		r.Header.Del("Range")
	}
	h := w.Header()
	h.Set("Content-Type", g.file.MediaType)
	h.Set("Content-Disposition", disposition(g.file.Name))
	h.Set("ETag", `"`+tag+`"`)
	h.Set("Cache-Control", "private, no-store")
	// SECURITY: whatever the bytes are, no browser runs them in this origin.
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
	pace := newPace(s.limits, g.file.Size, http.NewResponseController(w).SetWriteDeadline)
	http.ServeContent(w, r, "", time.Time{}, &paced{body, pace})
}

// paced moves the deadline while bytes move.
type paced struct {
	io.ReadSeeker
	pace *pace
}

func (p *paced) Read(b []byte) (int, error) {
	if err := p.pace.step(); err != nil {
		return 0, err
	}
	return p.ReadSeeker.Read(b)
}

// disposition offers the name for saving. mime writes names beyond ASCII as RFC 8187 says; the plain form is for the few
// that do not read it.
func disposition(name string) string {
	plain := strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e || strings.ContainsRune(`"\%;`, r) {
			return '_'
		}
		return r
	}, name)
	extended := mime.FormatMediaType("attachment", map[string]string{"filename": name + "\u00e9"})
	_, value, _ := strings.Cut(extended, "filename*=utf-8''")
	return `attachment; filename="` + plain + `"; filename*=UTF-8''` + strings.TrimSuffix(value, "%C3%A9")
}
