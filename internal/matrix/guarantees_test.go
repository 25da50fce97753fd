package matrix

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	guaranteeRow = regexp.MustCompile(`(?m)^\| (G\d+) \| (.+) \| (.+) \|$`)
	testPackage  = regexp.MustCompile("`([a-z/]+)`((?: (?:Test|Fuzz|Benchmark)[A-Za-z0-9]+,?)+)")
	testName     = regexp.MustCompile(`(?:Test|Fuzz|Benchmark)[A-Za-z0-9]+`)
)

// named gives the tests that a text names, as "folder Name", and the guarantees that name at least one.
func named(text string) (tests []string, guarantees map[string]int) {
	guarantees = map[string]int{}
	for _, row := range guaranteeRow.FindAllStringSubmatch(text, -1) {
		for _, p := range testPackage.FindAllStringSubmatch(row[3], -1) {
			for _, name := range testName.FindAllString(p[2], -1) {
				tests = append(tests, p[1]+" "+name)
				guarantees[row[1]]++
			}
		}
	}
	return tests, guarantees
}

// exists tells whether a package of the repository has a test of that name.
func exists(t *testing.T, test string) bool {
	t.Helper()
	folder, name, _ := strings.Cut(test, " ")
	files, err := filepath.Glob(filepath.Join("..", "..", folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+name+"(") {
			return true
		}
	}
	return false
}

// Every guarantee of docs/guarantees.md names tests, and every test that is named exists.
func TestEveryGuaranteeHasItsTests(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/guarantees.md")
	if err != nil {
		t.Fatal(err)
	}
	tests, guarantees := named(string(text))
	for n := range 14 {
		if g := fmt.Sprintf("G%d", n+1); guarantees[g] == 0 {
			t.Errorf("%s names no test", g)
		}
	}
	for _, test := range tests {
		if !exists(t, test) {
			t.Errorf("there is no test %s", test)
		}
	}
	if all := testName.FindAllString(string(text), -1); len(all) < len(tests) || len(tests) < 40 {
		t.Errorf("%d of %d names are read", len(tests), len(all))
	}
	if exists(t, "policy TestThatNobodyWrote") {
		t.Error("a test that is not there is found")
	}
	if got, _ := named("| G1 | x | `policy` TestA, FuzzB; `internal/read` BenchmarkC |"); strings.Join(got, ";") != "policy TestA;policy FuzzB;internal/read BenchmarkC" {
		t.Errorf("read as %q", got)
	}
}
