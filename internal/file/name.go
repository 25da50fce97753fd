package file

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/clientele/clientele/internal/fault"
)

// maxName is the longest name, in characters.
const maxName = 200

// cleanName gives the name without what is no part of it: folders before it, blanks around it, compatibility forms.
//
// SECURITY: control characters and those that turn the direction of writing are refused, not removed: "invoice[RLO]fdp.exe"
// would be shown as another name than it has.
func cleanName(name string) (string, *fault.Error) {
	if !utf8.ValidString(name) {
		return "", badName("FILE_NAME_CHARACTERS")
	}
	name = norm.NFC.String(name)
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.TrimSpace(name)
	for _, r := range name {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' || r == '\ufeff' || r == utf8.RuneError || unicode.Is(unicode.Co, r) {
			return "", badName("FILE_NAME_CHARACTERS")
		}
	}
	switch n := utf8.RuneCountInString(name); {
	case strings.Trim(name, ". ") == "":
		return "", badName("FILE_NAME_EMPTY")
	case n > maxName:
		return "", badName("FILE_NAME_LENGTH")
	}
	return name, nil
}

func badName(reason string) *fault.Error {
	return fault.Invalid("name", reason, fault.Text{ZH: "文件名为空、过长或含有不允许的字符", EN: "the file name is empty, too long, or has characters that are not allowed"},
		fault.Text{ZH: "请使用 1 至 200 个可见字符，不含控制字符与书写方向控制符", EN: "use 1 to 200 visible characters, without control characters and without marks that turn the direction of writing"})
}
