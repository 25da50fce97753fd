package file

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/problem"
	"github.com/clientele/clientele/internal/tenancy"
)

func (s routes) fail(w http.ResponseWriter, r *http.Request, err error) {
	problem.Answer(w, r, s.log, "file not served", s.web.RequestID(r.Context()), err)
}

// fileID reads the id of the path; what is no id names nothing.
func fileID(r *http.Request) (uuid.UUID, error) {
	u, err := id.Parse(id.File, r.PathValue("id"))
	if err != nil {
		return u, fault.NotFound("File")
	}
	return u, nil
}

type fileJSON struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	MediaType string `json:"mediaType"`
	Size      int64  `json:"size"`
	SHA256    string `json:"sha256"`
	State     string `json:"state"`
}

func (s routes) put(w http.ResponseWriter, r *http.Request) {
	f, err := s.receive(w, r)
	if err != nil {
		// What was not read is not waited for: the connection ends with the answer.
		w.Header().Set("Connection", "close")
		s.fail(w, r, err)
		return
	}
	problem.JSON(w, http.StatusCreated, map[string]fileJSON{"file": {
		id.Encode(id.File, f.ID), f.Name, f.MediaType, f.Size, f.Hash(), strings.ToUpper(string(f.State)),
	}})
}

func (s routes) receive(w http.ResponseWriter, r *http.Request) (File, error) {
	session, err := s.authenticate(r)
	if err != nil {
		return File{}, err
	}
	file, err := fileID(r)
	if err != nil {
		return File{}, err
	}
	a, err := s.begin(session, file, ActReceive, linkKey{})
	if err != nil {
		return File{}, err
	}
	f, err := s.received(w, r, session, file)
	return f, a.end(r.Context(), err)
}

// received takes the body of somebody who is known.
func (s routes) received(w http.ResponseWriter, r *http.Request, session *tenancy.Session, file uuid.UUID) (File, error) {
	if r.URL.RawQuery != "" { // SECURITY: a secret in a URL is in logs already; it is not made use of
		return File{}, fault.Invalid("", "CREDENTIAL_IN_URL", fault.Text{ZH: "上传地址不带参数", EN: "the address of an upload has no query"}, fault.Text{ZH: "请在 Upload-Ticket 头中携带上传凭证", EN: "send the ticket in the header Upload-Ticket"})
	}
	if err := plain(r); err != nil {
		return File{}, err
	}
	select {
	case s.uploads <- struct{}{}:
		defer func() { <-s.uploads }()
	default:
		return File{}, fault.Busy("UPLOADS", fault.Text{ZH: "同时上传的文件过多，请稍后再试", EN: "too many uploads at once, try again shortly"}).With("retryAfter", 5)
	}
	body := &upload{r: r.Body, pace: newPace(s.limits, max(r.ContentLength, 0), http.NewResponseController(w).SetReadDeadline)}
	// A transfer may take longer than a request otherwise; the answer has its time after the body.
	if err := http.NewResponseController(w).SetWriteDeadline(body.pace.end.Add(time.Minute)); err != nil {
		return File{}, err
	}
	f, err := s.Receive(r.Context(), session, file, r.Header.Get(TicketHeader), body, r.ContentLength)
	if body.slow && err != nil {
		err = fault.Invalid("", "UPLOAD_TOO_SLOW", fault.Text{ZH: "上传过慢，已中断", EN: "the upload was too slow and was broken off"}, fault.Text{ZH: "请检查网络后重试", EN: "check the network and try again"})
	}
	return f, err
}

// plain refuses bodies that are not the file's bytes as they are.
func plain(r *http.Request) error {
	if r.Header.Get("Content-Encoding") != "" || r.Header.Get("Content-Range") != "" {
		return fault.Invalid("", "UNSUPPORTED_MEDIA_TYPE", fault.Text{ZH: "请上传未压缩的完整文件", EN: "send the whole file, not compressed"}, fault.Text{})
	}
	if r.ContentLength < 0 {
		return fault.Invalid("", "LENGTH_REQUIRED", fault.Text{ZH: "缺少 Content-Length", EN: "Content-Length is missing"}, fault.Text{})
	}
	if mt, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && strings.HasPrefix(mt, "multipart/") {
		return fault.Invalid("", "UNSUPPORTED_MEDIA_TYPE", fault.Text{ZH: "请直接以文件内容作为请求体，不使用表单", EN: "the body is the file itself, no form"}, fault.Text{})
	}
	return nil
}

func (s routes) authenticate(r *http.Request) (*tenancy.Session, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") {
		token = ""
	}
	session, err := s.web.Authenticate(r.Context(), strings.TrimSpace(token), r)
	if err != nil {
		return nil, err
	}
	session.RequestID = s.web.RequestID(r.Context())
	return session, nil
}

// shownBy is who follows a link, where the request says so: browsers that just follow it do not.
func (s routes) shownBy(r *http.Request) (*tenancy.Session, error) {
	if r.Header.Get("Authorization") == "" {
		return nil, nil
	}
	return s.authenticate(r)
}

// upload is the body of a request that has to keep moving.
type upload struct {
	r    io.Reader
	pace *pace
	slow bool
}

func (u *upload) Read(p []byte) (int, error) {
	if err := u.pace.step(); err != nil {
		return 0, err
	}
	n, err := u.r.Read(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		u.slow = true
	}
	return n, err
}

func (s routes) get(w http.ResponseWriter, r *http.Request) {
	if err := s.serve(w, r); err != nil {
		s.fail(w, r, err)
	}
}

func (s routes) serve(w http.ResponseWriter, r *http.Request) error {
	file, err := fileID(r)
	if err != nil {
		return err
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(query["link"]) != 1 {
		return ended("LINK_INVALID")
	}
	select {
	case s.downloads <- struct{}{}:
		defer func() { <-s.downloads }()
	default:
		return fault.Busy("DOWNLOADS", fault.Text{ZH: "同时下载的文件过多，请稍后再试", EN: "too many downloads at once, try again shortly"}).With("retryAfter", 5)
	}
	// Marking a copy takes its time before the first byte.
	if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.limits.Render + time.Minute)); err != nil {
		return err
	}
	c, key, ok := s.read(query["link"][0], file)
	if !ok {
		return ended("LINK_INVALID") // whose it would be is not known
	}
	session := c.session(s.web.RequestID(r.Context()), r.Header.Get("Accept-Language"))
	if shown, err := s.shownBy(r); err != nil {
		return err
	} else if shown != nil && (shown.Tenant != session.Tenant || shown.Actor.Account != session.Actor.Account) {
		// SECURITY: whoever shows who he is must be the one that the link was made for. It is his refusal, not the other's.
		a, err := s.begin(shown, file, ActOpen, linkKey{})
		if err != nil {
			return err
		}
		return a.end(r.Context(), ended("LINK_OF_ANOTHER"))
	}
	a, err := s.begin(session, file, ActOpen, key)
	if err != nil {
		return err
	}
	g, err := s.click(r.Context(), c, key, session)
	body, tag, release := io.ReadSeeker(nil), "", func() {}
	if err == nil {
		body, tag, release, err = s.prepare(r.Context(), g)
	}
	defer func() { release() }()
	if err = a.end(r.Context(), err); err != nil {
		return err
	}
	// SECURITY: what cannot be recorded does not leave.
	if err := s.tell(context.WithoutCancel(r.Context()), g); err != nil {
		return err
	}
	s.send(w, r, g, body, tag)
	return nil
}
