package main

import "github.com/clientele/clientele/graph"

// newResolvers gives generated code its mutations.
func newResolvers(s *services) graph.ResolverRoot { return nil }
