package policyadmin

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// Limits of one simulation: every entry costs one pass over the clients or contracts.
const (
	maxEffects = 200
	sampleRows = 2
)

// Effect is what a version would change for one person and one question of the language.
type Effect struct {
	Staff  uuid.UUID
	Roles  []string
	Object policy.Object
	Action policy.Action
	// Rows says that Gained and Lost are numbers of clients or contracts; for other objects only Change is known.
	Rows         bool
	Gained, Lost int64
	Change       string   // GAINED, LOST, CHANGED: from no row to some, from some to none, or other rows
	Sample       []Object // some of the rows gained, then of those lost
}

// Simulation is what publishing a version would do.
type Simulation struct {
	Base, Version uuid.UUID
	Effects       []Effect
	More          bool          // there are more effects than are listed
	Duties        []policy.Text // duties that would newly be in one hand: publishing is refused
	// OverCeiling are the rules that neither the author nor the one who asks holds on every row: he could not publish it.
	OverCeiling []Sentence
}

// PolicySimulate: permission policy.read. Compares a version with the one in force, in one transaction, by the predicates
// that reads use. Nothing is changed. NOT_FOUND; INVALID_INPUT POLICY_REFUSED when it does not compile with the roles of now.
func (s *Service) PolicySimulate(ctx context.Context, session *tenancy.Session, version uuid.UUID) (out Simulation, err error) {
	err = s.asking(ctx, session, question{"policy.simulate", Object{typeVersion, version}}, func(ctx context.Context, tx *tenancy.Tx, rights *policy.Rights) error {
		if err := mayReadRules(rights); err != nil {
			return err
		}
		v, err := versionByID(ctx, tx, version)
		if err != nil {
			return err
		}
		if v == nil {
			return fault.NotFound(typeVersion)
		}
		r, current, err := reviewOf(ctx, tx, v)
		if err != nil {
			return err
		}
		out = Simulation{Base: current.ID, Version: v.ID}
		if list, ok := fault.As(r.duties()); ok {
			for _, e := range list {
				out.Duties = append(out.Duties, policy.Text(e.Message))
			}
		}
		for _, e := range r.beyond(rights) {
			out.OverCeiling = append(out.OverCeiling, Sentence{e.Rule.ID, e.Rule.Seq, policy.RuleSentence(&e.Rule)})
		}
		out.Effects, out.More, err = r.effects(ctx, tx)
		return err
	})
	return out, err
}

func reviewOf(ctx context.Context, tx *tenancy.Tx, v *entdb.PolicyVersion) (*review, *entdb.PolicyVersion, error) {
	current, err := versionInForce(ctx, tx)
	if err != nil {
		return nil, nil, err
	}
	r := &review{now: tx.Now(), tenant: tx.Session().Tenant.UUID()}
	if v.AuthorID != nil {
		r.author = *v.AuthorID
	}
	if err := r.versions(ctx, tx, current, v); err != nil {
		return nil, nil, fault.Invalid("policyVersionId", "POLICY_REFUSED", fault.Text{ZH: "该版本按现有角色无法编译", EN: "the version does not compile with the roles of now"}, fault.Text{}).Because(err)
	}
	return r, current, r.load(ctx, tx)
}

// pending is an effect whose rows are still to be counted.
type pending struct {
	Effect
	typ  string
	sql  string
	args []any
}

func (r *review) effects(ctx context.Context, tx *tenancy.Tx) (out []Effect, more bool, err error) {
	added, removed := compare(r.oldRules, r.newRules)
	added = append(added, r.moved()...)
	var cells []cell
	for _, c := range r.cellsOf(append(added, removed...)) {
		if !slices.ContainsFunc(cells, func(k cell) bool { return k.object == c.object && k.action == c.action }) {
			cells = append(cells, c)
		}
	}
	var asked []pending
	for _, h := range r.holders {
		if h.Staff == uuid.Nil || h.Suspended {
			continue
		}
		before, after := r.before.Bind(&h.Principal, r.org, r.now), r.after.Bind(&h.Principal, r.org, r.now)
		for _, c := range cells {
			was, will := before.Reach(c.object, c.action), after.Reach(c.object, c.action)
			if reflect.DeepEqual(was, will) || was.None && will.None {
				continue
			}
			if len(asked) == maxEffects {
				more = true
				break
			}
			p := pending{Effect: Effect{Staff: h.Staff, Roles: r.rolesHeld(h), Object: c.object, Action: c.action, Change: "CHANGED"}}
			switch {
			case was.None:
				p.Change = "GAINED"
			case will.None:
				p.Change = "LOST"
			}
			p.count(tx, was, will)
			asked = append(asked, p)
		}
	}
	for part := range slices.Chunk(asked, 50) {
		counted, err := count(ctx, tx, part)
		if err != nil {
			return nil, false, err
		}
		out = append(out, counted...)
	}
	return out, more, nil
}

// count makes the statement that counts the rows in one of the two reaches only.
func (p *pending) count(tx *tenancy.Tx, was, will policy.Reach) {
	entity, _ := policy.EntityOf(p.Object)
	p.typ = map[policy.Object]string{policy.OnClient: "Client", policy.OnContract: "Contract"}[entity]
	if p.typ == "" {
		return
	}
	p.Rows = true
	f, _ := access.FactsOf(p.typ)
	arg := func(v any) string {
		p.args = append(p.args, v)
		return fmt.Sprintf("$%d", len(p.args))
	}
	f.Cols.Tenant = arg(tx.Session().Tenant.UUID())
	f.Cols.Now = arg(tx.Now()) + "::timestamptz"
	old, now := policy.SQL(was, f.Cols, arg), policy.SQL(will, f.Cols, arg)
	p.sql = fmt.Sprintf(`SELECT count(*) FILTER (WHERE x.now AND NOT x.old), count(*) FILTER (WHERE x.old AND NOT x.now),
		COALESCE((array_agg(x.id ORDER BY x.id) FILTER (WHERE x.now AND NOT x.old))[1:%[5]d], '{}') || COALESCE((array_agg(x.id ORDER BY x.id) FILTER (WHERE x.old AND NOT x.now))[1:%[5]d], '{}')
		FROM (SELECT %[1]s.id, (%[2]s) IS TRUE AS old, (%[3]s) IS TRUE AS now FROM %[4]s WHERE %[1]s.tenant_id = $1 AND $2::timestamptz IS NOT NULL) x`, f.Alias(), old, now, f.From, sampleRows)
}

// count runs the statements of one pipeline. What changes for no row is no effect.
func count(ctx context.Context, tx *tenancy.Tx, asked []pending) (out []Effect, err error) {
	b := &pgx.Batch{}
	for _, p := range asked {
		if p.Rows {
			b.Queue(p.sql, p.args...)
		}
	}
	br := tx.SendBatch(ctx, b)
	for _, p := range asked {
		if p.Rows {
			var ids []uuid.UUID
			if err = br.QueryRow().Scan(&p.Gained, &p.Lost, &ids); err != nil {
				break
			}
			if p.Gained+p.Lost == 0 {
				continue
			}
			for _, id := range ids {
				p.Sample = append(p.Sample, Object{p.typ, id})
			}
		}
		out = append(out, p.Effect)
	}
	if e := br.Close(); err == nil {
		err = e
	}
	return out, wrap("count", err)
}
