package policy

// borrowers are the roles that see the register of originals without holding their content: they ask to borrow. Whoever lends is
// none of them (duty conflict "borrowing").
func borrowers() []string {
	return []string{
		"general_manager", "sales_manager", "region_manager", "dept_manager", "ka_sales_supervisor", "ka_service_supervisor", "ka_sales_rep",
		"ka_service_specialist", "vip_officer", "ka_developer", "section_head", "store_manager", "branch_reporter",
	}
}

// custodyRules are those of originals, borrowings and access requests (G02–G05, F10, AC-09, AC-10).
func custodyRules(s *script) {
	register := Class(1).Set()
	filing := []Action{OriginalFile, OriginalAddVersion, OriginalChangeCustodian, OriginalReportIncident, OriginalCloseIncident}
	lending := []Action{BorrowingLend, BorrowingRenew, BorrowingReportLost, BorrowingRevoke}

	s.as(BaseStaff, "G04").see(OnOriginal, Granted, register, "")
	for _, verb := range []Action{Peek, Reveal, Filter} {
		s.add(OriginalContent, verb, Granted, 0, "") // whatever was handed out may be read by who holds it
	}
	s.see(OnBorrowing, Self, register, "").see(OnApproval, Self, register, "")
	s.as(BaseStaff, "F10").
		see(OnAccessRequest, Self, register, "").
		may(OnAccessRequest, Self, "", AccessRequestRequest)
	for _, role := range borrowers() {
		s.as(role, "G04").may(OnBorrowing, Self, "", BorrowingRequest, BorrowingReportLost)
	}

	s.as("archive_custodian", "G04–G05").
		see(OnOriginal, Tenant, register, "").
		see(OnBorrowing, Tenant, register, "").
		see(OnApproval, Tenant, register, "").
		may(OnOriginal, Tenant, "", filing...).
		may(OnBorrowing, Tenant, "", lending...)

	kam := s.as("kam_manager", "G02, G04, F10")
	for _, reach := range []struct {
		scope         Scope
		cond, content string
	}{{DeptTree, "", "class <= 6"}, {Tenant, "clientKind = KEY", "class <= 6 & clientKind = KEY"}} {
		for _, verb := range []Action{Peek, Reveal, Filter} {
			kam.add(OriginalContent, verb, reach.scope, 0, reach.content) // G02: the key account manager holds the originals
		}
		kam.see(OnBorrowing, reach.scope, register, reach.cond).
			see(OnAccessRequest, reach.scope, register, reach.cond).
			see(OnApproval, reach.scope, register, reach.cond).
			may(OnOriginal, reach.scope, reach.cond, filing...).
			may(OnBorrowing, reach.scope, reach.cond, lending...).
			may(OnBorrowing, reach.scope, reach.cond, BorrowingApprove).
			may(OnAccessRequest, reach.scope, reach.cond, AccessRequestEndorse, AccessRequestApprove)
	}
	s.as("general_manager", "G04, F10"). // chosen: where no key account manager reaches, or he has decided an earlier step
						see(OnBorrowing, Tenant, register, "").
						see(OnAccessRequest, Tenant, register, "").
						see(OnApproval, Tenant, register, "").
						may(OnBorrowing, Tenant, "", BorrowingApprove).
						may(OnAccessRequest, Tenant, "", AccessRequestApprove)
	for _, head := range []struct {
		role  string
		scope Scope
	}{{"region_manager", DeptTree}, {"dept_manager", DeptTree}, {"sales_manager", Company}} { // AC-10: the head of the owning department
		s.as(head.role, "F10").
			see(OnAccessRequest, head.scope, register, "").
			see(OnApproval, head.scope, register, "").
			may(OnAccessRequest, head.scope, "", AccessRequestEndorse)
	}
	s.as("policy_auditor", "F10").see(OnAccessRequest, Tenant, register, "")
}
