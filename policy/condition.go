package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Limits of a condition: more is a sign that the rule should be several rules.
const (
	maxComparisons     = 8
	maxConditionLength = 400
	maxConstantLength  = 64
)

// ParseCondition reads the closed grammar
//
//	condition  = comparison { "&" comparison }
//	comparison = field operator constant        e.g.  kind = KEY & amount <= 5000000
//
// against the fields of the object's entity. The result drives the Go predicate, the SQL and the sentence alike.
//
// A missing value (NULL) differs from every constant: "=" is not met, "!=" is met. An order comparison with a missing
// value cannot be answered; it is not met on an Allow rule and met on a Deny rule.
func ParseCondition(o Object, s string) ([]Comparison, error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	e, ok := words.entities[o]
	if !ok {
		return nil, fmt.Errorf("unknown object %q", o)
	}
	if len(s) > maxConditionLength {
		return nil, fmt.Errorf("longer than %d bytes", maxConditionLength)
	}
	parts := strings.Split(s, "&")
	if len(parts) > maxComparisons {
		return nil, fmt.Errorf("more than %d comparisons", maxComparisons)
	}
	out := make([]Comparison, 0, len(parts))
	for _, part := range parts {
		c, err := parseComparison(e, part)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func parseComparison(e *Entity, s string) (Comparison, error) {
	s = strings.TrimSpace(s)
	at := strings.IndexAny(s, "=!<>")
	if at <= 0 {
		return Comparison{}, fmt.Errorf("%q: want field, operator, constant", s)
	}
	end := at
	for end < len(s) && strings.IndexByte("=!<>", s[end]) >= 0 {
		end++
	}
	name, op, constant := strings.TrimSpace(s[:at]), s[at:end], strings.TrimSpace(s[end:])
	i := slices.IndexFunc(e.Fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return Comparison{}, fmt.Errorf("%s has no field %q for conditions", e.Object, name)
	}
	c := Comparison{Field: &e.Fields[i], Op: op}
	if !c.Field.allows(op) {
		return Comparison{}, fmt.Errorf("operator %q is not for %s", op, name)
	}
	if !wellFormed(constant) {
		return Comparison{}, fmt.Errorf("%q is no constant", constant)
	}
	switch c.Field.Kind {
	case MoneyField, NumberField:
		if len(c.Field.Values) > 0 && !slices.Contains(c.Field.Values, constant) {
			return Comparison{}, fmt.Errorf("%s has no value %q", name, constant)
		}
		n, err := strconv.ParseInt(constant, 10, 64)
		if err != nil {
			return Comparison{}, fmt.Errorf("%s wants a whole number, not %q", name, constant)
		}
		c.Int = n
	case BoolField:
		if constant != "true" && constant != "false" {
			return Comparison{}, fmt.Errorf("%s wants true or false, not %q", name, constant)
		}
		c.Bool = constant == "true"
	default:
		// SECURITY: a misspelt constant would never apply, and nobody would notice that a Deny does not hold.
		if len(c.Field.Values) > 0 && !slices.Contains(c.Field.Values, constant) {
			return Comparison{}, fmt.Errorf("%s has no value %q", name, constant)
		}
		c.Text = constant
	}
	return c, nil
}

func (f *Field) allows(op string) bool {
	switch op {
	case "=", "!=":
		return true
	case "<", "<=", ">", ">=":
		return f.Kind == MoneyField || f.Kind == NumberField
	}
	return false
}

// wellFormed constants are letters, digits, '-' and '_': nothing that could need quoting anywhere.
func wellFormed(s string) bool {
	if s == "" || len(s) > maxConstantLength {
		return false
	}
	for _, r := range s {
		if r != '-' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return false
		}
	}
	return true
}

// holds tells whether the comparison is met by the row; unanswered is the verdict when that cannot be told.
func (c *Comparison) holds(row *Row, unanswered bool) bool {
	switch c.Field.fact {
	case factGrade:
		return (row.Grade == c.Text) == (c.Op == "=")
	case factKind:
		return (row.Kind == c.Text) == (c.Op == "=")
	case factStage:
		return (row.Stage == c.Text) == (c.Op == "=")
	case factState:
		return (row.State == c.Text) == (c.Op == "=")
	case factKinds:
		return slices.Contains(row.Kinds, c.Text) == (c.Op == "=")
	case factImportant:
		return (row.Important == c.Bool) == (c.Op == "=")
	case factSuspended:
		return (row.ClientSuspended == c.Bool) == (c.Op == "=")
	case factAmount:
		return c.number(row.Amount, row.AmountSet, unanswered)
	case factClass:
		return c.number(int64(row.FieldClass), row.FieldClassSet, unanswered)
	}
	return unanswered
}

func (c *Comparison) number(n int64, set, unanswered bool) bool {
	if !set {
		switch c.Op {
		case "=":
			return false
		case "!=":
			return true
		}
		return unanswered
	}
	switch c.Op {
	case "=":
		return n == c.Int
	case "!=":
		return n != c.Int
	case "<":
		return n < c.Int
	case "<=":
		return n <= c.Int
	case ">":
		return n > c.Int
	case ">=":
		return n >= c.Int
	}
	return unanswered
}

// String gives the canonical form, e.g. "amount <= 5000000".
func (c Comparison) String() string { return c.Field.Name + " " + c.Op + " " + c.constant() }

func (c *Comparison) constant() string {
	switch c.Field.Kind {
	case MoneyField, NumberField:
		return strconv.FormatInt(c.Int, 10)
	case BoolField:
		return strconv.FormatBool(c.Bool)
	}
	return c.Text
}

// canonical joins comparisons in the grammar of ParseCondition.
func canonical(cond []Comparison) string {
	parts := make([]string, len(cond))
	for i, c := range cond {
		parts[i] = c.String()
	}
	return strings.Join(parts, " & ")
}

// Sentence says a condition in both languages; empty for no condition.
func Sentence(cond []Comparison) Text {
	var zh, en []string
	for i := range cond {
		t := cond[i].sentence()
		zh, en = append(zh, t.ZH), append(en, t.EN)
	}
	return Text{strings.Join(zh, "且"), strings.Join(en, " and ")}
}

func (c *Comparison) sentence() Text {
	words := map[string]Text{
		"=": {"为", "is"}, "!=": {"不为", "is not"}, "<": {"小于", "is below"}, "<=": {"不超过", "is at most"},
		">": {"大于", "is above"}, ">=": {"不低于", "is at least"},
	}[c.Op]
	constant := Text{c.constant(), c.constant()}
	switch c.Field.Kind {
	case SetField:
		words = map[string]Text{"=": {"包括", "includes"}, "!=": {"不包括", "does not include"}}[c.Op]
	case BoolField:
		if c.Bool {
			constant = Text{"是", "yes"}
		} else {
			constant = Text{"否", "no"}
		}
	}
	return Text{c.Field.Label.ZH + words.ZH + constant.ZH, c.Field.Label.EN + " " + words.EN + " " + constant.EN}
}
