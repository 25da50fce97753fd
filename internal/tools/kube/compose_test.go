package kube

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// load reads a compose file as the tool does: by its schema, with the variables that env.example names filled in.
func load(t *testing.T, file string) (*types.Project, error) {
	t.Helper()
	example, err := os.ReadFile(deploy + "env.example")
	if err != nil {
		t.Fatal(err)
	}
	var env []string
	for _, m := range regexp.MustCompile(`(?m)^#?([A-Z_]+)=`).FindAllStringSubmatch(string(example), -1) {
		env = append(env, m[1]+"=value-of-sixteen-characters")
	}
	options, err := cli.NewProjectOptions([]string{file}, cli.WithEnv(env), cli.WithProfiles([]string{"*"}), cli.WithResolvedPaths(true))
	if err != nil {
		t.Fatal(err)
	}
	return options.LoadProject(context.Background())
}

func TestCompose(t *testing.T) {
	t.Parallel()
	project, err := load(t, deploy+"compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	finish, settings := program(t)
	for name, s := range project.Services {
		// SECURITY: nothing listens to the world; a reverse proxy of the operator's does.
		for _, p := range s.Ports {
			if p.HostIP != "127.0.0.1" {
				t.Errorf("%s publishes %s on %q", name, p.Published, p.HostIP)
			}
		}
		for variable := range s.Environment {
			if strings.HasPrefix(variable, "CLIENTELE_") && name != "postgres" && !settings[variable] {
				t.Errorf("%s: %s is no setting of the program", name, variable)
			}
		}
		for _, v := range s.Volumes {
			if v.Type == types.VolumeTypeBind {
				if _, err := os.Stat(v.Source); err != nil {
					t.Errorf("%s mounts what is not there: %v", name, err)
				}
			}
		}
		if _, tag, _ := strings.Cut(s.Image, ":"); tag == "" || tag == "latest" {
			t.Errorf("%s has no version: %s", name, s.Image)
		}
	}
	api := project.Services["api"]
	if grace := time.Duration(*api.StopGracePeriod); grace < finish+10*time.Second {
		t.Errorf("the program is killed after %s", grace)
	}
	if !api.ReadOnly || api.Environment["CLIENTELE_OWNER_URL"] != nil || project.Services["migrate"].Environment["CLIENTELE_OWNER_URL"] == nil {
		t.Error("the serving process is writable, or owner URLs stand in the wrong place")
	}
}

func TestComposeIsStrict(t *testing.T) {
	t.Parallel()
	file := t.TempDir() + "/compose.yaml"
	if err := os.WriteFile(file, []byte("name: x\nservices: {a: {image: b, prots: [\"1:1\"]}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := load(t, file); err == nil {
		t.Fatal("an unknown field is accepted")
	}
}
