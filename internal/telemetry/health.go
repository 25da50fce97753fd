package telemetry

import (
	"context"
	"encoding/json"
	"net/http"
	"sync/atomic"
	"time"
)

// Health answers /healthz (the process lives) and /readyz (it may be sent requests).
type Health struct {
	draining atomic.Bool
	// ready asks database and schema; its error is logged by the caller and never shown.
	ready func(context.Context) error
	// behind says that audit records wait to be sealed; nil: nobody watches.
	behind func() bool
}

// NewHealth makes a health whose readiness is ready's.
func NewHealth(ready func(context.Context) error) *Health { return &Health{ready: ready} }

// WatchSealing shows in /readyz whether audit records wait to be sealed. That keeps nobody from being sent requests: they are
// written, and sealed when a worker runs again.
func (h *Health) WatchSealing(behind func() bool) { h.behind = behind }

// Drain makes readiness fail, so that a load balancer sends nothing more.
func (h *Health) Drain() { h.draining.Store(true) }

// Register adds /healthz and /readyz. The answer of /readyz is 200 or 503 with {"ready": bool, "database": …, "draining": bool},
// and "sealing": "ok" or "behind" where that is watched.
func (h *Health) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, map[string]any{"alive": true})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		database := "ok"
		if h.ready(ctx) != nil {
			database = "unavailable"
		}
		draining := h.draining.Load()
		ready, status := database == "ok" && !draining, http.StatusOK
		if !ready {
			status = http.StatusServiceUnavailable
		}
		body := map[string]any{"ready": ready, "database": database, "draining": draining}
		if h.behind != nil {
			body["sealing"] = "ok"
			if h.behind() {
				body["sealing"] = "behind"
			}
		}
		reply(w, status, body)
	})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller has gone
}
