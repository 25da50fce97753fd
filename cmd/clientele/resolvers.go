package main

import (
	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/graph/resolver"
)

// mutations are the contexts' resolvers, side by side: one method for each mutation of the schema.
type mutations struct {
	resolver.Organisation
	resolver.Identity
	resolver.Archive
	resolver.Contract
}

type resolvers struct{ mutations mutations }

// Mutation implements graph.ResolverRoot.
func (r resolvers) Mutation() graph.MutationResolver { return r.mutations }

// newResolvers gives generated code its mutations.
func newResolvers(s *services) graph.ResolverRoot {
	return resolvers{mutations{
		resolver.Organisation{Service: s.organisation}, resolver.Identity{Service: s.identity}, resolver.Archive{Service: s.archive}, resolver.Contract{Service: s.contract},
	}}
}
