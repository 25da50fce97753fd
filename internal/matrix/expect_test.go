package matrix

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/policy"
)

// level is what may be seen of a field group.
type level int

const (
	hidden level = iota
	masked
	full
)

// judge says what the sheets give one person, with the rows as they were placed.
type judge struct {
	*town
	sheet  sheet
	schema *ast.Schema
	who    *person
	inside func(*placed) bool // which rows of a list inside an object stay; nil: all that are seen
	faults []string
}

func (x *town) judge(s sheet, who *person) *judge {
	return &judge{town: x, sheet: s, schema: graph.Schema(), who: who}
}

func (j *judge) fail(format string, args ...any) {
	j.faults = append(j.faults, fmt.Sprintf(format, args...))
}

var groupName = regexp.MustCompile(`[a-zA-Z]+#[a-z]+`)

// groupOf is the group that decides about a field, by the descriptions of the SDL: the field's own, else its type's.
func (j *judge) groupOf(typ, field string) policy.Object {
	if openField(typ, field) {
		return openToAll
	}
	def := j.schema.Types[typ]
	word, _, _ := strings.Cut(def.Fields.ForName(field).Description, " ")
	if word = strings.Trim(word, "."); groupName.MatchString(word) {
		return policy.Object(word)
	}
	return j.cover(typ)
}

// cover is the group of a type's rows: without it they are not seen at all, unless the type is an entity of its own.
func (j *judge) cover(typ string) policy.Object {
	if g, ok := groupOfType()[typ]; ok {
		return g
	}
	if g := groupName.FindString(j.schema.Types[typ].Description); g != "" {
		return policy.Object(g)
	}
	j.fail("%s: no description names its field group", typ)
	return "?"
}

func (j *judge) isOwn(row *placed) bool {
	return row.own != uuid.Nil && (row.own == j.who.account || row.own == j.who.staff)
}

func (j *judge) level(group policy.Object, row *placed) level {
	switch {
	case group == openToAll || j.isOwn(row) || j.sheet.may(question{group, policy.Reveal}, j.who, row.facts):
		return full
	case j.sheet.may(question{group, policy.Peek}, j.who, row.facts):
		return masked
	}
	return hidden
}

// sees tells whether the row is there at all.
func (j *judge) sees(row *placed) bool {
	if everybodys(row.typ) || j.isOwn(row) {
		return true
	}
	group := j.cover(row.typ)
	entity, _ := policy.EntityOf(group)
	if !j.sheet.may(question{entity, policy.Read}, j.who, row.facts) {
		return false
	}
	return ofItself(row.typ) || j.level(group, row) >= masked
}

// mayFilter tells whether the row may be found by a field of the group.
func (j *judge) mayFilter(group policy.Object, row *placed) bool {
	return group == openToAll || j.isOwn(row) || j.sheet.may(question{group, policy.Filter}, j.who, row.facts)
}

// absent stands for a row that is not there.
type absent struct{}

// expect is the truth without what the person may not see. keep says whether a row of a root's list stays; nil keeps all that
// are seen.
func (j *judge) expect(v any, keep func(*placed) bool) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			if out[i] = j.expect(v[i], keep); out[i] == (absent{}) {
				out[i] = nil
			}
		}
		return out
	case map[string]any:
		gid, isNode := v["id"].(string)
		if isNode && v["__typename"] != nil {
			return j.object(gid, v)
		}
		if isConnection(v) {
			return j.connection(v, keep)
		}
		out := map[string]any{}
		for k, x := range v {
			if out[k] = j.expect(x, keep); out[k] == (absent{}) {
				out[k] = nil
			}
		}
		return out
	}
	return v
}

func (j *judge) object(gid string, v map[string]any) any {
	row := j.rows[gid]
	if row == nil {
		j.fail("%v %s is none of the rows that were placed", v["__typename"], gid)
		return absent{}
	}
	if row.typ != v["__typename"] {
		j.fail("%s is a %v", gid, v["__typename"])
	}
	if !j.sees(row) {
		return absent{}
	}
	out := map[string]any{}
	for name, x := range v {
		if name == "__typename" {
			out[name] = x
			continue
		}
		out[name] = j.field(row, name, x)
	}
	return out
}

func (j *judge) field(row *placed, name string, v any) any {
	group := j.groupOf(row.typ, name)
	if row.typ == "ClientChange" && (name == "oldValue" || name == "newValue") {
		group = classGroup(row.class)
		if j.level(group, row) < full {
			return nil
		}
	}
	def := j.schema.Types[row.typ].Fields.ForName(name)
	connection := strings.HasSuffix(def.Type.Name(), "Connection")
	switch l := j.level(group, row); {
	case l == hidden:
		return nil
	case l == masked && name == "phone":
		return maskedPhone(v)
	case l == masked && !connection && !plainWhenMasked(row.typ, name):
		return nil
	}
	if x := j.expect(v, nil); x != (absent{}) {
		return x
	}
	return nil
}

// classGroup is the group of a client with a field class.
func classGroup(c policy.Class) policy.Object {
	for _, e := range policy.Catalogue() {
		for _, g := range e.Groups {
			if e.Object == policy.OnClient && g.Class == c {
				return g.Object
			}
		}
	}
	return "?"
}

// maskedPhone keeps three digits at the beginning and four at the end.
func maskedPhone(v any) any {
	s, ok := v.(string)
	if !ok || len(s) != 11 {
		return v
	}
	return s[:3] + "****" + s[7:]
}

// connection takes out what is not seen, and counts again.
func (j *judge) connection(v map[string]any, keep func(*placed) bool) any {
	if keep == nil {
		keep = j.inside
	}
	nodes := v["nodes"].([]any)
	left := []any{}
	for _, n := range nodes {
		if keep != nil {
			if row := j.rows[n.(map[string]any)["id"].(string)]; row == nil || !keep(row) {
				continue
			}
		}
		if o := j.expect(n, nil); o != (absent{}) {
			left = append(left, o)
		}
	}
	out := map[string]any{}
	for k, x := range v {
		out[k] = x
	}
	out["nodes"] = left
	if count, ok := v["totalCount"].(map[string]any); ok {
		total := int(count["value"].(float64))
		switch {
		case total == len(nodes):
			total = len(left)
		case len(left) == 0:
			total = 0
		case len(left) != len(nodes):
			j.fail("a page of %d rows of %d is seen in part: the fixture is too large for it", len(nodes), total)
		}
		out["totalCount"] = map[string]any{"value": float64(total), "capped": count["capped"]}
	}
	return out
}

// canonical sorts what has no order of its own and blots out times that move while the run asks.
func canonical(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = canonical(v[i])
		}
	case map[string]any:
		for k, x := range v {
			v[k] = canonical(x)
			if (k == "lastSeenAt" || k == "lastUsedAt") && x != nil {
				v[k] = "a time"
			}
		}
		if isConnection(v) {
			nodes := v["nodes"].([]any)
			slices.SortFunc(nodes, func(a, b any) int { return strings.Compare(idOf(a), idOf(b)) })
		}
	}
	return v
}

// isConnection tells a connection from an answer to the root "nodes": every one is asked for its count.
func isConnection(v map[string]any) bool { return v["nodes"] != nil && v["totalCount"] != nil }

func idOf(v any) string {
	m, _ := v.(map[string]any)
	s, _ := m["id"].(string)
	return s
}

// difference names the first place where two answers differ; "" when they are the same.
func difference(path string, got, want any) string {
	switch want := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			break
		}
		keys := slices.Sorted(func(yield func(string) bool) {
			for k := range want {
				if !yield(k) {
					return
				}
			}
		})
		for _, k := range keys {
			if d := difference(path+"."+k, g[k], want[k]); d != "" {
				return d
			}
		}
		if len(g) != len(want) {
			return fmt.Sprintf("%s: got %d fields, want %d", path, len(g), len(want))
		}
		return ""
	case []any:
		g, ok := got.([]any)
		if !ok {
			break
		}
		for i := range min(len(g), len(want)) {
			at := fmt.Sprintf("%s[%d]", path, i)
			if a, b := idOf(g[i]), idOf(want[i]); a != b {
				return fmt.Sprintf("%s: got %s, want %s", at, a, b)
			}
			if d := difference(at, g[i], want[i]); d != "" {
				return d
			}
		}
		if len(g) != len(want) {
			return fmt.Sprintf("%s: got %d, want %d", path, len(g), len(want))
		}
		return ""
	}
	if !reflect.DeepEqual(got, want) {
		return fmt.Sprintf("%s: got %.200v, want %.200v", path, got, want)
	}
	return ""
}

// secrets are the marks, telephone numbers and hashes in a text.
var secrets = regexp.MustCompile(`zq\d+x|\b13[89]\d{8}\b|\b[0-9a-f]{64}\b`)

// leaked gives what stands in the answer and in neither the expected answer nor the question.
func leaked(answer, expected, question string) (out []string) {
	fine := map[string]bool{}
	for _, s := range secrets.FindAllString(expected+question, -1) {
		fine[s] = true
	}
	for _, s := range secrets.FindAllString(answer, -1) {
		if !fine[s] {
			out = append(out, s)
		}
	}
	return out
}
