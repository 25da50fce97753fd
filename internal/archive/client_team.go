package archive

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// ClientAssignTeam makes the named people the whole team from now on. Who is not named, or gets another duty, ends now what he
// had. A new owner needs the right on the client as it is and as it will be.
func (s *Service) ClientAssignTeam(ctx context.Context, session *tenancy.Session, in ClientAssignTeam, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, clientAssignTeam, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		before, row, err := loadFor(ctx, w, in.Target)
		if err != nil {
			return act.Result{}, err
		}
		names, err := teamToBe(ctx, w, in.Members)
		if err != nil {
			return act.Result{}, err
		}
		after := before.copied()
		ownerID := in.owner()
		after.OwnerID = &ownerID
		next := after.row(row)
		next.OnTeam = slices.ContainsFunc(in.Members, func(m TeamMember) bool { return m.StaffID == session.Actor.Staff })
		if err := requireGroups(w, before.subject(), []policy.Object{policy.ClientList}, row, next); err != nil {
			return act.Result{}, err
		}
		current, err := currentTeam(ctx, w, before.ID)
		if err != nil {
			return act.Result{}, err
		}
		diffs := teamDiffs(before, after, current, in.Members, names)
		if err := replaceTeam(ctx, w, before.ID, current, in.Members); err != nil {
			return act.Result{}, err
		}
		if after, err = store(ctx, w, before, after, diffs, clientAssignTeam.Name); err != nil {
			return act.Result{}, err
		}
		result := clientResult(after, toChanges(diffs))
		result.Snapshot[policy.ClientList]["team"] = teamSnapshot(in.Members)
		return result, nil
	})
}

// loadFor loads the client for an act, decides on the act, and refuses another version or a disposed archive.
func loadFor(ctx context.Context, w *act.Work, t Target) (Client, policy.Row, error) {
	c, row, err := LoadRow(ctx, w, t.ClientID, ForChange)
	if err != nil {
		return c, row, err
	}
	return c, row, mayAct(w, t, c, row)
}

// mayAct decides on the act and refuses another version or a disposed archive.
func mayAct(w *act.Work, t Target, c Client, row policy.Row) error {
	if err := w.Require(c.subject(), &row); err != nil {
		return err
	}
	if err := version(t.ExpectedVersion, c.Version); err != nil {
		return err
	}
	return c.open()
}

func teamToBe(ctx context.Context, w *act.Work, members []TeamMember) (map[uuid.UUID]string, error) {
	names := map[uuid.UUID]string{}
	for _, m := range sortedByID(members) {
		at := slices.IndexFunc(members, func(x TeamMember) bool { return x.StaffID == m.StaffID })
		p, err := activeStaff(ctx, w, fmt.Sprintf("input.members.%d.staffId", at), m.StaffID)
		if err != nil {
			return nil, err
		}
		names[m.StaffID] = p.Name
	}
	return names, nil
}

// seat is a membership in force.
type seat struct {
	TeamMember
	name string
}

func currentTeam(ctx context.Context, w *act.Work, clientID uuid.UUID) ([]seat, error) {
	rows, err := w.Query(ctx, `SELECT m.staff_id, m.duty, s.name FROM client_team_members m
		JOIN staff s ON s.tenant_id = m.tenant_id AND s.id = m.staff_id
		WHERE m.tenant_id = $1 AND m.client_id = $2 AND m.valid_until IS NULL ORDER BY m.id`, w.Tenant(), clientID)
	if err != nil {
		return nil, fmt.Errorf("archive: team: %w", err)
	}
	seats, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (x seat, err error) {
		return x, row.Scan(&x.StaffID, &x.Duty, &x.name)
	})
	if err != nil {
		return nil, fmt.Errorf("archive: team: %w", err)
	}
	return seats, nil
}

func replaceTeam(ctx context.Context, w *act.Work, clientID uuid.UUID, current []seat, members []TeamMember) error {
	var ended []uuid.UUID
	for _, x := range current {
		if !slices.Contains(members, x.TeamMember) {
			ended = append(ended, x.StaffID)
		}
	}
	if len(ended) > 0 {
		// A row that began at this very instant ends just after it: its time is never empty.
		_, err := w.Exec(ctx, `UPDATE client_team_members SET valid_until = GREATEST($4::timestamptz, valid_from + interval '1 microsecond'),
			version = version + 1, updated_at = $4, updated_by = $5
			WHERE tenant_id = $1 AND client_id = $2 AND staff_id = ANY($3) AND valid_until IS NULL`, w.Tenant(), clientID, ended, w.Now(), w.Staff())
		if err != nil {
			return fmt.Errorf("archive: team: %w", err)
		}
	}
	var joining []TeamMember
	for _, m := range members {
		if !slices.ContainsFunc(current, func(x seat) bool { return x.TeamMember == m }) {
			joining = append(joining, m)
		}
	}
	return joinTeam(ctx, w, clientID, joining)
}

func joinTeam(ctx context.Context, w *act.Work, clientID uuid.UUID, members []TeamMember) error {
	if len(members) == 0 {
		return nil
	}
	rows := make([]*entdb.ClientTeamMemberCreate, len(members))
	for i, m := range members {
		rows[i] = w.Ent().ClientTeamMember.Create().SetID(w.IDs.New()).SetTenantID(w.Tenant()).SetClientID(clientID).SetStaffID(m.StaffID).
			SetDuty(m.Duty).SetValidFrom(w.Now()).SetCreatedAt(w.Now()).SetNillableCreatedBy(w.Staff()).SetUpdatedAt(w.Now()).SetNillableUpdatedBy(w.Staff())
	}
	if err := w.Ent().ClientTeamMember.CreateBulk(rows...).Exec(ctx); err != nil {
		return fmt.Errorf("archive: team: %w", err)
	}
	return nil
}

func teamDiffs(before, after Client, current []seat, members []TeamMember, names map[uuid.UUID]string) []diff {
	said := func(lines []string) *string {
		slices.Sort(lines)
		return list(lines)
	}
	var old, now []string
	var oldOwner *string
	for _, x := range current {
		old = append(old, x.Duty+" "+x.name+" "+x.StaffID.String())
		if x.StaffID == before.owner() {
			oldOwner = &x.name
		}
	}
	for _, m := range members {
		now = append(now, m.Duty+" "+names[m.StaffID]+" "+m.StaffID.String())
	}
	var out []diff
	if before.owner() != after.owner() {
		name := names[after.owner()]
		out = append(out, diff{"owner", policy.ClientList, oldOwner, &name})
	}
	if o, n := said(old), said(now); !same(o, n) {
		out = append(out, diff{"team", policy.ClientList, withoutIDs(o), withoutIDs(n)})
	}
	return out
}

// withoutIDs: ids tell people of one name apart while comparing; people read names.
func withoutIDs(s *string) *string {
	parts := strings.Split(*s, ",")
	for i, p := range parts {
		if at := strings.LastIndexByte(p, ' '); at >= 0 {
			parts[i] = p[:at]
		}
	}
	return list(parts)
}
