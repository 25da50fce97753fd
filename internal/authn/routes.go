package authn

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/jub0bs/cors"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/problem"
	"github.com/clientele/clientele/internal/tenancy"
)

// maxBody is the largest body of a request to /auth/, in bytes.
const maxBody = 16 << 10

// Handler serves POST /auth/sign-in, POST /auth/sign-out and GET /auth/session. Bodies and answers are JSON; an error is
// {"error": {code, reason, message, remedy?, fields?}} in the language of Accept-Language. origins are the browser origins
// that may call; no cookie is read or written.
func (s *Service) Handler(origins []string) (http.Handler, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /auth/sign-in", s.signIn)
	mux.HandleFunc("POST /auth/sign-out", s.withSession(s.signOut))
	mux.HandleFunc("GET /auth/session", s.withSession(s.session))
	if len(origins) == 0 {
		return mux, nil
	}
	mw, err := cors.NewMiddleware(cors.Config{
		Origins: origins, Methods: []string{http.MethodGet, http.MethodPost},
		RequestHeaders:  []string{"Authorization", "Content-Type", "Accept-Language"},
		ResponseHeaders: []string{"X-Request-Id", "Retry-After"}, MaxAgeInSeconds: 7200,
	})
	if err != nil {
		return nil, err
	}
	return mw.Wrap(mux), nil
}

type accountJSON struct {
	ID          string `json:"id"`
	Kind        string `json:"kind"`
	Login       string `json:"login"`
	DisplayName string `json:"displayName"`
	StaffID     string `json:"staffId,omitempty"`
}

type tenantJSON struct {
	ID   string `json:"id"`
	Slug string `json:"slug"`
	Name string `json:"name"`
}

type sessionJSON struct {
	Token     string      `json:"token,omitempty"`
	ExpiresAt time.Time   `json:"expiresAt"`
	Tenant    tenantJSON  `json:"tenant"`
	Account   accountJSON `json:"account"`
	Scopes    []string    `json:"scopes,omitempty"`
	// MustChangePassword: this session can do nothing but accountChangePassword until the password is changed.
	MustChangePassword bool `json:"mustChangePassword"`
}

func toJSON(t Tenant, a Account, expires time.Time) sessionJSON {
	out := sessionJSON{
		ExpiresAt: expires.UTC().Truncate(time.Second), MustChangePassword: a.MustChangePassword,
		Tenant:  tenantJSON{ID: id.Encode(id.Tenant, t.ID), Slug: t.Slug, Name: t.Name},
		Account: accountJSON{ID: id.Encode(id.Account, a.ID), Kind: strings.ToUpper(a.Kind), Login: a.Login, DisplayName: a.DisplayName},
	}
	if nullable(a.Staff) != nil {
		out.Account.StaffID = id.Encode(id.Staff, a.Staff)
	}
	return out
}

func (s *Service) signIn(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Tenant   string `json:"tenant"`
		Login    string `json:"login"`
		Password string `json:"password"`
	}
	if err := decode(w, r, &body); err != nil {
		s.fail(w, r, err)
		return
	}
	opened, err := s.SignIn(r.Context(), SignIn{
		Tenant: body.Tenant, Login: body.Login, Password: body.Password, Address: s.address(r), UserAgent: r.UserAgent(),
	})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	out := toJSON(opened.Tenant, opened.Account, opened.ExpiresAt)
	out.Token = opened.Token
	problem.JSON(w, http.StatusOK, out)
}

func (s *Service) signOut(w http.ResponseWriter, r *http.Request, session *tenancy.Session) {
	if err := s.SignOut(r.Context(), session); err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}

func (s *Service) session(w http.ResponseWriter, r *http.Request, session *tenancy.Session) {
	c, err := s.Session(r.Context(), session)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	out := toJSON(c.Tenant, c.Account, c.ExpiresAt)
	out.Scopes = c.Scopes
	problem.JSON(w, http.StatusOK, out)
}

func (s *Service) withSession(next func(http.ResponseWriter, *http.Request, *tenancy.Session)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "bearer") {
			token = ""
		}
		session, err := s.Authenticate(r.Context(), strings.TrimSpace(token), r)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		session.RequestID = s.requestID(r.Context())
		next(w, r, session)
	}
}

// decode reads one JSON object of known fields and nothing after it. What is wrong with it is never quoted.
func decode(w http.ResponseWriter, r *http.Request, into any) error {
	mt, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if charset := params["charset"]; err != nil || mt != "application/json" || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return fault.Invalid("", "UNSUPPORTED_MEDIA_TYPE", fault.Text{ZH: "请求体必须是 application/json", EN: "the body must be application/json"}, fault.Text{})
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	err = d.Decode(into)
	if err == nil {
		if _, err = d.Token(); err == io.EOF {
			return nil
		}
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return fault.Limit("BODY_SIZE", fault.Text{ZH: "请求体过大", EN: "the body is too large"}).With("limit", maxBody)
	}
	return fault.Invalid("", "MALFORMED_REQUEST", fault.Text{ZH: "请求体不是所要求的 JSON 对象", EN: "the body is not the JSON object that is asked for"},
		fault.Text{ZH: "请只提交 tenant、login、password", EN: "send tenant, login and password, nothing else"})
}

func (s *Service) fail(w http.ResponseWriter, r *http.Request, err error) {
	problem.Answer(w, r, s.log, "sign-in failed", s.requestID(r.Context()), err)
}
