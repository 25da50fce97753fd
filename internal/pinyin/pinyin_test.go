package pinyin_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/clientele/clientele/internal/pinyin"
)

func TestSortKey(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"张三": "zhang san", "重庆长安汽车": "chong qing chang an qi che", "厦门银行": "xia men yin hang", "长沙ABC科技 2号": "chang sha abc ke ji 2 hao",
		"ＡＢ公司": "ab gong si", "": "", "（）·": "", "Acme GmbH": "acme gmbh",
	} {
		if got := pinyin.SortKey(name); got != want {
			t.Errorf("SortKey(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestPersonKey(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"单雄信": "shan xiong xin", "曾国": "zeng guo", "尉迟恭": "yu chi gong", "王单": "wang dan", "仇": "qiu", "Anna 李": "anna li", "": "",
	} {
		if got := pinyin.PersonKey(name); got != want {
			t.Errorf("PersonKey(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestReadingsHaveEveryHeteronym(t *testing.T) {
	t.Parallel()
	got := pinyin.Readings("曾单A")
	for _, want := range []string{"zengshana", "cengdana", "zsa", "cda"} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is not among %v", want, got)
		}
	}
	if got := pinyin.Readings("，。"); len(got) != 0 {
		t.Errorf("punctuation reads as %v", got)
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.RuneFrom([]rune("曾单乐行长重和的都a １")), 0, 300, -1)).Draw(t, "name")
		for _, k := range []string{pinyin.SortKey(name), pinyin.PersonKey(name)} {
			if utf8.RuneCountInString(k) > pinyin.MaxKey || strings.TrimSpace(k) != k {
				t.Fatalf("key %q", k)
			}
		}
		all := pinyin.Readings(name)
		if len(all) > pinyin.MaxReadings {
			t.Fatalf("%d readings", len(all))
		}
		for _, r := range all {
			if r == "" || len(r) > pinyin.MaxReading || strings.Trim(r, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
				t.Fatalf("reading %q", r)
			}
		}
	})
}
