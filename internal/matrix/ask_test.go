package matrix

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
)

// answer is what came back, as it is and read.
type answer struct {
	text   string
	data   map[string]any
	errors []struct {
		Message    string
		Path       []any
		Extensions map[string]any
	}
}

// codes of the errors, each once.
func (a answer) codes() string {
	var out []string
	for _, e := range a.errors {
		if c := fmt.Sprint(e.Extensions["code"]); !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return strings.Join(out, " ")
}

// ask sends one document.
func (x *town) ask(p *person, query string, variables map[string]any) (a answer, err error) {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return a, err
	}
	if known, ok := x.remembered.Load(p.token + string(body)); ok {
		return known.(answer), nil
	}
	defer func() {
		if err == nil && x.remembers {
			x.remembered.Store(p.token+string(body), a)
		}
	}()
	x.rest()
	req, err := http.NewRequestWithContext(x.t.Context(), http.MethodPost, x.url, bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+p.token)
	req.Header.Set("Accept-Language", "en")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return a, err
	}
	a.text = string(text)
	var parsed struct {
		Data   map[string]any
		Errors json.RawMessage
	}
	if err := json.Unmarshal(text, &parsed); err != nil {
		return a, fmt.Errorf("%w in %.300s", err, text)
	}
	a.data = parsed.Data
	if parsed.Errors != nil {
		if err := json.Unmarshal(parsed.Errors, &a.errors); err != nil {
			return a, err
		}
	}
	// One who is held back is told the same of everything: such a run would show nothing.
	for _, e := range a.errors {
		switch code := fmt.Sprint(e.Extensions["code"]); code {
		case "RATE_LIMITED", "LIMIT_EXCEEDED", "INTERNAL", "UNAVAILABLE", "GRAPHQL_VALIDATION", "GRAPHQL_VALIDATION_FAILED", "MALFORMED_REQUEST", "UNAUTHENTICATED":
			return a, fmt.Errorf("%s: %s\n%.300s", code, e.Message, query)
		}
	}
	return a, nil
}

// rest lets time pass in which the rates of the tenant and of everybody in it recover from the dearest operation there is.
func (x *town) rest() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.Clock.SetOffset(x.Clock.Offset() + 5*time.Second)
}

// truths are the answers of one who sees everything, asked once each.
type truths struct {
	mu    sync.Mutex
	known map[string]answer
}

func (x *town) truth(t *truths, query string, variables map[string]any) (answer, error) {
	key, err := json.Marshal(variables)
	if err != nil {
		return answer{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if a, ok := t.known[query+string(key)]; ok {
		return a, nil
	}
	a, err := x.ask(x.observer, query, variables)
	if err == nil && len(a.errors) > 0 {
		err = fmt.Errorf("the truth is refused: %s\n%.300s", a.text, query)
	}
	t.known[query+string(key)] = a
	return a, err
}

// again reads the data once more: canonical forms are made in place.
func (a answer) again() map[string]any {
	var v struct{ Data map[string]any }
	if json.Unmarshal([]byte(a.text), &v) != nil {
		return nil
	}
	return v.Data
}

func asText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// page is how many rows of a list inside an object are asked for.
const page = 8

// leaves are the fields of a type that hold values, and of money its amount and currency.
func leaves(s *ast.Schema, typ string) string {
	out := []string{"__typename"}
	for _, f := range s.Types[typ].Fields {
		switch of := s.Types[f.Type.Name()]; {
		case strings.HasPrefix(f.Name, "__"):
		case of.Kind == ast.Scalar || of.Kind == ast.Enum:
			out = append(out, f.Name)
		case of.Name == "Money":
			out = append(out, f.Name+" { amount currency }")
		}
	}
	return strings.Join(out, " ")
}

// whole is a type with everything that it leads to in one step: objects, and lists with their counts.
func whole(s *ast.Schema, typ string) string {
	out := []string{leaves(s, typ)}
	for _, f := range s.Types[typ].Fields {
		of := s.Types[f.Type.Name()]
		switch base, list := strings.CutSuffix(of.Name, "Connection"); {
		case strings.HasPrefix(f.Name, "__") || of.Kind != ast.Object || of.Name == "Money":
		case list:
			out = append(out, fmt.Sprintf("%s(first: %d) { nodes { %s } totalCount { value capped } }", f.Name, page, leaves(s, base)))
		default:
			out = append(out, f.Name+" { "+leaves(s, of.Name)+" }")
		}
	}
	return strings.Join(out, " ")
}
