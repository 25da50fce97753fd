package product

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
	resolver.Custody
	resolver.Review
}

type resolvers struct {
	mutations mutations
	questions resolver.PolicyQuestions
}

// Mutation implements graph.ResolverRoot.
func (r resolvers) Mutation() graph.MutationResolver { return r.mutations }

// Query implements graph.ResolverRoot: what the read gate does not answer.
func (r resolvers) Query() graph.QueryResolver { return r.questions }

// newResolvers gives generated code its mutations.
func newResolvers(s *Services) graph.ResolverRoot {
	return resolvers{mutations{
		resolver.Organisation{Service: s.Organisation},
		resolver.Identity{Service: s.Identity, Reach: s.Policy},
		resolver.Archive{Service: s.Archive},
		resolver.Contract{Service: s.Contract},
		resolver.Policy{Service: s.Policy},
		resolver.Custody{Service: s.Custody},
		resolver.Review{Service: s.Review},
	}, resolver.PolicyQuestions{Service: s.Policy}}
}
