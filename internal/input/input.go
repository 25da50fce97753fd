// Package input owns the checks that inputs of acts share: text, dates, money, and what is left out apart from what is null.
// It does not own which fields an act has or what they mean: the services' Validate methods do.
package input

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/clientele/clientele/internal/fault"
)

// Optional is a field of an input that changes something: left out (the value stays), null (it is cleared) or given.
// Both facts are part of what an idempotency key is bound to.
type Optional[T any] struct {
	Given bool
	Value *T
}

// Set is a given value.
func Set[T any](v T) Optional[T] { return Optional[T]{Given: true, Value: &v} }

// Null clears.
func Null[T any]() Optional[T] { return Optional[T]{Given: true} }

// Money is an amount in minor units with its ISO 4217 currency.
type Money struct {
	Minor    int64
	Currency string
}

// Equal tells whether two amounts, or their absence, are the same.
func (m *Money) Equal(o *Money) bool {
	if m == nil || o == nil {
		return m == o
	}
	return *m == *o
}

// String is "12345 CNY" in minor units.
func (m Money) String() string { return strconv.FormatInt(m.Minor, 10) + " " + m.Currency }

// Checks collects every refusal of an input, so that a person corrects all fields at once.
type Checks struct{ list fault.List }

// Err is nil when nothing was refused.
func (c *Checks) Err() error { return c.list.Err() }

// Add takes a refusal; nil is none.
func (c *Checks) Add(e *fault.Error) {
	if e != nil {
		c.list = append(c.list, e)
	}
}

// Refuse adds an INVALID_INPUT.
func (c *Checks) Refuse(field, reason, zh, en string) {
	c.Add(fault.Invalid(field, reason, fault.Text{ZH: zh, EN: en}, fault.Text{}))
}

// Line is a required text of one line: trimmed, 1 to limit characters, no control characters.
func (c *Checks) Line(field, s string, limit int) string {
	s = strings.TrimSpace(s)
	if s == "" {
		c.Refuse(field, "REQUIRED", "不能为空", "must not be empty")
		return s
	}
	c.text(field, s, limit, false)
	return s
}

// Lines is a required text that may have several lines.
func (c *Checks) Lines(field, s string, limit int) string {
	s = trimLines(s)
	if s == "" {
		c.Refuse(field, "REQUIRED", "不能为空", "must not be empty")
		return s
	}
	c.text(field, s, limit, true)
	return s
}

// OptionalLine is a line that may be absent; an empty one is absent.
func (c *Checks) OptionalLine(field string, s *string, limit int) *string {
	return c.optional(field, s, limit, false)
}

// OptionalLines is a text of several lines that may be absent; an empty one is absent.
func (c *Checks) OptionalLines(field string, s *string, limit int) *string {
	return c.optional(field, s, limit, true)
}

func (c *Checks) optional(field string, s *string, limit int, many bool) *string {
	if s == nil {
		return nil
	}
	v := strings.TrimSpace(*s)
	if many {
		v = trimLines(*s)
	}
	if v == "" {
		return nil
	}
	c.text(field, v, limit, many)
	return &v
}

// MaybeLine is OptionalLine for a field that may be left out.
func (c *Checks) MaybeLine(field string, o Optional[string], limit int) Optional[string] {
	o.Value = c.OptionalLine(field, o.Value, limit)
	return o
}

// MaybeLines is OptionalLines for a field that may be left out.
func (c *Checks) MaybeLines(field string, o Optional[string], limit int) Optional[string] {
	o.Value = c.OptionalLines(field, o.Value, limit)
	return o
}

// Required refuses null and empty where a field may be left out but not cleared.
func Required[T any](c *Checks, field string, o Optional[T]) {
	if o.Given && o.Value == nil {
		c.Refuse(field, "REQUIRED", "不能为空", "must not be empty")
	}
}

func trimLines(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }

func (c *Checks) text(field, s string, limit int, many bool) {
	// SECURITY: PostgreSQL cannot store U+0000, and malformed UTF-8 must not reach it.
	if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
		c.Refuse(field, "TEXT_MALFORMED", "含有无法保存的字符", "holds characters that cannot be stored")
		return
	}
	if strings.ContainsFunc(s, func(r rune) bool { return forbidden(r, many) }) {
		c.Refuse(field, "CONTROL_CHARACTERS", "不能含控制字符", "must not hold control characters")
		return
	}
	if utf8.RuneCountInString(s) > limit {
		c.Refuse(field, "TOO_LONG", fmt.Sprintf("不能超过 %d 个字符", limit), fmt.Sprintf("must not exceed %d characters", limit))
	}
}

// forbidden: control characters, and the invisible ones that turn the direction of text and so disguise it.
func forbidden(r rune, many bool) bool {
	if many && (r == '\n' || r == '\t') {
		return false
	}
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

// OneOf refuses a value outside a closed list.
func (c *Checks) OneOf(field, s string, allowed ...string) {
	for _, a := range allowed {
		if a == s {
			return
		}
	}
	c.Refuse(field, "UNKNOWN_VALUE", "不在可选值之内", "is none of the allowed values")
}

// OptionalOneOf is OneOf for a value that may be absent.
func (c *Checks) OptionalOneOf(field string, s *string, allowed ...string) {
	if s != nil {
		c.OneOf(field, *s, allowed...)
	}
}

var currency = regexp.MustCompile(`^[A-Z]{3}$`)

// Money refuses negative amounts and malformed currencies.
func (c *Checks) Money(field string, m *Money) {
	if m == nil {
		return
	}
	if m.Minor < 0 {
		c.Refuse(field+".amount", "NEGATIVE_AMOUNT", "金额不能为负", "an amount is not negative")
	}
	if !currency.MatchString(m.Currency) {
		c.Refuse(field+".currency", "CURRENCY_MALFORMED", "币种须为三个大写字母（ISO 4217）", "a currency is three capital letters (ISO 4217)")
	}
}

// Day refuses days outside what people mean; nil is no day. Days are midnight UTC.
func (c *Checks) Day(field string, d *time.Time) {
	if d != nil && (d.Year() < 1900 || d.Year() > 2999) {
		c.Refuse(field, "DATE_OUT_OF_RANGE", "日期须在 1900 年至 2999 年之间", "a date lies between the years 1900 and 2999")
	}
}

// Order refuses an end before its beginning.
func (c *Checks) Order(field string, from, to *time.Time) {
	if from != nil && to != nil && to.Before(*from) {
		c.Refuse(field, "ENDS_BEFORE_START", "结束日期早于开始日期", "the end lies before the beginning")
	}
}

// Version refuses versions that no row has.
func (c *Checks) Version(field string, v int64) {
	if v < 1 {
		c.Refuse(field, "VERSION_MALFORMED", "版本号须为正整数", "a version is a positive number")
	}
}

var (
	phone    = regexp.MustCompile(`^(?:\+|\(|（)?[0-9][0-9 ()（）-]{3,24}[0-9)）](?: ?(?:x|ext\.?|转|-|#) ?[0-9]{1,8})?$`)
	digitsIn = regexp.MustCompile(`[0-9]`)
	email    = regexp.MustCompile(`^[^\s@"<>(),:;]{1,64}@[^\s@"<>(),:;.]{1,63}(?:\.[^\s@"<>(),:;.]{1,63})+$`)
	postcode = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z -]{2,10}[0-9A-Za-z]$`)
)

// Phone refuses what cannot be dialled: mobiles, landlines with area code and extension, service and foreign numbers pass.
func (c *Checks) Phone(field string, s *string) {
	if s == nil {
		return
	}
	n := len(digitsIn.FindAllString(*s, -1))
	if n < 5 || n > 24 || !phone.MatchString(strings.ToLower(*s)) {
		c.Refuse(field, "PHONE_MALFORMED", "电话号码格式不正确，例如 13800138000、010-88886666 转 12", "not a telephone number, such as 13800138000 or 010-88886666 ext 12")
	}
}

// Email refuses what has no shape of an address; only a mail proves one.
func (c *Checks) Email(field string, s *string) {
	if s != nil && !email.MatchString(*s) {
		c.Refuse(field, "EMAIL_MALFORMED", "电子邮件地址格式不正确", "not an e-mail address")
	}
}

// Postcode takes six Chinese digits and the shapes of other countries.
func (c *Checks) Postcode(field string, s *string) {
	if s != nil && !postcode.MatchString(*s) {
		c.Refuse(field, "POSTCODE_MALFORMED", "邮政编码格式不正确", "not a postal code")
	}
}
