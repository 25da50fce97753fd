package servetest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/read"
	"github.com/clientele/clientele/internal/tenancy"
)

// Reader stands in for the read gate: it makes up data of the right shape for any selection, the same every time.
// `legalRepresentative` is masked, an id of another type than asked gives null.
type Reader struct{ schema *ast.Schema }

// Query implements serve.Reader.
func (r *Reader) Query(ctx context.Context, _ *tenancy.Session, doc *ast.QueryDocument, _ *ast.OperationDefinition, vars map[string]any, roots []*ast.Field) (read.Answer, error) {
	if err := ctx.Err(); err != nil {
		return read.Answer{}, err
	}
	w := writer{schema: r.schema, op: &graphql.OperationContext{Doc: doc, Variables: vars}}
	w.buf.WriteByte('{')
	for i, f := range roots {
		w.key(i, f.Alias)
		w.field(f, f.SelectionSet, 1, ast.Path{ast.PathName(f.Alias)})
	}
	w.buf.WriteByte('}')
	return read.Answer{Data: w.buf.Bytes(), Masked: w.masked}, nil
}

// Render implements serve.Reader.
func (r *Reader) Render(_ context.Context, _ *tenancy.Session, typ string, _ uuid.UUID, sel ast.SelectionSet, doc *ast.QueryDocument, vars map[string]any) (read.Answer, error) {
	w := writer{schema: r.schema, op: &graphql.OperationContext{Doc: doc, Variables: vars}}
	w.object(r.schema.Types[typ], sel, 1, nil)
	return read.Answer{Data: w.buf.Bytes(), Masked: w.masked}, nil
}

type writer struct {
	schema *ast.Schema
	op     *graphql.OperationContext
	buf    bytes.Buffer
	masked []read.MaskedField
}

func (w *writer) key(i int, k string) {
	if i > 0 {
		w.buf.WriteByte(',')
	}
	b, _ := json.Marshal(k)
	w.buf.Write(b)
	w.buf.WriteByte(':')
}

func below(p ast.Path, e ast.PathElement) ast.Path { return append(p[:len(p):len(p)], e) }

func (w *writer) field(f *ast.Field, sel ast.SelectionSet, n int, at ast.Path) {
	if f.Name == "__typename" {
		w.text(f.ObjectDefinition.Name)
		return
	}
	if f.Name == "legalRepresentative" {
		w.buf.WriteString("null")
		w.masked = append(w.masked, read.MaskedField{Path: at, Reason: "NOT_PERMITTED"})
		return
	}
	t := f.Definition.Type
	args := f.ArgumentMap(w.op.Variables)
	if s, ok := args["id"].(string); ok {
		if p, _, err := id.Decode(s); err != nil || (p != id.Client && f.Name == "client") {
			w.buf.WriteString("null")
			return
		}
	}
	def := w.schema.Types[t.Name()]
	count := 2
	if ids, ok := args["ids"].([]any); ok {
		count = len(ids)
	}
	if t.Elem != nil {
		w.buf.WriteByte('[')
		for i := range count {
			if i > 0 {
				w.buf.WriteByte(',')
			}
			w.value(def, sel, n+i, below(at, ast.PathIndex(i)))
		}
		w.buf.WriteByte(']')
		return
	}
	w.value(def, sel, n, at)
}

func (w *writer) value(def *ast.Definition, sel ast.SelectionSet, n int, at ast.Path) {
	switch def.Kind {
	case ast.Object:
		w.object(def, sel, n, at)
	case ast.Interface, ast.Union:
		w.object(w.schema.Types["Client"], sel, n, at)
	case ast.Enum:
		w.text(def.EnumValues[0].Name)
	default:
		w.scalar(def.Name, n)
	}
}

func (w *writer) object(def *ast.Definition, sel ast.SelectionSet, n int, at ast.Path) {
	satisfies := append([]string{def.Name}, def.Interfaces...)
	w.buf.WriteByte('{')
	for i, f := range graphql.CollectFields(w.op, sel, satisfies) {
		w.key(i, f.Alias)
		if f.Name == "__typename" {
			w.text(def.Name)
			continue
		}
		c := *f.Field
		c.Definition = def.Fields.ForName(f.Name)
		w.field(&c, f.Selections, n, below(at, ast.PathName(f.Alias)))
	}
	w.buf.WriteByte('}')
}

func (w *writer) text(s string) {
	b, _ := json.Marshal(s)
	w.buf.Write(b)
}

func (w *writer) scalar(name string, n int) {
	switch name {
	case "Int":
		w.buf.WriteString(strconv.Itoa(n))
	case "Float":
		w.buf.WriteString(strconv.Itoa(n) + ".5")
	case "Boolean":
		w.buf.WriteString(strconv.FormatBool(n%2 == 0))
	case "ID":
		w.text(ClientID(n))
	case "Date":
		w.text("2026-03-01")
	case "DateTime":
		w.text("2026-03-01T08:00:00Z")
	case "BigInt", "MinorUnits":
		w.text(strconv.Itoa(n))
	case "JSON":
		w.buf.WriteString("{}")
	default:
		w.text("客户 " + strings.ToLower(name) + " " + strconv.Itoa(n))
	}
}

// ClientID is the id of the nth made-up client.
func ClientID(n int) string {
	return id.Encode(id.Client, uuid.MustParse(fmt.Sprintf("01890a5d-ac96-774b-bcce-%012x", n)))
}
