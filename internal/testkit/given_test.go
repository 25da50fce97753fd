package testkit

import (
	"maps"
	"strings"
	"testing"
)

// A server that is given by half, or in a way that would have tests write into the database that is cloned, is refused: tests
// that then ran on the kit's own server would show nothing of the given one.
func TestAGivenServerIsWholeOrRefused(t *testing.T) {
	t.Parallel()
	whole := map[string]string{envPooler: "true", envSuperuser: "postgres://s:p@h:1/postgres"}
	for name, role := range map[string]string{envOwner: "owner", envApp: "app", envAuthn: "authn", envSystem: "system"} {
		whole[name] = "postgres://" + role + ":p@h:1/clientele?sslmode=disable"
	}
	read := func(change map[string]string) (*given, error) {
		env := maps.Clone(whole)
		maps.Copy(env, change)
		return givenServer(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	}
	g, err := read(nil)
	if err != nil || !g.pooler || g.template != "clientele" || g.at(envApp, "x") != "postgres://app:p@h:1/x?sslmode=disable" {
		t.Fatalf("%+v %v", g, err)
	}
	if g, err := givenServer(func(string) (string, bool) { return "", false }); g != nil || err != nil {
		t.Fatalf("nothing is set: %+v %v", g, err)
	}
	for name := range whole {
		if g, err := read(map[string]string{name: ""}); g != nil || err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %+v %v", name, g, err)
		}
	}
	for what, change := range map[string]map[string]string{
		envApp:       {envApp: "postgres://app:p@h:1/other"},
		envSuperuser: {envSuperuser: "postgres://s:p@h:1/clientele"},
		envPooler:    {envPooler: "perhaps"},
		envSystem:    {envSystem: "postgres://system:secret@h:port/clientele"},
	} {
		if g, err := read(change); g != nil || err == nil || !strings.Contains(err.Error(), what) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v: %+v %v", change, g, err)
		}
	}
}
