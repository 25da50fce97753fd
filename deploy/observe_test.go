// Package deploy_test holds the deployment files to what they say, without containers: a server of one's own with
// passwords, set up by roles.sql alone, migrated, served, pooled, backed up, restored and upgraded under load.
// It does not own what the program does when it serves; that is tested where it is written.
// Tests that start servers have the build tag "deploy" and are run by make test-deploy.
package deploy_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/clientele/clientele/internal/telemetry"
)

func read(t testing.TB, path string) string {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// exported are the metrics that the program has once it did each thing that it measures, without what Prometheus adds.
func exported(t *testing.T) []string {
	t.Helper()
	tel, err := telemetry.Start(t.Context(), telemetry.Config{LogFormat: "text", LogLevel: slog.LevelError, LogTo: io.Discard, Build: telemetry.ReadBuild()})
	if err != nil {
		t.Fatal(err)
	}
	if err := tel.WatchPool(func() telemetry.Pool { return telemetry.Pool{Busy: 1, Idle: 1, Most: 2} }); err != nil {
		t.Fatal(err)
	}
	if err := tel.WatchSealing(func() time.Duration { return time.Second }); err != nil {
		t.Fatal(err)
	}
	tel.Operation(context.Background(), telemetry.Operation{Kind: "query", Via: "http", Cost: 1, Codes: []string{"INTERNAL"}, Duration: time.Millisecond})
	tel.HTTP(http.NotFoundHandler(), telemetry.Route(http.NewServeMux())).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader("{}")))
	rec := httptest.NewRecorder()
	tel.Metrics().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^([a-zA-Z_:][\w:]*)[{ ]`).FindAllStringSubmatch(rec.Body.String(), -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// named are the metrics that an expression reads: names before a selector or a range, all of ours have an underscore.
func named(expression string) []string {
	bare := regexp.MustCompile(`"[^"]*"|\{[^}]*\}|\b(by|without|on|ignoring)\s*\([^)]*\)`).ReplaceAllString(expression, " ")
	var names []string
	for _, word := range regexp.MustCompile(`[a-zA-Z_:][\w:]*`).FindAllString(bare, -1) {
		if !slices.Contains([]string{"histogram_quantile", "label_values", "label_replace", "count_values"}, word) && strings.Contains(word, "_") {
			names = append(names, word)
		}
	}
	return names
}

// unknown are the names in expressions that the program does not export.
func unknown(expressions, known []string) []string {
	var out []string
	for _, e := range expressions {
		for _, name := range named(e) {
			if !slices.Contains(known, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

type alertFile struct {
	Groups []struct {
		Name  string `yaml:"name"`
		Rules []struct {
			Alert       string            `yaml:"alert"`
			Expr        string            `yaml:"expr"`
			For         string            `yaml:"for"`
			Labels      map[string]string `yaml:"labels"`
			Annotations map[string]string `yaml:"annotations"`
		} `yaml:"rules"`
	} `yaml:"groups"`
}

func strict(t *testing.T, path string, into any) {
	t.Helper()
	d := yaml.NewDecoder(strings.NewReader(read(t, path)))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func TestAlertsAndDashboardsReadWhatIsExported(t *testing.T) {
	t.Parallel()
	known := exported(t)
	var alerts alertFile
	strict(t, "observe/alerts.yaml", &alerts)
	var expressions []string
	runbook := read(t, "runbooks/incident.md")
	for _, g := range alerts.Groups {
		for _, r := range g.Rules {
			expressions = append(expressions, r.Expr)
			if r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["summary_zh"] == "" {
				t.Errorf("%s says not how bad it is, or what it is in both languages", r.Alert)
			}
			if !strings.Contains(runbook, "### "+r.Alert) {
				t.Errorf("%s is not in the runbook", r.Alert)
			}
		}
	}
	if len(expressions) < 5 {
		t.Fatalf("%d alerts", len(expressions))
	}
	boards, err := filepath.Glob("observe/grafana/dashboards/*.json")
	if err != nil || len(boards) == 0 {
		t.Fatalf("dashboards: %q %v", boards, err)
	}
	for _, path := range boards {
		var board struct {
			UID    string
			Panels []struct {
				Title   string
				Targets []struct{ Expr string }
			}
		}
		if err := json.Unmarshal([]byte(read(t, path)), &board); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, p := range board.Panels {
			for _, target := range p.Targets {
				expressions = append(expressions, target.Expr)
			}
			if p.Title == "" || len(p.Targets) == 0 {
				t.Errorf("%s: the panel %q shows nothing", path, p.Title)
			}
		}
	}
	if missing := unknown(expressions, known); len(missing) != 0 {
		t.Errorf("not exported: %q; there are\n%s", missing, strings.Join(known, "\n"))
	}
	// The check sees a wrong name, also beside a right one.
	if missing := unknown([]string{`rate(clientele_operation_errors_total[5m]) / sum by (kind) (rate(clientele_operations_total{a="b_c"}[5m]))`}, known); !slices.Equal(missing, []string{"clientele_operations_total"}) {
		t.Errorf("the check finds %q", missing)
	}
}

// TestCollectorPipelinesAreWhole: every component that a pipeline names is there, and every one that is there is named.
func TestCollectorPipelinesAreWhole(t *testing.T) {
	t.Parallel()
	var c struct {
		Receivers  map[string]any `yaml:"receivers"`
		Processors map[string]any `yaml:"processors"`
		Exporters  map[string]any `yaml:"exporters"`
		Extensions map[string]any `yaml:"extensions"`
		Service    struct {
			Extensions []string `yaml:"extensions"`
			Pipelines  map[string]struct {
				Receivers  []string `yaml:"receivers"`
				Processors []string `yaml:"processors"`
				Exporters  []string `yaml:"exporters"`
			} `yaml:"pipelines"`
		} `yaml:"service"`
	}
	strict(t, "observe/collector.yaml", &c)
	used := map[string]bool{}
	names := func(kind string, list []string, there map[string]any) {
		for _, name := range list {
			if _, ok := there[name]; !ok {
				t.Errorf("%s %s is not there", kind, name)
			}
			used[kind+name] = true
		}
	}
	for name, p := range c.Service.Pipelines {
		names("receiver", p.Receivers, c.Receivers)
		names("processor", p.Processors, c.Processors)
		names("exporter", p.Exporters, c.Exporters)
		// SECURITY: nothing leaves without the step that takes addresses out.
		if !slices.Contains(p.Processors, "attributes/private") {
			t.Errorf("%s passes private attributes on", name)
		}
	}
	names("extension", c.Service.Extensions, c.Extensions)
	if n := len(c.Receivers) + len(c.Processors) + len(c.Exporters) + len(c.Extensions); n != len(used) || len(c.Service.Pipelines) != 2 {
		t.Errorf("%d components, %d used", n, len(used))
	}
}
