package archive

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/pinyin"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// ClientOpen opens an archive (F04) as a prospect with the tenant's next code (D13); the owner is its first team member.
// CONFLICT CREDIT_CODE_REGISTERED: the credit code has an archive already, whoever may see it.
func (s *Service) ClientOpen(ctx context.Context, session *tenancy.Session, in ClientOpen, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, clientOpen, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		dept, err := activeDepartment(ctx, w, "input.departmentId", in.DepartmentID)
		if err != nil {
			return act.Result{}, err
		}
		owner, err := openingOwner(ctx, w, in)
		if err != nil {
			return act.Result{}, err
		}
		c := newClient(w, in, dept, owner)
		row := c.row(policy.Row{OnTeam: owner.ID == session.Actor.Staff})
		if err := requireGroups(w, act.Subject{Type: "Client"}, openingGroups(c), row); err != nil {
			return act.Result{}, err
		}
		if err := refuseTakenCode(ctx, w, c.ID, c.UnifiedCreditCode); err != nil {
			return act.Result{}, err
		}
		if c, err = insertClient(ctx, w, c); err != nil {
			return act.Result{}, err
		}
		// The number of the code is enough of a change for the audit trail; the values are the archive's.
		return clientResult(c, []act.Change{{Field: "code", New: c.Code}, {Field: "name", New: c.Name}, {Field: "source", New: in.Source}}), nil
	})
}

func openingOwner(ctx context.Context, w *act.Work, in ClientOpen) (person, error) {
	ownerID := w.Session().Actor.Staff
	if in.OwnerID != nil {
		ownerID = *in.OwnerID
	}
	if ownerID == uuid.Nil {
		return person{}, fault.Invalid("input.ownerId", "OWNER_REQUIRED", fault.Text{ZH: "须指定客户负责人", EN: "an owner must be named"},
			fault.Text{ZH: "应用建档时请填写 ownerId", EN: "an application gives ownerId"})
	}
	return activeStaff(ctx, w, "input.ownerId", ownerID)
}

func newClient(w *act.Work, in ClientOpen, dept department, owner person) Client {
	c := Client{Kinds: in.Kinds, ClientRecord: &entdb.ClientRecord{
		ID: w.IDs.New(), TenantID: w.Tenant(), Version: 1, CreatedAt: w.Now(), CreatedBy: w.Staff(), UpdatedAt: w.Now(), UpdatedBy: w.Staff(),
		CompanyID: dept.Company, DepartmentID: dept.ID, OwnerID: &owner.ID,
		Name: in.Name, SortKey: pinyin.SortKey(in.Name), Region: in.Region, Stage: StageProspect,
		SpecialType: in.SpecialType, Acquisition: in.Acquisition, Grade: in.Grade,
	}}
	in.Profile.apply(&c)
	return c
}

// openingGroups are the groups in which the new archive has anything: those of the facts that an empty one has not.
func openingGroups(c Client) []policy.Object {
	empty := Client{ClientRecord: &entdb.ClientRecord{Stage: StageProspect}}
	return append(groupsOf(compare(empty, c)), policy.ClientList)
}

// insertClient takes the code as late as it can: from here on the tenant's other acts wait for this one's commit.
func insertClient(ctx context.Context, w *act.Work, c Client) (Client, error) {
	var n int64
	err := w.QueryRow(ctx, `UPDATE tenant_counters SET client_code = client_code + 1 WHERE tenant_id = $1 RETURNING client_code`, w.Tenant()).Scan(&n)
	if err != nil {
		return c, fmt.Errorf("archive: client code: %w", err)
	}
	c.Code = fmt.Sprintf("KA-%06d", n)
	err = w.Ent().ClientRecord.Create().SetID(c.ID).SetTenantID(c.TenantID).SetVersion(1).
		SetCreatedAt(c.CreatedAt).SetNillableCreatedBy(c.CreatedBy).SetUpdatedAt(c.UpdatedAt).SetNillableUpdatedBy(c.UpdatedBy).
		SetCompanyID(c.CompanyID).SetDepartmentID(c.DepartmentID).SetNillableOwnerID(c.OwnerID).
		SetCode(c.Code).SetName(c.Name).SetSortKey(c.SortKey).SetNillableRegion(c.Region).SetStage(c.Stage).
		SetNillableUnifiedCreditCode(c.UnifiedCreditCode).SetNillableLegalRepresentative(c.LegalRepresentative).
		SetNillableAddress(c.Address).SetNillablePostcode(c.Postcode).SetNillablePhone(c.Phone).SetNillableFax(c.Fax).
		SetNillableBusinessScope(c.BusinessScope).SetNillableRegisteredCapitalMinor(c.RegisteredCapitalMinor).
		SetNillableRegisteredCapitalCurrency(c.RegisteredCapitalCurrency).SetNillableSpecialType(c.SpecialType).
		SetNillableAcquisition(c.Acquisition).SetNillableGrade(c.Grade).Exec(ctx)
	if err != nil {
		return c, duplicate(fmt.Errorf("archive: insert client: %w", err))
	}
	if err := addKinds(ctx, w, c.ID, c.Kinds); err != nil {
		return c, err
	}
	if err := joinTeam(ctx, w, c.ID, []TeamMember{{c.owner(), dutyOwner}}); err != nil {
		return c, err
	}
	return c, rewriteTerms(ctx, w, c)
}
