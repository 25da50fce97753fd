package identity

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/archive"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/input"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// AccessGrantGive opens field classes of one archive to one staff member until an end (requirement F10).
type AccessGrantGive struct {
	Grantee    uuid.UUID
	Client     uuid.UUID
	Classes    []int // 0 to 7
	Purpose    string
	ValidFrom  *time.Time // nil: now
	ValidUntil time.Time
}

// Validate trims texts and reports all field errors at once.
func (in *AccessGrantGive) Validate() error {
	var c input.Checks
	if len(in.Classes) == 0 {
		c.Refuse("input.classes", "REQUIRED", "至少选择一个字段密级", "at least one field class is needed")
	}
	for i, class := range in.Classes {
		if class < 0 || class >= int(policy.NumClasses) {
			c.Refuse(fmt.Sprintf("input.classes.%d", i), "CLASS_UNKNOWN", "字段密级为 0 至 7", "field classes are 0 to 7")
		}
		if i >= int(policy.NumClasses) {
			c.Refuse("input.classes", "TOO_MANY", "字段密级过多", "there are only eight field classes")
			break
		}
	}
	in.Purpose = c.Lines("input.purpose", in.Purpose, 1000)
	return c.Err()
}

// AccessGrantGive: permission grant.give on the archive. Nobody grants to himself (DUTY_CONFLICT SELF_GRANT), and nobody grants
// classes of an archive that his own roles do not let him read in full (FORBIDDEN CLASS_BEYOND_OWN): what was itself granted to
// him does not count, or grants would be handed on beyond their end. INVALID_INPUT EXPIRY beyond 366 days.
func (s *Service) AccessGrantGive(ctx context.Context, session *tenancy.Session, in AccessGrantGive, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, grantGive(), key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		return give(ctx, w, in, func(about *policy.Row) error {
			return require(w, act.Subject{Type: typeGrant}, about, policy.GrantAdmin)
		})
	})
}

// GiveApproved writes the grant that an access request asks for, in the act of its last approval, which has decided that the actor may:
// everything else is as in AccessGrantGive. Errors: DUTY_CONFLICT SELF_GRANT, FORBIDDEN CLASS_BEYOND_OWN, INVALID_INPUT, NOT_FOUND.
func GiveApproved(ctx context.Context, w *act.Work, in AccessGrantGive) (act.Result, error) {
	return give(ctx, w, in, func(*policy.Row) error { return nil })
}

func give(ctx context.Context, w *act.Work, in AccessGrantGive, may func(about *policy.Row) error) (act.Result, error) {
	from, err := beginning(w.Now(), in.ValidFrom)
	if err != nil {
		return act.Result{}, err
	}
	if err := within(w.Now(), from, in.ValidUntil, "input.validUntil"); err != nil {
		return act.Result{}, err
	}
	if w.Rights == nil { // the operator sees no archive
		return act.Result{}, absentReference("input.clientId")
	}
	// The client stays as it is until the act is over: one that moves to another department is granted before or after.
	_, client, err := archive.LoadRow(ctx, w, in.Client, archive.ForUse)
	absent := fault.CodeOf(err) == fault.NotFoundCode
	if err != nil && !absent {
		return act.Result{}, err
	}
	if absent || !readable(w, policy.OnClient, &client) {
		return act.Result{}, absentReference("input.clientId")
	}
	grantee, err := referStaff(ctx, w, "input.granteeId", in.Grantee)
	if err != nil {
		return act.Result{}, err
	}
	about := client
	about.ID, about.Staff = uuid.Nil, grantee.ID
	if err := may(&about); err != nil {
		return act.Result{}, err
	}
	// SECURITY: nobody opens an archive to himself.
	if grantee.ID == w.Session().Actor.Staff {
		return act.Result{}, fault.Duty("SELF_GRANT", fault.Text{ZH: "不能给自己专项授权", EN: "nobody grants access to himself"}, "F10",
			fault.Text{ZH: "请由另一名有权人员授权", EN: "ask somebody else who may"})
	}
	mask, err := ceiling(ctx, w, &client, in.Classes)
	if err != nil {
		return act.Result{}, err
	}
	g, err := w.Ent().AccessGrant.Create().SetID(w.IDs.New()).SetTenantID(w.Tenant()).SetGranteeStaffID(grantee.ID).SetClientID(in.Client).
		SetClassMask(int16(mask)).SetPurpose(in.Purpose).SetValidFrom(from).SetValidUntil(in.ValidUntil).SetNillableGrantedBy(w.Staff()).
		SetCreatedAt(w.Now()).SetNillableCreatedBy(w.Staff()).SetUpdatedAt(w.Now()).SetNillableUpdatedBy(w.Staff()).Save(ctx)
	if err != nil {
		return act.Result{}, wrap("write grant", err)
	}
	return act.Result{
		Subject: act.Subject{Type: typeGrant, ID: g.ID, Version: g.Version}, Snapshot: grantSnapshot(g),
		Changes: []act.Change{
			{Field: "grantee", New: grantee.Name},
			{Field: "classMask", New: g.ClassMask},
			{Field: "purpose", New: g.Purpose},
			{Field: "validFrom", New: from},
			{Field: "validUntil", New: in.ValidUntil},
		},
	}, nil
}

// ceiling gives the classes as a set, and refuses those that the actor cannot read himself by his roles.
//
// SECURITY: a class without a field group, or with one that he sees masked or not at all, is beyond him.
func ceiling(ctx context.Context, w *act.Work, client *policy.Row, classes []int) (policy.ClassSet, error) {
	own := *client
	own.Granted = 0
	readable := policy.ClassSet(0)
	hidden := policy.ClassSet(0)
	for _, entity := range policy.Catalogue() {
		if entity.Object != policy.OnClient && entity.Object != policy.OnContract {
			continue
		}
		for _, group := range entity.Groups {
			class, _ := w.Rights.ClassOf(group.Object)
			if access, _ := w.Rights.Field(group.Object, &own); access == policy.Full {
				readable |= class.Set()
			} else {
				hidden |= class.Set()
			}
		}
	}
	contracts, err := contractsBeyond(ctx, w, client.ID)
	if err != nil {
		return 0, err
	}
	hidden |= contracts
	var mask policy.ClassSet
	var refused fault.List
	for i, n := range classes {
		class := policy.Class(n)
		mask |= class.Set()
		if !readable.Has(class) || hidden.Has(class) {
			refused = append(refused, fault.Forbidden("CLASS_BEYOND_OWN",
				fault.Text{ZH: "本人无权查看该密级：" + class.Label().ZH, EN: "you cannot read this field class yourself: " + class.Label().EN}, "F10",
				fault.Text{ZH: "请由有权查看的人员授权", EN: "ask somebody who can"}).At(fmt.Sprintf("input.classes.%d", i)))
		}
	}
	return mask, refused.Err()
}

// contractsBeyond are the classes of which some contract of the client is beyond the actor's own roles: a contract may be of
// another department than its client, and a grant on the client opens it.
func contractsBeyond(ctx context.Context, w *act.Work, client uuid.UUID) (policy.ClassSet, error) {
	f, _ := access.FactsOf("Contract")
	var beyond policy.ClassSet
	for _, entity := range policy.Catalogue() {
		if entity.Object != policy.OnContract {
			continue
		}
		for _, group := range entity.Groups {
			args := []any{w.Tenant(), client, w.Now()}
			arg := func(v any) string {
				args = append(args, v)
				return fmt.Sprintf("$%d", len(args))
			}
			cols := f.Cols
			cols.Tenant, cols.Now = "$1", "$3::timestamptz"
			own := func(object policy.Object, action policy.Action) string {
				reach := w.Rights.Reach(object, action)
				reach.Allow = slices.DeleteFunc(slices.Clone(reach.Allow), func(t policy.Term) bool { return t.Scope == policy.Granted })
				return "(" + policy.SQL(reach, cols, arg) + ") IS TRUE"
			}
			reaches := own(policy.OnContract, policy.Read) + " AND " + own(group.Object, policy.Reveal)
			var some bool
			err := w.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+f.From+" WHERE t.tenant_id = $1 AND t.client_id = $2 AND $3::timestamptz IS NOT NULL AND NOT ("+reaches+"))", args...).Scan(&some)
			if err != nil {
				return 0, wrap("contracts", err)
			}
			if some {
				beyond |= group.Class.Set()
			}
		}
	}
	return beyond, nil
}
