// Package matrix owns the run that observes from outside, over HTTP, what policy/testdata/matrix says of every shipped role. It
// has tests only; it does not own the sheets nor the rules (policy), nor what the read gate is told about fields (internal/read).
//
// The sheets are read again here and judged by a few lines of this package's own (sheet_test.go): no code of the product that
// decides is asked. Somebody who may see everything asks the same documents as everybody else; what the sheets do not give is
// taken out of his answers (expect_test.go), and the rest is what the role has to be answered: no more, no less.
//
// What a newcomer must add is said by the failing test: a type needs rows (place_test.go), a field a group in its description, a
// filter, order or root an entry in lists_test.go, an act an entry in acts_test.go, a noun a sheet.
package matrix
