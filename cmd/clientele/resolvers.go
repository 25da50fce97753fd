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
	resolver.Policy
}

type resolvers struct {
	mutations mutations
	queries   resolver.PolicyQuestions
}

// Mutation implements graph.ResolverRoot.
func (r resolvers) Mutation() graph.MutationResolver { return r.mutations }

// Query implements graph.ResolverRoot: what the read gate does not answer.
func (r resolvers) Query() graph.QueryResolver { return r.queries }

// newResolvers gives generated code its mutations.
func newResolvers(s *services) graph.ResolverRoot {
	return resolvers{mutations{
		resolver.Organisation{Service: s.organisation}, resolver.Identity{Service: s.identity}, resolver.Archive{Service: s.archive}, resolver.Contract{Service: s.contract},
		resolver.Policy{Service: s.policy},
	}, resolver.PolicyQuestions{Service: s.policy}}
}
