package serve

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
)

type requestIDKey struct{}

// RequestID gives the id of the request that ctx belongs to, "" outside of one. It is in every error and log record.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// Edge gives every request an id, every answer the security headers, and turns a panic of any handler into a plain
// 500. It may stand around a whole mux; a handler that is already behind one does not repeat it.
func Edge(next http.Handler, log *slog.Logger) http.Handler {
	// Keys in canonical form and values without room to append: answers share them.
	fixed := []struct {
		key   string
		value []string
	}{
		{"X-Content-Type-Options", []string{"nosniff"}},
		{"Referrer-Policy", []string{"no-referrer"}},
		{"X-Frame-Options", []string{"DENY"}},
		{"Cross-Origin-Resource-Policy", []string{"same-site"}},
		{"Content-Security-Policy", []string{"default-src 'none'; frame-ancestors 'none'"}},
		{"Cache-Control", []string{"no-store"}},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if RequestID(r.Context()) != "" {
			next.ServeHTTP(w, r)
			return
		}
		var b [16]byte
		_, _ = rand.Read(b[:]) // never fails
		id := hex.EncodeToString(b[:])
		h := w.Header()
		h["X-Request-Id"] = []string{id}
		for i := range fixed {
			h[fixed[i].key] = fixed[i].value
		}
		if r.TLS != nil {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(v)
			}
			log.ErrorContext(r.Context(), "panic in a handler", slog.String("request_id", id),
				slog.String("panic", fmt.Sprint(v)), slog.String("stack", string(debug.Stack())))
			http.Error(w, `{"errors":[{"message":"internal error","extensions":{"code":"INTERNAL","requestId":"`+id+`"}}]}`, http.StatusInternalServerError)
		}()
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id)))
	})
}
