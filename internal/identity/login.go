package identity

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/internal/input"
)

// loginForm: 2 to 63 characters, as the database has it.
var loginForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,62}$`)

func checkLogin(c *input.Checks, field, login string) {
	if !loginForm.MatchString(login) {
		c.Refuse(field, "LOGIN_FORM", "登录名须为 2 至 63 个小写字母、数字、点、横线或下划线，并以字母或数字开头",
			"a login has 2 to 63 lower-case letters, digits, dots, dashes or underscores and begins with a letter or digit")
	}
}

// checkPassword: at least 10 characters; none are forbidden but what is not text. It must not hold the login, unless that is
// so short (under 4 characters) that a random password may hold it by chance.
func checkPassword(c *input.Checks, field, password, login string) {
	switch {
	case !utf8.ValidString(password) || strings.ContainsRune(password, 0):
		c.Refuse(field, "TEXT_MALFORMED", "含有无法保存的字符", "holds characters that cannot be stored")
	case utf8.RuneCountInString(password) < credential.MinPasswordCharacters:
		c.Refuse(field, "PASSWORD_TOO_SHORT", "密码至少 10 个字符", "a password has at least 10 characters")
	case len(password) > credential.MaxPasswordBytes:
		c.Refuse(field, "TOO_LONG", "密码不能超过 1024 字节", "a password has at most 1024 bytes")
	case len(login) >= 4 && strings.Contains(strings.ToLower(password), login):
		c.Refuse(field, "PASSWORD_HOLDS_LOGIN", "密码不能包含登录名", "a password must not hold the login")
	}
}
