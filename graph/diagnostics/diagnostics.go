// Package diagnostics owns fields that exist only where a server was started with diagnostics on: a slow answer, a
// panic, an internal error, an endless stream. They show that the serving layer holds; they touch no data.
package diagnostics

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/internal/read"
)

//go:embed diagnostics.graphql
var sdl string

// Source is the SDL to be merged with the public one, which may have no subscriptions of its own.
func Source(public *ast.Schema) *ast.Source {
	text := sdl
	if public.Subscription == nil {
		text = "extend schema { subscription: Subscription }\n" + strings.Replace(sdl, "extend type Subscription", "type Subscription", 1)
	}
	return &ast.Source{Name: "diagnostics.graphql", Input: text}
}

// Is reports whether a root field is one of these.
func Is(field string) bool { return strings.HasPrefix(field, "diagnostic") }

// Answer answers a Query field.
func Answer(ctx context.Context, f *ast.Field, vars map[string]any) (json.RawMessage, error) {
	switch f.Name {
	case "diagnosticSlow":
		t := time.NewTimer(milliseconds(f, vars))
		defer t.Stop()
		select {
		case <-t.C:
			return json.RawMessage("true"), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	case "diagnosticPanic":
		panic("diagnostic panic: secret 10.0.0.7")
	case "diagnosticError":
		return nil, errors.New("diagnostic error: dial tcp 10.0.0.7:5432: connection refused")
	}
	return nil, errors.New("no such diagnostic field")
}

// Ticks is the stream of diagnosticTicks: a growing number, for ever.
type Ticks struct {
	key   string
	every time.Duration
	n     int
}

// NewTicks opens the stream.
func NewTicks(f *ast.Field, vars map[string]any) *Ticks {
	return &Ticks{key: f.Alias, every: milliseconds(f, vars)}
}

// Next waits for the next number.
func (t *Ticks) Next(ctx context.Context) (read.Answer, error) {
	timer := time.NewTimer(t.every)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return read.Answer{}, ctx.Err()
	}
	t.n++
	return read.Answer{Data: []byte(`{"` + t.key + `":` + strconv.Itoa(t.n) + `}`)}, nil
}

// Close ends it.
func (*Ticks) Close() {}

// milliseconds reads the only argument, at most one minute.
func milliseconds(f *ast.Field, vars map[string]any) time.Duration {
	v := f.ArgumentMap(vars)["milliseconds"]
	n, err := strconv.Atoi(strings.TrimSpace(jsonText(v)))
	if err != nil || n < 0 {
		n = 0
	}
	return min(time.Duration(n)*time.Millisecond, time.Minute)
}

func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}
