package organisation

import (
	"strings"
	"time"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/policy"
)

// Snapshots are the subjects by field group, under the names and in the forms of the API.

func companySnapshot(c *entdb.Company) map[policy.Object]map[string]any {
	return map[policy.Object]map[string]any{policy.OrganisationList: {
		"id": id.Encode(id.Company, c.ID), "name": c.Name, "unifiedCreditCode": c.UnifiedCreditCode, "legalRepresentative": c.LegalRepresentative,
		"state": strings.ToUpper(c.State), "parentId": encoded(id.Company, c.ParentID),
	}}
}

func departmentSnapshot(d *entdb.Department) map[policy.Object]map[string]any {
	return map[policy.Object]map[string]any{policy.OrganisationList: {
		"id": id.Encode(id.Department, d.ID), "name": d.Name, "kind": d.Kind, "state": strings.ToUpper(d.State),
		"companyId": id.Encode(id.Company, d.CompanyID), "parentId": encoded(id.Department, d.ParentID), "headId": encoded(id.Staff, d.HeadID),
	}}
}

func positionSnapshot(p *entdb.Position) map[policy.Object]map[string]any {
	return map[policy.Object]map[string]any{policy.OrganisationList: {
		"id": id.Encode(id.Position, p.ID), "title": p.Title, "duties": p.Duties, "state": strings.ToUpper(p.State),
		"departmentId": id.Encode(id.Department, p.DepartmentID),
	}}
}

func staffSnapshot(s *entdb.Staff, e *entdb.Employment) map[policy.Object]map[string]any {
	directory := map[string]any{
		"id": id.Encode(id.Staff, s.ID), "number": s.Number, "name": s.Name, "pinyin": s.Pinyin, "state": strings.ToUpper(s.State),
		"companyId": encoded(id.Company, s.CompanyID), "departmentId": encoded(id.Department, s.DepartmentID),
	}
	if e != nil {
		directory["employment"] = map[string]any{
			"id": id.Encode(id.Employment, e.ID), "companyId": id.Encode(id.Company, e.CompanyID), "departmentId": id.Encode(id.Department, e.DepartmentID),
			"positionId": encoded(id.Position, e.PositionID), "superiorId": encoded(id.Staff, e.SuperiorID), "isPrimary": e.IsPrimary,
			"validFrom": e.ValidFrom.UTC().Format(time.RFC3339Nano),
		}
	}
	return map[policy.Object]map[string]any{
		policy.StaffDirectory: directory,
		policy.StaffPersonnel: {"phone": s.Phone, "email": s.Email, "hiredOn": day(s.HiredOn), "leftOn": day(s.LeftOn)},
	}
}

func encoded(prefix string, u *uuid.UUID) *string {
	if u == nil {
		return nil
	}
	s := id.Encode(prefix, *u)
	return &s
}

func day(t *time.Time) *string {
	if t == nil {
		return nil
	}
	s := t.Format(time.DateOnly)
	return &s
}
