package archive

import (
	"context"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// ClientRecordChange records what somebody learnt who may not change the archive (G08). The archive stays as it is; the record
// holds the archive's value of then beside the new one, both under the class of the field, so the reporter need not see them.
func (s *Service) ClientRecordChange(ctx context.Context, session *tenancy.Session, in ClientRecordChange, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, clientRecordChange, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		c, row, err := LoadRow(ctx, w, in.ClientID, ForUse)
		if err != nil {
			return act.Result{}, err
		}
		if err := requireGroups(w, c.subject(), []policy.Object{policy.ClientDealings}, row); err != nil {
			return act.Result{}, err
		}
		if err := c.open(); err != nil {
			return act.Result{}, err
		}
		f, _ := fieldNamed(in.Field)
		d := diff{f.name, f.group, f.text(c), &in.NewValue}
		changeID := w.IDs.New()
		recordChange(w, changeID, c.ID, d, in.Source)
		return act.Result{
			Subject: act.Subject{Type: "ClientChange", ID: changeID, Version: 1},
			Changes: []act.Change{{Field: "field", New: in.Field}},
			Snapshot: recordSnapshot(map[string]any{
				"id": id.Encode(id.ClientChange, changeID), "clientId": id.Encode(id.Client, c.ID), "field": in.Field, "source": in.Source,
			}, d),
		}, nil
	})
}

// recordSnapshot: SECURITY: the values belong to the group of the field, not to that of the record.
func recordSnapshot(record map[string]any, d diff) map[policy.Object]map[string]any {
	out := map[policy.Object]map[string]any{policy.ClientDealings: record}
	if out[d.group] == nil {
		out[d.group] = map[string]any{}
	}
	out[d.group]["oldValue"], out[d.group]["newValue"] = d.old, d.new
	return out
}
