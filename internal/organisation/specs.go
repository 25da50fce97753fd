package organisation

import (
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/policy"
)

// Specs lists every act of the package. All of them hold the tenant's epochs: they change who reaches what.
func Specs() []act.Spec {
	return []act.Spec{
		companyOpen(), companyChange(), companyDissolve(), departmentOpen(), departmentChange(), departmentClose(), positionCreate(),
		staffHire(), staffTransfer(), staffChangeSuperior(),
	}
}

func spec(object policy.Object, action policy.Action, event string) act.Spec {
	return act.Spec{Name: string(action), Object: object, Action: action, Event: event, Sensitive: true, ChangesRights: true}
}

func companyOpen() act.Spec {
	return spec(policy.OnOrganisation, policy.CompanyOpen, "company.opened.v1")
}

func companyChange() act.Spec {
	return spec(policy.OnOrganisation, policy.CompanyChange, "company.changed.v1")
}

func companyDissolve() act.Spec {
	return spec(policy.OnOrganisation, policy.CompanyDissolve, "company.dissolved.v1")
}

func departmentOpen() act.Spec {
	return spec(policy.OnOrganisation, policy.DepartmentOpen, "department.opened.v1")
}

func departmentChange() act.Spec {
	return spec(policy.OnOrganisation, policy.DepartmentChange, "department.changed.v1")
}

func departmentClose() act.Spec {
	return spec(policy.OnOrganisation, policy.DepartmentClose, "department.closed.v1")
}

func positionCreate() act.Spec {
	return spec(policy.OnOrganisation, policy.PositionCreate, "position.created.v1")
}

func staffHire() act.Spec {
	return spec(policy.OnStaff, policy.StaffHire, "staff.hired.v1")
}

func staffTransfer() act.Spec {
	return spec(policy.OnStaff, policy.StaffTransfer, "staff.transferred.v1")
}

func staffChangeSuperior() act.Spec {
	return spec(policy.OnStaff, policy.StaffChangeSuperior, "staff.superiorChanged.v1")
}
