package policy

// ShippedRules gives the rules that every tenant starts with, role by role in the order of ShippedRoles.
//
// Where the regulations name no acts for a role, the choice here is what its duty needs and no more; such choices are
// marked "chosen". Nobody is shipped L7, and no shipped rule denies: what is not said is refused.
func ShippedRules() []Rule {
	s := &script{}
	baseRules(s)
	administrationRules(s)
	leadershipRules(s)
	salesRules(s)
	developmentRules(s)
	reviewRules(s)
	deskRules(s)
	custodyRules(s)
	outsideRules(s)
	return s.rules
}

// Acts that usually go together.
var (
	contactActs  = []Action{ContactAdd, ContactChange, ContactLeave}
	archiveActs  = []Action{ClientOpen, ClientChangeProfile, ClientChangeList, ClientChangeDealings}
	draftingActs = []Action{ContractDraft, ContractRevise, ContractSubmit, ContractWithdraw, ContractRegister, ObligationAdd, ObligationSettle}
)

func baseRules(s *script) {
	s.as(BaseStaff, "product").
		see(OnTenant, Tenant, ClassRange(0, 0), "").
		see(OnOrganisation, Tenant, ClassRange(0, 0), "").
		see(OnStaff, Tenant, ClassRange(0, 0), ""). // colleagues' names
		see(OnStaff, Self, ClassRange(6, 6), "").
		see(OnAccount, Self, ClassRange(6, 6), "").
		see(OnGrant, Self, ClassRange(6, 6), "").
		may(OnAccount, Self, "", SessionRevoke, TokenRevoke) // chosen: everybody may end what is their own
}

func administrationRules(s *script) {
	// The administrator hires and places people, and reads nobody's personnel file: L6 is the personnel department's.
	s.as("tenant_admin", "product").
		see(OnAccount, Tenant, ClassRange(6, 6), "").
		see(OnPolicy, Tenant, ClassRange(0, 0), "").
		may(OnOrganisation, Tenant, "", CompanyOpen, CompanyChange, CompanyDissolve, DepartmentOpen, DepartmentChange, DepartmentClose, PositionCreate, PositionChange).
		may(OnStaff, Tenant, "", StaffHire, StaffTransfer, StaffChangeSuperior).
		may(OnAccount, Tenant, "", AccountCreate, AccountSuspend, AccountReinstate, AccountResetPassword, SessionRevoke, TokenIssue, TokenRevoke).
		may(OnPolicy, Tenant, "", PolicyRead, PolicyWrite, RoleBind, RoleUnbind, RoleCreate, RoleRetire)
	s.add(TenantSettings, Write, Tenant, 0, "")
	s.as("policy_auditor", "product").
		see(OnAudit, Tenant, ClassRange(6, 6), "").
		see(OnPolicy, Tenant, ClassRange(0, 0), "").
		see(OnGrant, Tenant, ClassRange(6, 6), "").
		see(OnClient, Tenant, ClassRange(0, 0), "").
		may(OnAudit, Tenant, "", AuditRead).
		may(OnPolicy, Tenant, "", PolicyRead, PolicyPublish, ReviewOpen) // chosen: whoever drafts (tenant_admin) must not publish
	s.as("hr_officer", "A01–A03").
		see(OnStaff, Tenant, ClassRange(0, 6), "").
		see(OnAccount, Tenant, ClassRange(6, 6), "").
		may(OnOrganisation, Tenant, "", PositionCreate, PositionChange).
		may(OnStaff, Tenant, "", StaffHire, StaffTransfer, StaffChangeSuperior).
		may(OnAccount, Tenant, "", AccountSuspend) // AC-18: HR closes the account
}

func leadershipRules(s *script) {
	s.as("general_manager", "F16, G06").
		archive(Tenant, ClassRange(0, 6), "", "").
		see(OnStaff, Tenant, ClassRange(0, 6), "").
		see(OnGrant, Tenant, ClassRange(6, 6), "").
		see(OnPolicy, Tenant, ClassRange(0, 0), "").
		see(OnAudit, Tenant, ClassRange(6, 6), ""). // chosen: somebody must hold what an auditor is given
		may(OnAudit, Tenant, "", AuditRead).
		may(OnClient, Tenant, "", ClientAssignTeam, ClientSuspend, ClientLift, ClientMoveDepartment).
		may(OnContract, Tenant, "", ContractReturn, ContractComplete, ContractTerminate).
		may(OnGrant, Tenant, "", GrantGive, GrantRevoke).
		may(OnPolicy, Tenant, "", PolicyRead, PolicyPublish, RoleEndorse, ReviewOpen) // F16: the general manager approves the issue of rules
	s.as("legal_representative", "D11").
		see(OnClient, Company, ClassRange(0, 0), ""). // chosen: the name of the other side
		see(OnContract, Company, ClassRange(3, 5), "state = approved").
		see(OnContract, Company, ClassRange(3, 5), "state = signing").
		see(OnContract, Company, ClassRange(3, 5), "state = effective"). // chosen: what was signed
		see(OnContract, Company, ClassRange(3, 5), "state = amending")   // and is in force while a change of it goes its way
	s.as("sales_manager", "L11").
		archive(Company, ClassRange(0, 5), "", "").
		may(OnClient, Company, "", archiveActs...).
		may(OnClient, Company, "", ClientAssignTeam, ClientDistribute, ClientSuspend, ClientLift, ClientMoveDepartment, ClientChangeCredit).
		may(OnClient, Company, "", contactActs...).
		may(OnContract, Company, "", draftingActs...).
		may(OnContract, Company, "", ContractReturn, ContractComplete, ContractTerminate)
	kam := s.as("kam_manager", "A")
	for _, reach := range []struct {
		scope                   Scope
		client, contract, grant string
	}{
		{DeptTree, "", "", ""},
		{Tenant, "kind = KEY", "clientKind = KEY", "clientKind = KEY"},
	} {
		kam.archive(reach.scope, ClassRange(0, 6), reach.client, reach.contract).
			see(OnGrant, reach.scope, ClassRange(6, 6), reach.grant).
			may(OnClient, reach.scope, reach.client, archiveActs...).
			may(OnClient, reach.scope, reach.client, ClientAssignTeam, ClientDistribute, ClientSuspend, ClientLift, ClientMoveDepartment, ClientRecordChange, ClientChangeCredit).
			may(OnClient, reach.scope, reach.client, contactActs...).
			may(OnContract, reach.scope, reach.contract, draftingActs...).
			may(OnContract, reach.scope, reach.contract, ContractReturn, ContractComplete, ContractTerminate).
			may(OnGrant, reach.scope, reach.grant, GrantGive, GrantRevoke) // AC-10: the last step of granting
	}
	kam.see(OnStaff, DeptTree, ClassRange(0, 6), "") // A03–A04: the head of the department
	for _, role := range []struct{ key, clause string }{{"region_manager", "J06"}, {"dept_manager", "J07"}} {
		s.as(role.key, role.clause).
			archive(DeptTree, ClassRange(0, 3), "", "").
			archive(Granted, ClassRange(0, 5), "", "").
			may(OnClient, DeptTree, "", archiveActs...).
			may(OnClient, DeptTree, "", ClientAssignTeam, ClientSuspend).
			may(OnClient, DeptTree, "", contactActs...)
	}
}

func salesRules(s *script) {
	s.as("ka_sales_supervisor", "L259").
		archive(Subordinates, ClassRange(0, 5), "", "").
		archive(Granted, ClassRange(0, 5), "", "").
		may(OnClient, Subordinates, "", archiveActs...).
		may(OnClient, Subordinates, "", ClientAssignTeam, ClientSuspend).
		may(OnClient, Subordinates, "", contactActs...).
		may(OnContract, Subordinates, "", draftingActs...)
	s.as("ka_service_supervisor", "L259").
		archive(Dept, ClassRange(0, 3), "", "").
		archive(Granted, ClassRange(0, 5), "", "").
		may(OnClient, Dept, "", contactActs...)
	s.as("ka_sales_rep", "L261").
		archive(ClientTeam, ClassRange(0, 3), "", "").
		archive(Granted, ClassRange(0, 5), "", "").
		see(OnContract, Self, ClassRange(3, 5), "").
		may(OnClient, Self, "", ClientOpen, ClientChangeList).
		may(OnClient, ClientTeam, "", ClientChangeProfile, ClientChangeDealings, ClientSuspend). // E11: the seller reports, effective at once
		may(OnClient, ClientTeam, "", contactActs...).
		may(OnContract, ClientTeam, "", ContractDraft).
		may(OnContract, Self, "", ContractRevise, ContractSubmit, ContractWithdraw, ObligationAdd, ObligationSettle)
	s.as("ka_service_specialist", "L261").
		archive(ClientTeam, ClassRange(0, 3), "", "").
		archive(Granted, ClassRange(0, 5), "", "").
		may(OnClient, ClientTeam, "", ContactAdd, ContactChange)
	s.add(OnClient, Count, Tenant, 0, "") // H16: statistics beyond the team
	s.as("vip_officer", "L173–177").
		archive(Company, ClassRange(0, 3), "grade = VIP", "clientGrade = VIP").
		archive(Granted, ClassRange(0, 5), "", "").
		may(OnClient, Company, "grade = VIP", ContactAdd, ContactChange)
}

func developmentRules(s *script) {
	s.as("ka_developer", "E14").
		archive(Distributed, ClassRange(0, 3), "", "").
		archive(Self, ClassRange(0, 3), "", "").
		archive(Granted, ClassRange(0, 5), "", "").
		may(OnClient, Self, "", archiveActs...).
		may(OnClient, Self, "", ClientSuspend). // E11
		may(OnClient, Self, "", contactActs...).
		may(OnClient, Distributed, "", ClientChangeProfile, ContactAdd, ContactChange)
	s.as("section_head", "E01").
		archive(Distributed, ClassRange(0, 3), "", "").
		archive(Granted, ClassRange(0, 5), "", "").
		may(OnClient, Distributed, "", ClientChangeProfile, ClientChangeDealings, ClientAssignTeam, ClientSuspend).
		may(OnClient, Distributed, "", contactActs...)
	s.as("tech_engineer", "L261").
		archive(Granted, ClassRange(0, 2), "", "")
}

func reviewRules(s *script) {
	for _, key := range []string{"reviewer_tech", "reviewer_design", "reviewer_quality"} {
		survey := ClassRange(0, 1) | Class(3).Set() // chosen: the survey is a dealing; contacts are not needed
		s.as(key, "D08").see(OnClient, Granted, survey, "")
	}
	s.as("reviewer_legal", "A06, C01").
		see(OnClient, Company, ClassRange(0, 0), "").
		see(OnContract, Company, ClassRange(3, 5), "state = review").
		may(OnContract, Company, "state = review", ContractReturn)
	s.as("reviewer_finance", "A06, C01").
		see(OnClient, Company, Class(0).Set()|Class(4).Set(), "").
		see(OnContract, Company, ClassRange(3, 5), "state = review").
		may(OnContract, Company, "state = review", ContractReturn)
	s.as("finance_officer", "C01–C02").
		see(OnClient, Company, Class(0).Set()|Class(4).Set(), "").
		seeMasked(OnClient, Company, Class(2).Set(), ""). // chosen: whom to remind, without the full number
		see(OnContract, Company, Class(3).Set(), "").
		seeMasked(OnContract, Company, Class(5).Set(), "").
		may(OnClient, Company, "", ClientChangeCredit). // C01: keeps the limits
		may(OnContract, Company, "", ObligationSettle)
}

func deskRules(s *script) {
	s.as("archive_custodian", "G04–G05").
		see(OnClient, Tenant, ClassRange(0, 0), "").
		archive(Granted, ClassRange(0, 6), "", "") // content only while borrowed
	s.as("roster_clerk_market", "G08–G09").
		see(OnClient, Tenant, ClassRange(0, 0), "").
		may(OnClient, Tenant, "", ClientRecordChange)
	s.as("store_manager", "L13").
		archive(Dept, ClassRange(0, 1), "", "").
		may(OnClient, Dept, "", ClientOpen, ClientChangeProfile)
	s.as("branch_reporter", "L131").
		archive(Dept, ClassRange(0, 1), "", "").
		may(OnClient, Dept, "", ClientChangeProfile)
	s.as("reception_clerk", "F11–F12").see(OnClient, Tenant, ClassRange(0, 0), "")
	s.as("list_reader", "F05, G02").see(OnClient, Tenant, ClassRange(0, 0), "")
}

func outsideRules(s *script) {
	s.as("partner_approver", "product").see(OnContract, Partnership, Class(3).Set(), "")
	s.as("partner_app", "product").see(OnContract, Partnership, Class(3).Set(), "")
	s.as("platform_operator", "SaaS")
	s.add(OnTenant, TenantSuspend, Tenant, 0, "")
}
