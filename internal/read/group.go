package read

import (
	"slices"

	"github.com/clientele/clientele/policy"
)

// GroupOf gives the field group that decides about a field of a type, for explanations; the type's entity for fields that
// whoever sees the row may see. false when there is no such field, or it has no group of its own.
func GroupOf(typ, field string) (policy.Object, bool) {
	for _, x := range slices.Concat(organisationTypes(), identityTypes(), archiveTypes(), contractTypes(), custodyTypes(), fileTypes(), recordTypes(), reviewTypes()) {
		if x.Name != typ {
			continue
		}
		entity := x.Entity
		if entity == "" { // of a child type: its anchor's
			entity, _ = policy.EntityOf(x.Cover)
		}
		for _, f := range x.Fields {
			switch {
			case f.Name != field:
			case f.Group == Open:
				return entity, true
			default:
				_, known := policy.ClassOf(f.Group)
				return f.Group, known
			}
		}
	}
	return "", false
}
