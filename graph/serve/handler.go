package serve

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/jub0bs/cors"
	"github.com/klauspost/compress/gzhttp"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/clientele/clientele/graph/limit"
)

// Handler speaks GraphQL at one path: POST and GET, event streams, sockets.
type Handler struct {
	*engine
	outer http.Handler
	live  *connections
	// policy is the value of RateLimit-Policy, shared by all answers.
	policy []string
}

// New checks a Config and builds the handler.
func New(c Config) (*Handler, error) {
	if c.Exec == nil || c.Reader == nil || c.Auth == nil || c.Live == nil || c.Gate == nil || c.Now == nil || c.Log == nil {
		return nil, errors.New("serve: Exec, Reader, Auth, Live, Gate, Now and Log are required")
	}
	if c.RegisteredOnly && len(c.Registered) == 0 {
		return nil, errors.New("serve: only registered operations are to be accepted and none is registered")
	}
	if c.Tracer == nil {
		c.Tracer = noop.NewTracerProvider().Tracer("")
	}
	e, err := newEngine(c)
	if err != nil {
		return nil, err
	}
	for id, text := range c.Registered {
		if _, r := e.document(text); r != nil {
			return nil, fmt.Errorf("serve: registered operation %s: %w", id, errors.Join(r.errs...))
		}
	}
	h := &Handler{
		engine: e, live: newConnections(c.Limits.Sockets),
		policy: []string{`"points";q=` + strconv.Itoa(c.Limits.PrincipalPoints) + `;w=` + strconv.Itoa(int(float64(c.Limits.PrincipalPoints)/c.Limits.PrincipalLeak))},
	}

	compress, err := gzhttp.NewWrapper(gzhttp.MinSize(1024), gzhttp.ContentTypes([]string{typeJSON, typeGraphQL}))
	if err != nil {
		return nil, err
	}
	plain := http.Handler(http.HandlerFunc(h.plain))
	zipped := compress(plain)
	// SECURITY: browsers say where a request comes from; a foreign page's POST is refused even if a cookie came along.
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.problem(w, r, crossOrigin) }))
	for _, o := range c.Origins {
		if err := guard.AddTrustedOrigin(o); err != nil {
			return nil, fmt.Errorf("serve: origin %q: %w", o, err)
		}
	}
	guarded := guard.Handler(zipped)
	if len(c.Origins) > 0 {
		mw, err := cors.NewMiddleware(cors.Config{
			Origins: c.Origins, Methods: []string{http.MethodGet, http.MethodPost},
			RequestHeaders:  []string{"Authorization", "Content-Type", "Accept-Language", "Traceparent", "X-Graphql-Client"},
			MaxAgeInSeconds: 7200,
			ResponseHeaders: []string{"X-Request-Id", "Retry-After", "RateLimit", "RateLimit-Policy", "Traceresponse"},
		})
		if err != nil {
			return nil, fmt.Errorf("serve: origins: %w", err)
		}
		guarded = mw.Wrap(guarded)
	}
	vary := []string{"Accept, Accept-Language, Authorization"} // answers share it: without room to append
	h.outer = Edge(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Vary"] = vary
		if r.Header.Get("Upgrade") != "" {
			h.upgrade(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	}), c.Log)
	return h, nil
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.outer.ServeHTTP(w, r) }

// Shutdown ends every socket (1001) and event stream and refuses new ones. It returns when all are gone, at the
// latest after the write limit. Call it before or beside http.Server.Shutdown, which does not know sockets.
func (h *Handler) Shutdown() { h.live.shutdown() }

// NewServer wraps a handler in a server with the limits that only a server can keep.
func NewServer(addr string, h http.Handler, l limit.Limits) *http.Server {
	return &http.Server{
		Addr: addr, Handler: h, MaxHeaderBytes: l.Header,
		ReadHeaderTimeout: l.ReadHeader, ReadTimeout: l.Read, WriteTimeout: l.Operation + l.Write, IdleTimeout: l.Idle,
	}
}

// bearer reads the Authorization header; any other scheme is no credential.
func bearer(header string) string {
	scheme, token, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// connections counts and ends what stays open: sockets and event streams.
type connections struct {
	most int

	mu   sync.Mutex
	all  map[*connection]struct{}
	by   map[principal]int
	down bool
	gone sync.WaitGroup
}

type connection struct{ end func() }

func newConnections(most int) *connections {
	return &connections{most: most, all: map[*connection]struct{}{}, by: map[principal]int{}}
}

// open registers a connection; end is called at shutdown. false: the server is going down.
func (c *connections) open(end func()) (*connection, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down {
		return nil, false
	}
	n := &connection{end: end}
	c.all[n] = struct{}{}
	c.gone.Add(1)
	return n, true
}

func (c *connections) close(n *connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.all[n]; ok {
		delete(c.all, n)
		c.gone.Done()
	}
}

// claim takes one of a principal's places, false when all are taken.
func (c *connections) claim(p principal) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by[p] >= c.most {
		return false
	}
	c.by[p]++
	return true
}

func (c *connections) release(p principal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by[p]--; c.by[p] <= 0 {
		delete(c.by, p)
	}
}

func (c *connections) shutdown() {
	c.mu.Lock()
	c.down = true
	for n := range c.all {
		n.end()
	}
	c.mu.Unlock()
	c.gone.Wait()
}
