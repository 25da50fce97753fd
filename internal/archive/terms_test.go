package archive

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/clientele/clientele/internal/pinyin"
)

func found(n Named, query string, upTo int16) bool {
	terms := Terms(n)
	query2 := QueryTerms(query)
	for _, q := range query2 {
		if !slices.ContainsFunc(terms, func(t Term) bool { return t.Class <= upTo && t.Term == q }) {
			return false
		}
	}
	return len(query2) > 0
}

func TestWhatFindsAClient(t *testing.T) {
	t.Parallel()
	n := Named{
		Code: "KA-000123", Name: "重庆长安汽车股份有限公司", SortKey: "chong qing chang an qi che", FormerNames: []string{"长安机器厂"},
		CreditCode: "91500000202855963X", Phone: "023-6759 4008 转 12",
	}
	for query, class := range map[string]int16{
		"重庆长安": 0, "长安汽车": 0, "安": 0, "汽车股份": 0, "长安 重庆": 0, "重庆长安汽车有限责任公司": 0,
		"chongqing": 0, "zhongqing": 0, "changan": 0, "zhangan": 0, "cqca": 0, "CQCAQC": 0, "qc": 0, "ch": 0, "c": 0, "长安qiche": 0, "ＣＱＣＡ": 0,
		"cqcaqcgfyxgs": 0, "changanqichegufenyouxiangongsi": 0,
		"KA-000123": 0, "ka000123": 0, "0123": 0, "  长安　汽车 ": 0, "长安（汽车）": 0,
		"机器厂": 1, "jiqichang": 1, "9150000020": 1, "91500000202855963x": 1, "2855963X": 1, "4008": 1, "67594008": 1, "02367594008": 1,
	} {
		if !found(n, query, class) {
			t.Errorf("%q does not find it in L%d: %v", query, class, QueryTerms(query))
		}
		if class > 0 && found(n, query, class-1) {
			t.Errorf("%q finds it without L%d", query, class)
		}
	}
	for _, query := range []string{"", "  ", "（）", "长春", "安长", "重汽", "changchun", "hw", "4009", "4008 长春", "华为", "99", "zzz", "400"} {
		if found(n, query, 7) {
			t.Errorf("%q finds it by %v", query, QueryTerms(query))
		}
	}
}

func TestNamesOfLettersAndChineseTogether(t *testing.T) {
	t.Parallel()
	n := Named{Name: "TCL科技集团（深圳）有限公司", Code: "KA-000001"}
	for _, query := range []string{"tcl", "TCL科技", "tclkj", "tclkeji", "科技集团深圳", "shenzhen", "cl科", "tc", "t", "集团 tcl"} {
		if !found(n, query, 0) {
			t.Errorf("%q: %v", query, QueryTerms(query))
		}
	}
}

func TestALegalFormIsLookedForWhenNothingElseIs(t *testing.T) {
	t.Parallel()
	if got := QueryTerms("有限公司"); !slices.Equal(got, []string{"有限", "限公", "公司"}) {
		t.Error(got)
	}
	if got := QueryTerms("海尔股份有限公司"); !slices.Equal(got, []string{"海尔"}) {
		t.Error(got)
	}
}

// A legal form as it is spoken makes no terms: it would be a third of all rows and tells nobody from another.
func TestSpokenLegalFormsMakeNoTerms(t *testing.T) {
	t.Parallel()
	n := Named{Name: "华东工业设备有限公司", SortKey: pinyin.SortKey("华东工业设备有限公司")}
	for _, query := range []string{"gongsi", "yxgs", "youxian"} {
		if found(n, query, 7) {
			t.Errorf("%q finds it", query)
		}
	}
	bare := Named{Name: "华东工业设备", SortKey: pinyin.SortKey("华东工业设备")}
	if more := len(Terms(n)) - len(Terms(bare)); more > 9 { // four characters, four pairs, one between name and form
		t.Errorf("the legal form makes %d terms", more)
	}
}

// Any part of a name, of its pinyin and of its initials finds it.
func TestEveryPartFinds(t *testing.T) {
	t.Parallel()
	letters := []rune("重庆长安曾单行银乐覃中国工商北京大学第一汽车集团公司限有股份aBz９8厦仇都")
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SliceOfN(rapid.SampledFrom(letters), 1, 14).Draw(t, "name")
		from := rapid.IntRange(0, len(name)-1).Draw(t, "from")
		to := rapid.IntRange(from+1, len(name)).Draw(t, "to")
		n, part := Named{Name: string(name)}, string(name[from:to])
		if !found(n, part, 0) {
			t.Fatalf("%s is not found by %s: %v", n.Name, part, QueryTerms(part))
		}
		for _, reading := range pinyin.Readings(part) {
			if strings.ContainsAny(reading, "0123456789") {
				continue // digits alone are cut into longer pieces than letters
			}
			if !found(n, reading, 0) {
				t.Fatalf("%s is not found by %s: %v", n.Name, reading, QueryTerms(reading))
			}
		}
	})
}

func TestTermsFitTheirColumn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := Named{Name: rapid.String().Draw(t, "name"), Code: rapid.String().Draw(t, "code"), Phone: rapid.String().Draw(t, "phone")}
		for _, term := range Terms(n) {
			if len(term.Term) == 0 || len([]rune(term.Term)) > 64 || strings.ContainsRune(term.Term, 0) {
				t.Fatalf("%q", term.Term)
			}
		}
		if got := QueryTerms(rapid.String().Draw(t, "query")); len(got) > maxQueryTerms {
			t.Fatal(len(got))
		}
	})
	if n := len(Terms(Named{Name: strings.Repeat("曾单乐长重行", 33)})); n > maxTermPieces {
		t.Errorf("%d terms", n)
	}
}
