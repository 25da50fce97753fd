package input_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/input"
)

func reasons(c *input.Checks) []string {
	list, _ := fault.As(c.Err())
	var out []string
	for _, e := range list {
		out = append(out, e.Field+" "+e.Reason)
	}
	return out
}

func TestEveryRefusalIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	var c input.Checks
	c.Line("a", " \t ", 5)
	c.Line("b", "六个字六个字", 5)
	c.Line("c", "a\nb", 5)
	c.Lines("d", "a\nb\x00", 5)
	c.Line("e", "a\u202eb", 5)
	c.Line("f", string([]byte{0xff}), 5)
	c.OneOf("g", "X", "Y")
	c.Money("h", &input.Money{Minor: -1, Currency: "cny"})
	c.Order("i", day(2026, 2, 1), day(2026, 1, 31))
	c.Day("j", day(3000, 1, 1))
	c.Version("k", 0)
	input.Required(&c, "l", input.Null[string]())
	want := []string{
		"a REQUIRED", "b TOO_LONG", "c CONTROL_CHARACTERS", "d TEXT_MALFORMED", "e CONTROL_CHARACTERS", "f TEXT_MALFORMED",
		"g UNKNOWN_VALUE", "h.amount NEGATIVE_AMOUNT", "h.currency CURRENCY_MALFORMED", "i ENDS_BEFORE_START", "j DATE_OUT_OF_RANGE",
		"k VERSION_MALFORMED", "l REQUIRED",
	}
	if got := reasons(&c); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestGoodValuesPassTrimmed(t *testing.T) {
	t.Parallel()
	var c input.Checks
	if got := c.Line("a", "  华为技术\u3000", 4); got != "华为技术" {
		t.Errorf("%q", got)
	}
	if got := c.Lines("a", "一\r\n二 ", 3); got != "一\n二" {
		t.Errorf("%q", got)
	}
	empty := "  "
	if got := c.OptionalLine("a", &empty, 3); got != nil {
		t.Errorf("%q", *got)
	}
	if empty != "  " {
		t.Error("the caller's text was changed")
	}
	if got := c.MaybeLine("a", input.Set(" x "), 3); !got.Given || *got.Value != "x" {
		t.Errorf("%v", got)
	}
	c.Money("a", &input.Money{Minor: 1<<63 - 1, Currency: "CNY"})
	if c.Err() != nil {
		t.Error(c.Err())
	}
}

func TestPhones(t *testing.T) {
	t.Parallel()
	for phone, good := range map[string]bool{
		"13800138000": true, "+86 138 0013 8000": true, "010-88886666": true, "(010) 88886666": true, "（010）88886666转12": true,
		"010-88886666-8012": true, "0755-2878 0808 ext 5": true, "400-800-8888": true, "95588": true, "4008008888": true, "021-6666666#3": true,
		"": false, "abc": false, "138001380001380013800138001": false, "1234": false, "138;DROP": false, "１３８００１３８０００": false, "95588-1": true,
	} {
		var c input.Checks
		c.Phone("p", &phone)
		if (c.Err() == nil) != good {
			t.Errorf("%q: %v", phone, c.Err())
		}
	}
}

func TestEmailsAndPostcodes(t *testing.T) {
	t.Parallel()
	for email, good := range map[string]bool{
		"a@b.cn": true, "zhang.san+x@mail.example.com": true, "张三@例子.中国": true, "a@b": false, "@b.cn": false, "a b@c.cn": false, "a@b..cn": false,
		"<a@b.cn>": false, strings.Repeat("a", 65) + "@b.cn": false,
	} {
		var c input.Checks
		c.Email("e", &email)
		if (c.Err() == nil) != good {
			t.Errorf("%q: %v", email, c.Err())
		}
	}
	for code, good := range map[string]bool{"518129": true, "SW1A 1AA": true, "12": false, "５１８１２９": false, "-12345": false} {
		var c input.Checks
		c.Postcode("e", &code)
		if (c.Err() == nil) != good {
			t.Errorf("%q: %v", code, c.Err())
		}
	}
}

func TestLeftOutIsNotNull(t *testing.T) {
	t.Parallel()
	texts := map[string]bool{}
	for _, o := range []input.Optional[string]{{}, input.Null[string](), input.Set(""), input.Set("x")} {
		b, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		texts[string(b)] = true
	}
	if len(texts) != 4 {
		t.Errorf("an idempotency key cannot tell them apart: %v", texts)
	}
}

func day(y int, m time.Month, d int) *time.Time {
	t := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	return &t
}
