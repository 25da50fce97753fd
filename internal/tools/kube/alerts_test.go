package kube

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"
)

// TestExpressions: Prometheus reads every expression of alerts and dashboards.
func TestExpressions(t *testing.T) {
	t.Parallel()
	var alerts struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	text, err := os.ReadFile(deploy + "observe/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &alerts); err != nil {
		t.Fatal(err)
	}
	var expressions []string
	for _, g := range alerts.Groups {
		for _, r := range g.Rules {
			expressions = append(expressions, r.Expr)
		}
	}
	boards, err := filepath.Glob(deploy + "observe/grafana/dashboards/*.json")
	if err != nil || len(boards) == 0 {
		t.Fatalf("dashboards: %q %v", boards, err)
	}
	for _, path := range boards {
		var board struct {
			Panels []struct{ Targets []struct{ Expr string } }
		}
		if text, err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(text, &board); err != nil {
			t.Fatal(err)
		}
		for _, p := range board.Panels {
			for _, target := range p.Targets {
				expressions = append(expressions, target.Expr)
			}
		}
	}
	if len(expressions) < 15 {
		t.Fatalf("%d expressions", len(expressions))
	}
	for _, e := range expressions {
		if _, err := parser.ParseExpr(e); err != nil {
			t.Errorf("%s: %v", e, err)
		}
	}
	if _, err := parser.ParseExpr(`sum(rate(x[5m])`); err == nil {
		t.Error("a broken expression is accepted")
	}
}
