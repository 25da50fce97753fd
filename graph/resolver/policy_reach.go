package resolver

import (
	"context"

	"github.com/clientele/clientele/graph"
	"github.com/clientele/clientele/graph/model"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/id"
)

// ReachPreview resolves reachPreview.
func (r PolicyQuestions) ReachPreview(ctx context.Context, staff string) (*model.ReachPreview, error) {
	s := graph.SessionFrom(ctx)
	if s == nil {
		return nil, fault.SignIn()
	}
	var d decoder
	of := d.id(id.Staff, "staffId", staff)
	if err := d.checks.Err(); err != nil {
		return nil, err
	}
	found, err := r.Service.ReachPreview(ctx, s, of)
	if err != nil {
		return nil, err
	}
	out := &model.ReachPreview{Staff: ref("Staff", found.Staff), Rows: found.Rows, Counts: []*model.ReachCount{}}
	for _, c := range found.Counts {
		out.Counts = append(out.Counts, &model.ReachCount{Type: c.Type, Object: string(c.Object), Action: string(c.Action), Rows: c.Rows})
	}
	return out, nil
}
