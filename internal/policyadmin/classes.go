package policyadmin

import (
	"context"
	"fmt"
	"reflect"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// Class gives a field group of the draft its field class. The shipped class takes a group's own class back off.
type Class struct {
	Group string
	Class int
}

// ClassChange is a field group that two versions keep at different classes.
type ClassChange struct {
	Object   policy.Object
	From, To policy.Class
}

// reclassified gives the field classes of the draft: those of the base with the changes.
func reclassified(ctx context.Context, tx *tenancy.Tx, base *entdb.PolicyVersion, in PolicyDraft) (policy.Classes, error) {
	classes, err := access.Classes(ctx, tx, base.ID)
	if err != nil {
		return nil, err
	}
	var c input.Checks
	changes := policy.Classes{}
	for i, x := range in.Classes {
		at := fmt.Sprintf("input.classes.%d.", i)
		group := policy.Object(x.Group)
		if _, ok := policy.ClassOf(group); !ok {
			c.Refuse(at+"object", "GROUP_UNKNOWN", "没有此字段组", "there is no such field group")
			continue
		}
		if x.Class < 0 || x.Class >= int(policy.NumClasses) {
			c.Refuse(at+"class", "CLASS_UNKNOWN", "字段密级为 0 至 7", "field classes are 0 to 7")
			continue
		}
		if _, twice := changes[group]; twice {
			c.Refuse(at+"object", "GROUP_TWICE", "字段组重复", "the field group stands twice")
			continue
		}
		changes[group] = policy.Class(x.Class)
	}
	return classes.With(changes), c.Err()
}

func saveClasses(ctx context.Context, w *act.Work, version uuid.UUID, classes policy.Classes) error {
	for _, group := range classes.Groups() {
		err := w.Ent().PolicyClass.Create().SetID(w.IDs.New()).SetTenantID(w.Tenant()).SetPolicyVersionID(version).SetObject(string(group)).SetFieldClass(int16(classes[group])).Exec(ctx)
		if err != nil {
			return wrap("write classes", err)
		}
	}
	return nil
}

// classChanges lists what differs, in order.
func classChanges(from, to policy.Classes) (out []ClassChange) {
	for _, e := range policy.Catalogue() {
		for _, g := range e.Groups {
			was, _ := from.Of(g.Object)
			if will, _ := to.Of(g.Object); was != will {
				out = append(out, ClassChange{g.Object, was, will})
			}
		}
	}
	return out
}

// moved are the lines that both versions have and that speak of other groups, or ask other grants, since a group changed
// its class.
func (r *review) moved() (out []policy.Rule) {
	changes := classChanges(r.before.Classes(), r.after.Classes())
	if len(changes) == 0 {
		return nil
	}
	entities := map[policy.Object]bool{}
	for _, c := range changes {
		e, _ := policy.EntityOf(c.Object)
		entities[e] = true
	}
	for _, rule := range r.newRules {
		e, _ := policy.EntityOf(rule.Object)
		if rule.Scope == policy.Granted && entities[e] || !reflect.DeepEqual(r.before.Targets(&rule), r.after.Targets(&rule)) {
			out = append(out, rule)
		}
	}
	return out
}
