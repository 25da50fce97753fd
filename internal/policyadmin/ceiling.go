package policyadmin

import (
	"slices"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/policy"
)

// beyond are the rules that are new against the version in force, and the denials that are gone, which neither the author nor
// the publisher holds by the version in force.
func (r *review) beyond(publisher *policy.Rights) []policy.Excess {
	added, removed := compare(r.oldRules, r.newRules)
	added = append(added, r.moved()...) // a reclassification gives, too
	row := &policy.Row{}
	backers := []policy.Backer{{Rights: publisher, Directs: publisher.Decide(policy.OnPolicy, policy.RoleEndorse, row).Allow}}
	for i := range r.holders {
		if r.author != uuid.Nil && r.holders[i].Account == r.author {
			own := r.before.Bind(&r.holders[i].Principal, r.org, r.now)
			backers = append(backers, policy.Backer{Rights: own, Directs: own.Decide(policy.OnPolicy, policy.RoleEndorse, row).Allow})
		}
	}
	excess := r.after.ExceedingRules(added, removed, backers...)
	if slices.ContainsFunc(r.oldRules, func(rule policy.Rule) bool { return rule.Action == policy.RoleEndorse && rule.Effect == policy.Allow }) {
		return excess
	}
	// A policy that knows no endorsement yet: nobody can hold it, and somebody has to begin.
	return slices.DeleteFunc(excess, func(e policy.Excess) bool { return e.Action == policy.RoleEndorse })
}

// ceiling refuses a version that gives more than author and publisher hold.
//
// SECURITY: a rule gives to whoever comes to hold its role, so only what is held on every row stands behind it.
func (r *review) ceiling(publisher *policy.Rights) error {
	return identity.BeyondCeiling(r.beyond(publisher), fault.Text{
		ZH: "请由总经理等持有该权限的人员发布，或缩小规则范围",
		EN: "let the general manager, or somebody else who holds it, publish it, or make the rule narrower",
	})
}
