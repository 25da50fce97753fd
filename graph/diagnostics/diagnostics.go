// Package diagnostics owns fields that exist only where a server was started with diagnostics on: a slow answer, a
// panic, an internal error, an endless stream. They show that the serving layer holds; they touch no data.
package diagnostics

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/graph/scalar"
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

// Ticks is the stream of diagnosticTicks: a growing number, up to last or, where that is 0, for ever.
type Ticks struct {
	key     string
	every   time.Duration
	n, last int
}

// NewTicks opens the stream.
func NewTicks(f *ast.Field, vars map[string]any) *Ticks {
	return &Ticks{key: f.Alias, every: milliseconds(f, vars), last: number(f, vars, "count")}
}

// Next waits for the next number.
func (t *Ticks) Next(ctx context.Context) (read.Answer, error) {
	if t.last > 0 && t.n == t.last {
		return read.Answer{}, io.EOF
	}
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

// milliseconds reads how long to wait, at most one minute.
func milliseconds(f *ast.Field, vars map[string]any) time.Duration {
	return min(time.Duration(number(f, vars, "milliseconds"))*time.Millisecond, time.Minute)
}

// number reads an argument that is not negative; anything else is 0.
func number(f *ast.Field, vars map[string]any, name string) int {
	n, err := scalar.UnmarshalInt(f.ArgumentMap(vars)[name])
	if err != nil {
		return 0
	}
	return max(n, 0)
}
