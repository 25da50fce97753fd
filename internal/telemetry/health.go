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
	// shown are looked at and told of, and decide nothing.
	shown map[string]func(context.Context) error
}

// NewHealth makes a health whose readiness is ready's.
func NewHealth(ready func(context.Context) error) *Health { return &Health{ready: ready} }

// Show adds the state of something to the answer of /readyz, as "ok" or "unavailable". It does not make readiness fail:
// what all replicas share would take all of them away at once, with everything that does without it. Call it before Register.
func (h *Health) Show(name string, check func(context.Context) error) {
	if h.shown == nil {
		h.shown = map[string]func(context.Context) error{}
	}
	h.shown[name] = check
}

// Drain makes readiness fail, so that a load balancer sends nothing more.
func (h *Health) Drain() { h.draining.Store(true) }

// Register adds /healthz and /readyz. The answer of /readyz is 200 or 503 with {"ready": bool, "database": …, "draining": bool} and what Show added.
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
		for name, check := range h.shown {
			if body[name] = "ok"; check(ctx) != nil {
				body[name] = "unavailable"
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
