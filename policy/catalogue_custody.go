package policy

// The content of an original has no class of its own in the catalogue: each original says its class. The group stands at L7, so
// that no rule for a range of classes expands to it by accident; rules name the group, and narrow it by the field "class".
func originalEntity() Entity {
	register, both := []Object{OriginalRegister}, []Object{OriginalRegister, OriginalContent}
	return Entity{
		Object: OnOriginal, Label: Text{"原始资料", "Original"}, Scopes: append(clientScopes(), Granted), Fields: originalFields(),
		Groups: []Group{
			{OriginalRegister, 1, Text{"登记信息", "Register"}},
			{OriginalContent, 7, Text{"资料内容", "Content"}},
		},
		Acts: []Act{
			{OriginalFile, Text{"资料归档", "File an original"}, both},
			{OriginalAddVersion, Text{"归档新版本", "File a version"}, both},
			{OriginalChangeCustodian, Text{"变更保管人", "Change the custodian"}, register},
			{OriginalReportIncident, Text{"报告保管事故", "Report an incident"}, register},
			{OriginalCloseIncident, Text{"了结保管事故", "Close an incident"}, register},
		},
	}
}

func borrowingEntity() Entity {
	register := []Object{BorrowingRegister}
	return Entity{
		Object: OnBorrowing, Label: Text{"借阅", "Borrowing"}, Scopes: clientScopes(), Fields: originalFields(),
		Groups: []Group{{BorrowingRegister, 1, Text{"借阅登记", "Register of loans"}}},
		Acts: []Act{
			{BorrowingRequest, Text{"申请借阅", "Ask to borrow"}, register},
			{BorrowingLend, Text{"出借与验收", "Lend and take back"}, register},
			{BorrowingApprove, Text{"审批借阅", "Approve a loan"}, register},
			{BorrowingRenew, Text{"续借", "Renew"}, register},
			{BorrowingReportLost, Text{"报失", "Report a loss"}, register},
			{BorrowingRevoke, Text{"收回借阅", "Revoke a loan"}, register},
		},
	}
}

func accessRequestEntity() Entity {
	register := []Object{AccessRequestRegister}
	return Entity{
		Object: OnAccessRequest, Label: Text{"查阅申请", "Access request"}, Scopes: clientScopes(), Fields: clientFields("client"),
		Groups: []Group{{AccessRequestRegister, 1, Text{"申请内容", "Requests"}}},
		Acts: []Act{
			{AccessRequestRequest, Text{"申请查阅", "Ask for access"}, register},
			{AccessRequestEndorse, Text{"主管部门同意查阅", "Endorse access"}, register},
			{AccessRequestApprove, Text{"批准查阅", "Approve access"}, register},
		},
	}
}
