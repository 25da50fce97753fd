package read

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

type gqlError = gqlerror.Error

// RightsSource knows the rights of a session's actor; internal/access does in the product.
type RightsSource interface {
	// Current is the newest known, good only if the transaction's epochs turn out to be the returned ones.
	Current(s *tenancy.Session, now time.Time) (*policy.Rights, tenancy.Epochs, bool)
	// Load reads them anew in the given transaction, so that they are those of the rows that it will read.
	Load(ctx context.Context, s *tenancy.Session, tx *tenancy.Read) (*policy.Rights, tenancy.Epochs, error)
}

// Opening says that somebody is about to see something whose reading is recorded: a client asked for by id, or a field
// group of class L4 or above in full.
type Opening struct {
	Type   string // GraphQL type
	ID     uuid.UUID
	Groups []policy.Object // of class L4 and above
	ByID   bool            // a client read by id
}

// Config of a Gate.
type Config struct {
	// CursorKey authenticates cursors; equal in all processes that serve one database. At least 16 bytes.
	CursorKey []byte
	// Now is the process's clock; it only chooses among known rights, the transaction's time decides.
	Now func() time.Time
	// QueryTerms makes the search terms of a text; with nil, searches find nothing.
	QueryTerms func(string) []string
	// Opened records openings before the answer leaves; when it fails the read fails. nil records nothing.
	Opened func(ctx context.Context, s *tenancy.Session, openings []Opening) error
	// Refused records objects that were asked for by id and are absent or look so; when it fails the read fails.
	Refused func(ctx context.Context, s *tenancy.Session, absent []Ref) error
	// MaxPlans bounds the plans kept; 0 means 2048.
	MaxPlans int
	// MaxRendered bounds the text of the statements kept for actors, in bytes; 0 means 64 MiB.
	MaxRendered uint64
	// Tracer makes the span of every read; nil makes none.
	Tracer trace.Tracer
}

// Gate answers queries. It is safe for concurrent use.
type Gate struct {
	db       *tenancy.DB
	rights   RightsSource
	schema   *ast.Schema
	table    *Table
	cfg      Config
	plans    *otter.Cache[planKey, *Plan]
	rendered *otter.Cache[renderedKey, *rendered]
	buffers  buffers
	turns    turns
}

// renderedKey: rights belong to one actor of one tenant at one version; a pointer that is a key is not given anew.
type renderedKey struct {
	tenant tenancy.TenantID
	rights *policy.Rights
	plan   *Plan
}

// renderedFor is how long the statements of somebody who asks nothing more are kept; his rights are kept as long.
const renderedFor = 5 * time.Minute

// MaxMasked is how many masked fields an answer lists.
const MaxMasked = 100

// New makes a gate. It fails when the SDL and the type table disagree, in either direction.
func New(db *tenancy.DB, rights RightsSource, schema *ast.Schema, cfg Config) (*Gate, error) {
	table, err := newTable()
	if err != nil {
		return nil, err
	}
	if err := table.matches(schema); err != nil {
		return nil, err
	}
	if len(cfg.CursorKey) < 16 {
		return nil, errors.New("read: the key of cursors needs at least 16 bytes")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.MaxPlans == 0 {
		cfg.MaxPlans = 2048
	}
	if cfg.MaxRendered == 0 {
		cfg.MaxRendered = 64 << 20
	}
	if cfg.Tracer == nil {
		cfg.Tracer = noop.NewTracerProvider().Tracer("")
	}
	g := &Gate{db: db, rights: rights, schema: schema, table: table, cfg: cfg, turns: ordinaryTurns()}
	if g.plans, err = otter.New(&otter.Options[planKey, *Plan]{MaximumSize: cfg.MaxPlans}); err != nil {
		return nil, fmt.Errorf("read: plans: %w", err)
	}
	if g.rendered, err = otter.New(&otter.Options[renderedKey, *rendered]{
		MaximumWeight: cfg.MaxRendered, Weigher: func(_ renderedKey, r *rendered) uint32 { return r.weight },
		// What is kept for somebody keeps his rights, and with them his tenant's policy, in memory.
		ExpiryCalculator: otter.ExpiryAccessing[renderedKey, *rendered](renderedFor),
	}); err != nil {
		return nil, fmt.Errorf("read: rendered plans: %w", err)
	}
	return g, nil
}

// Serves tells whether the gate answers this field of Query.
func (g *Gate) Serves(field string) bool { return field == "__typename" || g.table.roots[field] != nil }

// Query answers root fields of one operation in one snapshot: for each response key given, all fields of the operation
// that share it. Faults of single fields are in Answer.Errors; the error is
// for the whole: UNAUTHENTICATED, UNAVAILABLE, or INTERNAL.
func (g *Gate) Query(ctx context.Context, s *tenancy.Session, doc *ast.QueryDocument, op *ast.OperationDefinition, vars map[string]any, roots []*ast.Field) (Answer, error) {
	if len(roots) == 0 {
		return Answer{Data: []byte("{}")}, nil
	}
	key := planKey{op: op, roots: roots[0].Alias, shape: g.shapeOf(op.VariableDefinitions, vars)}
	for _, f := range roots[1:] {
		key.roots += "," + f.Alias
	}
	plan, ok := g.plans.GetIfPresent(key)
	if !ok {
		for _, f := range roots {
			if !g.Serves(f.Name) {
				return Answer{}, fmt.Errorf("read: the gate does not answer %q", f.Name)
			}
		}
		plan = g.compileRoots(roots, vars)
		g.plans.Set(key, plan)
	}
	return g.run(ctx, s, plan, vars, nil)
}

// Render writes one object with a selection, for the payload of a mutation: "null" when the actor may not see it. Paths of
// masked fields begin below the object; there are no Errors.
func (g *Gate) Render(ctx context.Context, s *tenancy.Session, typ string, key uuid.UUID, sel ast.SelectionSet, doc *ast.QueryDocument, vars map[string]any) (Answer, error) {
	t := g.table.byName[typ]
	if t == nil || len(sel) == 0 {
		return Answer{}, fmt.Errorf("read: the gate does not render %q", typ)
	}
	var defs ast.VariableDefinitionList
	if doc != nil {
		for _, op := range doc.Operations {
			defs = append(defs, op.VariableDefinitions...)
		}
	}
	k := planKey{first: sel[0], last: sel[len(sel)-1], n: len(sel), typ: typ, shape: g.shapeOf(defs, vars)}
	plan, ok := g.plans.GetIfPresent(k)
	if !ok {
		plan = g.compileObject(t, sel, vars)
		g.plans.Set(k, plan)
	}
	a, err := g.run(ctx, s, plan, vars, &lookupOne{t, key})
	if err == nil && len(a.Errors) > 0 {
		err = a.Errors
	}
	if err != nil {
		return Answer{}, err
	}
	return a, nil
}

// lookupOne is the object that Render asks for.
type lookupOne struct {
	typ *Type
	id  [16]byte
}

// run answers a plan under the rights known; when they turn out to be old, rights and rows are read in one snapshot, which
// no change of rights can come between.
func (g *Gate) run(ctx context.Context, s *tenancy.Session, plan *Plan, vars map[string]any, one *lookupOne) (Answer, error) {
	ctx, span := g.begin(ctx)
	defer span.end()
	if rights, epochs, ok := g.rights.Current(s, g.cfg.Now()); ok && rights != nil {
		a, err := g.attempt(ctx, g.db.BeginRead(s), plan, vars, one, rights, epochs, span)
		if !errors.Is(err, errStale) {
			return a, span.outcome(err)
		}
	}
	tx := g.db.BeginRead(s)
	defer tx.Close(ctx)
	rights, epochs, err := g.rights.Load(ctx, s, tx)
	if err != nil {
		return Answer{}, span.outcome(err)
	}
	if rights == nil { // SECURITY: nobody's rights are no rights, and no reason to go on
		return Answer{}, span.outcome(fault.Down("POLICY_UNREADABLE", nil))
	}
	a, err := g.attempt(ctx, tx, plan, vars, one, rights, epochs, span)
	if errors.Is(err, errStale) {
		return Answer{}, span.outcome(fault.Down("POLICY_CHANGING", errStale))
	}
	return a, span.outcome(err)
}

func (g *Gate) under(s *tenancy.Session, plan *Plan, rights *policy.Rights) *rendered {
	key := renderedKey{s.Tenant, rights, plan}
	if r, ok := g.rendered.GetIfPresent(key); ok {
		return r
	}
	r := g.render(plan, rights)
	g.rendered.Set(key, r)
	return r
}
