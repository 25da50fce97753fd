// Package creditcode owns the check of unified social credit codes (统一社会信用代码, GB 32100-2015).
// It does not own whether a code may be used twice, nor who the legal entity behind it is.
package creditcode

import (
	"strings"

	"github.com/clientele/clientele/internal/fault"
)

// Reason codes of a refused code.
const (
	ReasonLength     = "CREDIT_CODE_LENGTH"      // not 18 characters
	ReasonCharacters = "CREDIT_CODE_CHARACTERS"  // a character outside the standard's 31, or a letter in the six division digits
	ReasonCheckDigit = "CREDIT_CODE_CHECK_DIGIT" // the last character does not follow from the 17 before it
)

const (
	length = 18
	// The standard's 31 characters in the order of their values: no I, O, S, V, Z.
	alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
	modulus  = len(alphabet)
)

// Validate refuses a code that the standard does not allow; field is the input path of the refusal. nil means that the
// code is well formed. Codes have one spelling: upper case, without spaces. Errors: INVALID_INPUT with a reason above.
func Validate(field, code string) *fault.Error {
	remedy := fault.Text{ZH: "请核对营业执照上的 18 位代码", EN: "compare it with the 18 characters on the business licence"}
	if len(code) != length {
		return fault.Invalid(field, ReasonLength, fault.Text{ZH: "统一社会信用代码须为 18 位", EN: "a unified social credit code has 18 characters"}, remedy)
	}
	want, ok := CheckDigit(code[:length-1])
	if !ok || strings.IndexByte(alphabet, code[length-1]) < 0 {
		return fault.Invalid(field, ReasonCharacters,
			fault.Text{ZH: "统一社会信用代码只含数字与除 I、O、S、V、Z 外的大写字母，第 3 至 8 位为数字", EN: "a unified social credit code has digits and upper-case letters other than I, O, S, V, Z; characters 3 to 8 are digits"}, remedy)
	}
	if code[length-1] != want {
		return fault.Invalid(field, ReasonCheckDigit, fault.Text{ZH: "统一社会信用代码校验位不符", EN: "the check digit of the unified social credit code is wrong"}, remedy)
	}
	return nil
}

// CheckDigit gives the 18th character for the first 17 (GB 32100-2015: weights are powers of 3 modulo 31). ok is false when
// these 17 are not what the standard allows.
func CheckDigit(first17 string) (digit byte, ok bool) {
	if len(first17) != length-1 {
		return 0, false
	}
	sum, weight := 0, 1
	for i := range length - 1 {
		c := first17[i]
		value := strings.IndexByte(alphabet, c)
		division := i >= 2 && i < 8
		if value < 0 || division && c > '9' {
			return 0, false
		}
		sum += value * weight
		weight = weight * 3 % modulus
	}
	return alphabet[(modulus-sum%modulus)%modulus], true
}
