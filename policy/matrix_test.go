package policy_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/uuid"

	"github.com/clientele/clientele/policy"
)

// The matrix (testdata/matrix/*.yaml) is the second, independent statement of who may do what. It is written for people
// who do not program: per noun and verb, which role may in which scope, and which roles may not. It must place every
// shipped role for every noun and verb; a role, noun or verb that is added turns this test red until it is placed.

type matrixFile struct {
	Noun  string        `yaml:"noun"`
	Cells []matrixBlock `yaml:"cells"`
}

type matrixBlock struct {
	Verbs  []string            `yaml:"verbs"`  // "client read", "client#list reveal"
	May    map[string][]string `yaml:"may"`    // scope -> roles
	Denied []string            `yaml:"denied"` // roles
}

func TestShippedRolesMatchTheMatrix(t *testing.T) {
	t.Parallel()
	for _, problem := range checkMatrix(readMatrix(t), shippedPlacements(t, policy.ShippedRules())) {
		t.Error(problem)
	}
}

// The checker itself can fail: each kind of mistake is made once and must be found.
func TestMatrixCheckerFindsMistakes(t *testing.T) {
	t.Parallel()
	block := func(files []matrixFile, verb string) *matrixBlock {
		for f := range files {
			for c := range files[f].Cells {
				if slices.Contains(files[f].Cells[c].Verbs, verb) {
					return &files[f].Cells[c]
				}
			}
		}
		t.Fatalf("no block for %s", verb)
		return nil
	}
	tests := []struct {
		name   string
		damage func(files []matrixFile, placed map[question]map[string][]string)
		want   string
	}{
		{"role not placed", func(f []matrixFile, _ map[question]map[string][]string) {
			b := block(f, "client read")
			b.Denied = slices.DeleteFunc(b.Denied, func(r string) bool { return r == "hr_officer" })
		}, "client read: hr_officer is not placed"},
		{"verb not placed", func(f []matrixFile, _ map[question]map[string][]string) {
			b := block(f, "contract contract.submit")
			b.Verbs = slices.DeleteFunc(b.Verbs, func(v string) bool { return v == "contract contract.submit" })
		}, "contract contract.submit is not placed"},
		{"verb placed twice", func(f []matrixFile, _ map[question]map[string][]string) {
			b := block(f, "client count")
			b.Verbs = append(b.Verbs, "client read")
		}, "client read is placed twice"},
		{"unknown verb", func(f []matrixFile, _ map[question]map[string][]string) {
			b := block(f, "client read")
			b.Verbs = append(b.Verbs, "client raed")
		}, "client raed: no such noun and verb"},
		{"unknown role", func(f []matrixFile, _ map[question]map[string][]string) {
			b := block(f, "client read")
			b.Denied = append(b.Denied, "nobody")
		}, "client read: no such role nobody"},
		{"allowed and denied", func(f []matrixFile, _ map[question]map[string][]string) {
			b := block(f, "client read")
			b.Denied = append(b.Denied, "general_manager")
		}, "client read: general_manager is both allowed and denied"},
		{"a rule gives more", func(_ []matrixFile, placed map[question]map[string][]string) {
			placed[question{policy.OnClient, policy.Read}]["hr_officer"] = []string{"TENANT"}
		}, "client read: hr_officer: the matrix says denied, the rules give TENANT"},
		{"a rule gives less", func(_ []matrixFile, placed map[question]map[string][]string) {
			delete(placed[question{policy.OnClient, policy.Read}], "general_manager")
		}, "client read: general_manager: the matrix says TENANT, the rules give denied"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			files, placed := readMatrix(t), shippedPlacements(t, policy.ShippedRules())
			tt.damage(files, placed)
			if got := checkMatrix(files, placed); !slices.Contains(got, tt.want) {
				t.Errorf("got %q, want among them %q", got, tt.want)
			}
		})
	}
}

// A rule that nobody placed is found from the rules' side, too.
func TestMatrixNoticesAnAddedRule(t *testing.T) {
	t.Parallel()
	more := append(policy.ShippedRules(), policy.Rule{
		Seq: 9999, Role: "list_reader", Object: policy.ClientCredit,
		Action: policy.Reveal, Scope: policy.Dept, Effect: policy.Allow,
	})
	want := "client#credit reveal: list_reader: the matrix says denied, the rules give DEPT"
	if got := checkMatrix(readMatrix(t), shippedPlacements(t, more)); !slices.Equal(got, []string{want}) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func readMatrix(t *testing.T) (files []matrixFile) {
	t.Helper()
	paths, err := filepath.Glob("testdata/matrix/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no matrix: %v", err)
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var f matrixFile
		if err := yaml.UnmarshalWithOptions(content, &f, yaml.Strict()); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		files = append(files, f)
	}
	return files
}

// checkMatrix compares what is written with what the rules give; an empty answer means they are the same and complete.
func checkMatrix(files []matrixFile, given map[question]map[string][]string) (problems []string) {
	say := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	seen := map[question]bool{}
	for _, f := range files {
		for _, b := range f.Cells {
			written := map[string][]string{}
			for scope, roles := range b.May {
				for _, r := range roles {
					written[r] = append(written[r], scope)
				}
			}
			for _, verb := range b.Verbs {
				noun, act, _ := strings.Cut(verb, " ")
				q := question{policy.Object(noun), policy.Action(act)}
				if entity, ok := policy.EntityOf(q.obj); !ok || !policy.Known(q.obj, q.act) || string(entity) != f.Noun {
					say("%s: no such noun and verb", verb)
					continue
				}
				if seen[q] {
					say("%s is placed twice", verb)
				}
				seen[q] = true
				problems = append(problems, checkCell(verb, b, written, given[q])...)
			}
		}
	}
	for _, e := range catalogue {
		for _, q := range everyQuestion(e) {
			if !seen[q] {
				say("%s %s is not placed", q.obj, q.act)
			}
		}
	}
	return problems
}

func checkCell(verb string, b matrixBlock, written, given map[string][]string) (problems []string) {
	say := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	known := map[string]bool{}
	for _, role := range policy.ShippedRoles() {
		known[role.Key] = true
		allowed, denied := written[role.Key], slices.Contains(b.Denied, role.Key)
		slices.Sort(allowed)
		switch {
		case len(allowed) == 0 && !denied:
			say("%s: %s is not placed", verb, role.Key)
		case len(allowed) > 0 && denied:
			say("%s: %s is both allowed and denied", verb, role.Key)
		case !slices.Equal(allowed, given[role.Key]):
			say("%s: %s: the matrix says %s, the rules give %s", verb, role.Key, orDenied(allowed), orDenied(given[role.Key]))
		}
	}
	for _, r := range append(slices.Sorted(maps.Keys(written)), b.Denied...) {
		if !known[r] {
			say("%s: no such role %s", verb, r)
		}
	}
	return problems
}

func orDenied(scopes []string) string {
	if len(scopes) == 0 {
		return "denied"
	}
	return strings.Join(scopes, " and ")
}

// shippedPlacements asks the compiled table what each role reaches, as a person who is employed and nothing else.
func shippedPlacements(t *testing.T, rules []policy.Rule) map[question]map[string][]string {
	t.Helper()
	table, org := mustCompile(t, rules, policy.ShippedInherits()), worldOrg(t)
	out := map[question]map[string][]string{}
	for _, e := range catalogue {
		for _, q := range everyQuestion(e) {
			out[q] = map[string][]string{}
			for _, role := range policy.ShippedRoles() {
				p := &policy.Principal{Tenant: tenantA, Staff: staffIDs[1], Bindings: []policy.Binding{{ID: uuid.New(), Role: role.Key}}}
				reach := table.Bind(p, org, noon).Reach(q.obj, q.act)
				if scopes := scopesOf(q, reach); len(scopes) > 0 {
					out[q][role.Key] = scopes
				}
			}
		}
	}
	return out
}

// scopesOf writes a reach as the matrix does: SCOPE, the classes a grant needs when not all do, and the condition.
func scopesOf(q question, reach policy.Reach) (out []string) {
	if reach.All {
		return []string{"TENANT"}
	}
	for _, term := range reach.Allow {
		s := term.Scope.String()
		if q.obj == policy.OnClient && term.Scope == policy.Granted && term.Classes != policy.AllClasses {
			s += " " + term.Classes.String()
		}
		for i, c := range term.Cond {
			s += map[bool]string{true: " if ", false: " & "}[i == 0] + c.String()
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}
