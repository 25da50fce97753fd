// Command generate writes graph/schema.graphql (the printed SDL), graph/generated.go and graph/model from the SDL, for mutations, payloads, inputs, enums,
// scalars, introspection and service-backed queries. It generates nothing for what the read gate serves.
//
// Run it from the top of the module: go run ./graph/generate
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/99designs/gqlgen/api"
	"github.com/99designs/gqlgen/codegen/config"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/clientele/clientele/graph/readside"
	"github.com/clientele/clientele/graph/sdl"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run() error {
	cfg, err := config.LoadConfig("gqlgen.yml")
	if err != nil {
		return err
	}
	whole, err := gqlparser.LoadSchema(cfg.Sources...)
	if err != nil {
		return err
	}
	if err := os.WriteFile("graph/schema.graphql", sdl.Print(whole), 0o644); err != nil {
		return err
	}
	return api.Generate(cfg, api.PrependPlugin(&gate{}))
}

// refType is the Go type that stands for every object the gate serves.
const refType = "github.com/clientele/clientele/internal/read.Ref"

// gate hides from the generator what the read gate serves: those types look like scalars that know how to write
// themselves, their Query fields and all subscriptions are gone. The SDL files stay as they are and are what the
// program embeds, so the schema that callers see is whole.
type gate struct{ served []string }

func (*gate) Name() string { return "gate" }

// MutateSchema runs after the configuration is complete and before any code is generated.
func (g *gate) MutateSchema(s *ast.Schema) error {
	g.served = readside.Types(s)
	roots := map[string]bool{}
	for _, r := range readside.Roots(s) {
		roots[r] = true
	}
	for _, name := range g.served {
		def := s.Types[name]
		s.Types[name] = &ast.Definition{Kind: ast.Scalar, Name: name, Position: def.Position}
		delete(s.PossibleTypes, name)
		delete(s.Implements, name)
	}
	for name, members := range s.PossibleTypes {
		var left []*ast.Definition
		for _, m := range members {
			if s.Types[m.Name] == m {
				left = append(left, m)
			}
		}
		s.PossibleTypes[name] = left
	}
	var kept ast.FieldList
	for _, f := range s.Query.Fields {
		if strings.HasPrefix(f.Name, "__") || !roots[f.Name] {
			kept = append(kept, f)
		}
	}
	s.Query.Fields = kept
	if s.Subscription != nil {
		delete(s.Types, s.Subscription.Name)
		s.Subscription = nil
	}
	return nil
}

// MutateConfig binds every served type to the one Go type, and marks what inputs may leave out.
func (g *gate) MutateConfig(cfg *config.Config) error {
	for _, name := range g.served {
		cfg.Models.Add(name, refType)
	}
	for name, def := range cfg.Schema.Types {
		if def.Kind == ast.InputObject && def.Fields.ForName("expectedVersion") != nil {
			omittable(cfg, name)
		}
	}
	return nil
}

// omittable lets the nullable fields of an input, and of the inputs in it, tell "left out" from null: in inputs that
// change what exists, the one keeps a value and the other clears it.
func omittable(cfg *config.Config, input string) {
	entry := cfg.Models[input]
	if entry.Fields == nil {
		entry.Fields = map[string]config.TypeMapField{}
	}
	for _, f := range cfg.Schema.Types[input].Fields {
		if !f.Type.NonNull {
			field, yes := entry.Fields[f.Name], true
			field.Omittable = &yes
			entry.Fields[f.Name] = field
		}
		if def := cfg.Schema.Types[f.Type.Name()]; def.Kind == ast.InputObject {
			omittable(cfg, def.Name)
		}
	}
	cfg.Models[input] = entry
}
