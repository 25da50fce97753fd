package read

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/tenancy"
)

// bound are the values of a site's arguments in one request.
type bound struct {
	errs   []boundError
	failed bool // the field itself is null
	ids    map[*Type]idKeys
	at     []nodeAt // by position
	values []any    // of site.filters; the terms of search follow one another
	after  position
	before position
	asOf   time.Time
}

type boundError struct {
	index int // of a list, -1 for the field
	err   *fault.Error
}

// nodeAt says where the object at a position was asked for.
type nodeAt struct {
	typ *Type
	ord int
}

func (b *bound) fail(err *fault.Error) {
	b.errs = append(b.errs, boundError{-1, err})
	b.failed = true
}

// bindSite reads the values of the site's arguments. Cursors wait for the order: see bindCursors.
func (g *Gate) bindSite(s *site, vars map[string]any) bound {
	var b bound
	if s.field == nil {
		return b
	}
	args := s.field.ArgumentMap(vars)
	if v := args["asOf"]; v != nil {
		t, err := dateTime(v)
		if err != nil {
			b.fail(invalid("asOf", "INVALID_DATE_TIME", "时间格式无效", "not an RFC 3339 instant"))
		}
		b.asOf = t
	}
	switch {
	case s.list != nil:
		g.bindList(&b, s, args)
	case s.single.Kind == RootByID:
		t := g.table.byName[s.single.Type]
		u, err := parseID(t.Prefix, args["id"])
		if err != nil {
			b.fail(err.At("id"))
		}
		b.ids = map[*Type]idKeys{t: {u}}
	case s.single.Kind == RootNode:
		b.bindNodes(g.table, []any{args["id"]})
		if len(b.errs) > 0 {
			b.errs[0].index, b.failed = -1, true
		}
	case s.single.Kind == RootNodes:
		ids := list(args["ids"])
		if len(ids) > maxIDs {
			b.fail(fault.Limit("TOO_MANY_IDS", fault.Text{ZH: "一次最多 100 个标识", EN: "at most 100 ids at once"}).At("ids"))
			return b
		}
		b.bindNodes(g.table, ids)
	}
	return b
}

func (b *bound) bindNodes(t *Table, ids []any) {
	b.ids = map[*Type]idKeys{}
	for i, v := range ids {
		s, _ := v.(string)
		prefix, u, err := id.Decode(s)
		typ := t.byPre[prefix]
		if err != nil || typ == nil {
			b.errs = append(b.errs, boundError{i, invalidID()})
			b.at = append(b.at, nodeAt{})
			continue
		}
		b.ids[typ] = append(b.ids[typ], idKey(u))
		b.at = append(b.at, nodeAt{typ, len(b.ids[typ])})
	}
}

func (g *Gate) bindList(b *bound, s *site, args map[string]any) {
	if args["first"] != nil && args["last"] != nil {
		b.fail(invalid("first", "FIRST_AND_LAST", "first 与 last 不能同时使用", "use either first or last"))
	}
	for _, name := range [2]string{"first", "last"} {
		if v := args[name]; v != nil {
			if n, err := whole(v); err != nil || n < 1 || n > maxPage {
				b.fail(invalid(name, "PAGE_SIZE", "每页条数须为 1 至 100", "a page has 1 to 100 rows"))
			}
		}
	}
	filter, _ := args["filter"].(map[string]any)
	for i, f := range s.filters {
		v, path := filter[f.Name], "filter."+f.Name
		if s.filterArg[i] {
			v, path = args[f.Name], f.Name
		}
		if f.Kind == FilterSearch {
			text, _ := v.(string)
			if !sound(text) {
				b.fail(invalid(path, "INVALID_TEXT", "文本无效", "malformed text"))
			}
			terms, _ := g.searchTerms(text)
			for _, term := range terms {
				b.values = append(b.values, term)
			}
			continue
		}
		value, err := filterValue(f, v)
		if err != nil {
			b.fail(err.At(path))
		}
		b.values = append(b.values, value)
	}
}

// bindCursors reads the cursors of a list in the order that it has under the actor's rights.
func (g *Gate) bindCursors(b *bound, s *site, o Order, tenant tenancy.TenantID, vars map[string]any) {
	if !s.after && !s.before {
		return
	}
	args := s.field.ArgumentMap(vars)
	ordering := s.ordering(o)
	for _, c := range []struct {
		name  string
		given bool
		pos   *position
	}{{"after", s.after, &b.after}, {"before", s.before, &b.before}} {
		if !c.given {
			continue
		}
		text, _ := args[c.name].(string)
		p, ok := g.decodeCursor(text, tenant, ordering, o)
		if !ok {
			b.fail(invalid(c.name, "INVALID_CURSOR", "游标无效或属于其他排序", "the cursor is none of this ordering"))
		}
		*c.pos = p
	}
}

func filterValue(f Filter, v any) (any, *fault.Error) {
	switch f.Kind {
	case FilterText:
		s, ok := v.(string)
		if !ok || !sound(s) {
			return nil, invalid("", "INVALID_TEXT", "文本无效", "malformed text")
		}
		return s, nil
	case FilterTexts, FilterEnums:
		out := []string{}
		for _, x := range list(v) {
			s, ok := x.(string)
			if !ok || !sound(s) {
				return nil, invalid("", "INVALID_TEXT", "文本无效", "malformed text")
			}
			if f.Kind == FilterEnums {
				s = strings.ToLower(s)
			}
			out = append(out, s)
		}
		return out, nil
	case FilterID:
		u, err := parseID(f.Prefix, v)
		return u, err
	case FilterIDs, FilterAnyIDs:
		out := [][16]byte{}
		for _, x := range list(v) {
			s, _ := x.(string)
			prefix, u, err := id.Decode(s)
			if err != nil || f.Kind == FilterIDs && prefix != f.Prefix {
				return nil, invalidID()
			}
			out = append(out, u)
		}
		return out, nil
	case FilterBool, FilterMine:
		b, ok := v.(bool)
		if !ok {
			return nil, invalid("", "INVALID_BOOLEAN", "须为布尔值", "not a boolean")
		}
		return b, nil
	case FilterTime:
		t, err := dateTime(v)
		if err != nil {
			return nil, invalid("", "INVALID_DATE_TIME", "时间格式无效", "not an RFC 3339 instant")
		}
		return t, nil
	case FilterDate:
		s, _ := v.(string)
		t, err := time.Parse(time.DateOnly, s)
		if err != nil || t.Year() < 1 {
			return nil, invalid("", "INVALID_DATE", "日期无效", "there is no such date")
		}
		return t, nil
	case FilterMinor:
		s, _ := v.(string)
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < 0 || strconv.FormatInt(n, 10) != s {
			return nil, invalid("", "INVALID_AMOUNT", "金额无效", "not an amount in minor units")
		}
		return n, nil
	}
	return nil, invalid("", "INVALID_FILTER", "筛选条件无效", "unknown filter")
}

func dateTime(v any) (time.Time, error) {
	s, ok := v.(string)
	if !ok || len(s) > 40 {
		return time.Time{}, strconv.ErrSyntax
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return t, err
	}
	if t = t.UTC().Truncate(time.Microsecond); t.Year() < 1 || t.Year() > 9999 {
		return t, strconv.ErrRange
	}
	return t, nil
}

// sound text can be a parameter: well-formed UTF-8 without U+0000.
func sound(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

func parseID(prefix string, v any) ([16]byte, *fault.Error) {
	s, _ := v.(string)
	u, err := id.Parse(prefix, s)
	if err != nil {
		return [16]byte{}, invalidID()
	}
	return u, nil
}

func invalidID() *fault.Error {
	return invalid("", "INVALID_ID", "标识格式无效或属于其他类型", "a malformed id, or an id of another type")
}

func invalid(field, reason, zh, en string) *fault.Error {
	return fault.Invalid(field, reason, fault.Text{ZH: zh, EN: en}, fault.Text{})
}

func forbidden(group string) *fault.Error {
	return fault.Forbidden("FILTER_RIGHT_MISSING",
		fault.Text{ZH: "无权按此字段筛选或排序（" + group + "）", EN: "no right to filter or order by a field of " + group}, "",
		fault.Text{ZH: "请去掉该条件，或请管理员授予筛选权限", EN: "leave the condition out, or ask for the filter right"})
}

// refusal makes the GraphQL error of a fault at a path.
func refusal(e *fault.Error, path ast.Path, language string) *gqlError {
	ext := map[string]any{"code": string(e.Code)}
	if e.Reason != "" {
		ext["reason"] = e.Reason
	}
	if e.Field != "" {
		ext["field"] = e.Field
	}
	if e.Clause != "" {
		ext["clause"] = e.Clause
	}
	if r := e.Remedy.In(language); r != "" {
		ext["remedy"] = r
	}
	return &gqlError{Err: e, Message: e.Message.In(language), Path: path, Extensions: ext}
}
