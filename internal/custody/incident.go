package custody

import (
	"context"
	"errors"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// enum is how a stored state is written in the API.
func enum(state string) string { return strings.ToUpper(state) }

// OriginalReportIncident reports damage, contamination, another content than filed, or a loss in the custodian's hands (G05). A lost
// original is missing from then on; one that is lent is reported lost by its borrowing.
func (s *Service) OriginalReportIncident(ctx context.Context, session *tenancy.Session, in OriginalReportIncident, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, originalReportIncident, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		o, err := originalFor(ctx, w, in.OriginalID, in.ExpectedVersion, policy.OriginalRegister)
		if err != nil {
			return act.Result{}, err
		}
		allowed := []string{filed, out}
		if in.Kind == Lost {
			allowed = []string{filed}
		}
		if err := present(o, allowed...); err != nil {
			return act.Result{}, err
		}
		u, err := incident(ctx, w, o, nil, in.Kind, in.Note)
		if err != nil {
			return act.Result{}, err
		}
		// The original moves with its incidents, so that a second report sees the first.
		if o, err = updateOriginal(ctx, w, o, func(n *entdb.Original) {
			if in.Kind == Lost {
				n.State = missing
			}
		}); err != nil {
			return act.Result{}, err
		}
		return incidentResult(o, u, 1, in.Kind, "open", []act.Change{{Field: "kind", New: in.Kind}, {Field: "note", New: in.Note}}), nil
	})
}

// OriginalCloseIncident closes an incident. Found, said of a loss, files the original again when no other loss of it is open.
// INVALID_STATE INCIDENT_CLOSED; INVALID_INPUT NOTHING_LOST.
func (s *Service) OriginalCloseIncident(ctx context.Context, session *tenancy.Session, in OriginalCloseIncident, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, originalCloseIncident, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		var original uuid.UUID
		err := w.QueryRow(ctx, `SELECT original_id FROM custody_incidents WHERE tenant_id = $1 AND id = $2`, w.Tenant(), in.IncidentID).Scan(&original)
		if errors.Is(err, pgx.ErrNoRows) {
			return act.Result{}, w.Absent(typeIncident, in.IncidentID)
		}
		if err != nil {
			return act.Result{}, wrap("incident", err)
		}
		o, err := loadOriginal(ctx, w, original, forChange)
		if err != nil {
			return act.Result{}, err
		}
		var kind, state string
		var current int64
		err = w.QueryRow(ctx, `SELECT kind, state, version FROM custody_incidents WHERE tenant_id = $1 AND id = $2`+forChange, w.Tenant(), in.IncidentID).Scan(&kind, &state, &current)
		if err != nil {
			return act.Result{}, wrap("incident", err)
		}
		if err := require(w, act.Subject{Type: typeIncident, ID: in.IncidentID, Version: current}, o.row(), policy.OriginalRegister); err != nil {
			return act.Result{}, err
		}
		switch {
		case in.ExpectedVersion != current:
			return act.Result{}, version(in.ExpectedVersion, current)
		case state != "open":
			return act.Result{}, cite(fault.State("INCIDENT_CLOSED", text("该事故已了结", "the incident is closed"), fault.Text{}), clauseCustody)
		case in.Found && (kind != Lost || o.State != missing):
			return act.Result{}, fault.Invalid("input.found", "NOTHING_LOST", text("该资料并未遗失", "nothing is missing"), fault.Text{})
		}
		_, err = w.Exec(ctx, `UPDATE custody_incidents SET state = 'closed', closed_at = $3, resolution = $4, version = version + 1, updated_at = $3, updated_by = $5
			WHERE tenant_id = $1 AND id = $2`, w.Tenant(), in.IncidentID, w.Now(), in.Resolution, w.Staff())
		if err != nil {
			return act.Result{}, wrap("close incident", err)
		}
		if in.Found {
			if o, err = updateOriginal(ctx, w, o, func(n *entdb.Original) { n.State = filed }); err != nil {
				return act.Result{}, err
			}
		}
		return incidentResult(o, in.IncidentID, current+1, kind, "closed", []act.Change{{Field: "state", Old: "open", New: "closed"}, {Field: "resolution", New: in.Resolution}}), nil
	})
}

func incidentResult(o Original, u uuid.UUID, version int64, kind, state string, changes []act.Change) act.Result {
	r := originalResult(o, changes)
	r.Subject = act.Subject{Type: typeIncident, ID: u, Version: version}
	r.Snapshot[policy.OriginalRegister]["incident"] = map[string]any{"id": id.Encode(id.Incident, u), "kind": kind, "state": enum(state)}
	return r
}
