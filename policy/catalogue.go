package policy

// Entity is a noun of the policy language with everything that can be said about it.
type Entity struct {
	Object Object
	Label  Text
	Groups []Group
	Acts   []Act
	Scopes []Scope // scopes that can mean something on this entity; a rule with another one is refused
	Fields []Field // what conditions may speak of
}

// Group is a field group of an entity with its field class.
type Group struct {
	Object Object
	Class  Class
	Label  Text
}

// Act is a business act on an entity. Writes names the groups whose fields it changes: whoever may do the act needs
// the write right on them too, and the shipped rules give both together.
type Act struct {
	Action Action
	Label  Text
	Writes []Object
}

// Business acts, by the names they have in the API, in rules and in the audit.
const (
	TenantSuspend Action = "tenant.suspend"

	CompanyOpen      Action = "company.open"
	CompanyChange    Action = "company.change"
	CompanyDissolve  Action = "company.dissolve"
	DepartmentOpen   Action = "department.open"
	DepartmentChange Action = "department.change"
	DepartmentClose  Action = "department.close"
	PositionCreate   Action = "position.create"
	PositionChange   Action = "position.change"

	StaffHire           Action = "staff.hire"
	StaffTransfer       Action = "staff.transfer"
	StaffChangeSuperior Action = "staff.changeSuperior"

	AccountCreate        Action = "account.create"
	AccountSuspend       Action = "account.suspend"
	AccountReinstate     Action = "account.reinstate"
	AccountResetPassword Action = "account.resetPassword"
	SessionRevoke        Action = "session.revoke"
	TokenIssue           Action = "token.issue"
	TokenRevoke          Action = "token.revoke"

	PolicyRead    Action = "policy.read"    // rule lines in explanations and simulations
	PolicyWrite   Action = "policy.write"   // drafts
	PolicyPublish Action = "policy.publish" // a draft comes into force
	RoleBind      Action = "role.bind"
	RoleEndorse   Action = "role.endorse" // puts into force what a binding gives beyond its giver
	RoleUnbind    Action = "role.unbind"
	RoleCreate    Action = "role.create"
	RoleRetire    Action = "role.retire"
	ReviewOpen    Action = "review.open" // campaigns that confirm every binding and grant

	GrantGive   Action = "grant.give"
	GrantRevoke Action = "grant.revoke"

	AuditRead Action = "audit.read" // computed answers over the records: chain verification, decision statistics

	ClientOpen           Action = "client.open"
	ClientChangeProfile  Action = "client.changeProfile"
	ClientChangeList     Action = "client.changeList" // name, kinds, grade, stage facts
	ClientAssignTeam     Action = "client.assignTeam"
	ClientDistribute     Action = "client.distribute"
	ClientSuspend        Action = "client.suspend"
	ClientLift           Action = "client.lift"
	ClientMoveDepartment Action = "client.moveDepartment"
	ClientChangeDealings Action = "client.changeDealings" // policy, attitude, next contact
	ClientChangeCredit   Action = "client.changeCredit"
	ClientRecordChange   Action = "client.recordChange" // the market department's change records
	ContactAdd           Action = "contact.add"
	ContactChange        Action = "contact.change"
	ContactLeave         Action = "contact.leave"

	ContractDraft     Action = "contract.draft"
	ContractRevise    Action = "contract.revise"
	ContractSubmit    Action = "contract.submit"
	ContractReturn    Action = "contract.return"
	ContractWithdraw  Action = "contract.withdraw"
	ContractRegister  Action = "contract.register" // a contract already signed on paper
	ContractComplete  Action = "contract.complete"
	ContractTerminate Action = "contract.terminate"
	ObligationAdd     Action = "obligation.add"
	ObligationSettle  Action = "obligation.settle"

	OriginalFile            Action = "original.file"
	OriginalAddVersion      Action = "original.addVersion"
	OriginalChangeCustodian Action = "original.changeCustodian"
	OriginalReportIncident  Action = "original.reportIncident"
	OriginalCloseIncident   Action = "original.closeIncident"

	BorrowingRequest    Action = "borrowing.request"
	BorrowingLend       Action = "borrowing.lend"    // the custodian's consent, handing out, checking the return
	BorrowingApprove    Action = "borrowing.approve" // the second step, from class L4 on
	BorrowingRenew      Action = "borrowing.renew"
	BorrowingReportLost Action = "borrowing.reportLost"
	BorrowingRevoke     Action = "borrowing.revoke"

	AccessRequestRequest Action = "accessRequest.request"
	AccessRequestEndorse Action = "accessRequest.endorse" // the head of the owning department
	AccessRequestApprove Action = "accessRequest.approve" // gives the grant
)

// Entities and field groups.
const (
	OnTenant       Object = "tenant"
	OnOrganisation Object = "organisation" // companies, departments, positions
	OnStaff        Object = "staff"        // staff and employments
	OnAccount      Object = "account"      // accounts, sessions, API tokens
	OnPolicy       Object = "policy"       // roles, rules, versions, role bindings
	OnGrant        Object = "grant"
	OnAudit        Object = "audit"
	OnClient       Object = "client"
	OnContract     Object = "contract"

	OnOriginal      Object = "original"
	OnBorrowing     Object = "borrowing"
	OnAccessRequest Object = "accessRequest"
	OnApproval      Object = "approval" // steps that something waits for; who may decide one is the act of its subject

	TenantSettings   Object = "tenant#settings"
	OrganisationList Object = "organisation#list"
	StaffDirectory   Object = "staff#directory"
	StaffPersonnel   Object = "staff#personnel"
	AccountAdmin     Object = "account#admin"
	PolicyRules      Object = "policy#rules"
	GrantAdmin       Object = "grant#admin"
	AuditRecords     Object = "audit#records"
	ClientList       Object = "client#list"
	ClientStandard   Object = "client#standard"
	ClientContacts   Object = "client#contacts"
	ClientDealings   Object = "client#dealings"
	ClientCredit     Object = "client#credit"
	ContractSummary  Object = "contract#summary"
	ContractTerms    Object = "contract#terms"

	OriginalRegister      Object = "original#register"
	OriginalContent       Object = "original#content" // the bytes; their class is the row's own: condition field "class"
	BorrowingRegister     Object = "borrowing#register"
	AccessRequestRegister Object = "accessRequest#register"
	ApprovalSteps         Object = "approval#steps"
)

// Catalogue lists every noun and verb there is, in the order of the administration pages. Rules may speak of nothing
// else, and the tests place every shipped role for every entry.
func Catalogue() []Entity {
	orgScopes := []Scope{Dept, DeptTree, Company, CompanyTree, Tenant}
	personScopes := append([]Scope{Self, Subordinates}, orgScopes...)
	return []Entity{
		{
			Object: OnTenant, Label: Text{"租户", "Tenant"}, Scopes: []Scope{Tenant},
			Groups: []Group{{TenantSettings, 0, Text{"租户设置", "Tenant settings"}}},
			Acts:   []Act{{TenantSuspend, Text{"停用租户", "Suspend the tenant"}, nil}},
		},
		{
			Object: OnOrganisation, Label: Text{"组织", "Organisation"}, Scopes: orgScopes,
			Groups: []Group{{OrganisationList, 0, Text{"公司、部门与岗位", "Companies, departments, positions"}}},
			Acts: []Act{
				{CompanyOpen, Text{"设立公司", "Open a company"}, []Object{OrganisationList}},
				{CompanyChange, Text{"变更公司", "Change a company"}, []Object{OrganisationList}},
				{CompanyDissolve, Text{"注销公司", "Dissolve a company"}, []Object{OrganisationList}},
				{DepartmentOpen, Text{"设立部门", "Open a department"}, []Object{OrganisationList}},
				{DepartmentChange, Text{"变更部门", "Change a department"}, []Object{OrganisationList}},
				{DepartmentClose, Text{"撤销部门", "Close a department"}, []Object{OrganisationList}},
				{PositionCreate, Text{"新建岗位", "Create a position"}, []Object{OrganisationList}},
				{PositionChange, Text{"变更岗位", "Change a position"}, []Object{OrganisationList}},
			},
		},
		{
			Object: OnStaff, Label: Text{"员工", "Staff"}, Scopes: personScopes,
			Groups: []Group{
				{StaffDirectory, 0, Text{"通讯录", "Directory"}},
				{StaffPersonnel, 6, Text{"人事资料", "Personnel file"}},
			},
			Acts: []Act{
				{StaffHire, Text{"录用员工", "Hire"}, []Object{StaffDirectory, StaffPersonnel}},
				{StaffTransfer, Text{"调动任职", "Transfer"}, []Object{StaffDirectory}},
				{StaffChangeSuperior, Text{"变更上级", "Change the superior"}, []Object{StaffDirectory}},
			},
		},
		{
			Object: OnAccount, Label: Text{"账号", "Account"}, Scopes: personScopes,
			Groups: []Group{{AccountAdmin, 6, Text{"账号、会话与令牌", "Accounts, sessions, tokens"}}},
			Acts: []Act{
				{AccountCreate, Text{"开通账号", "Create an account"}, []Object{AccountAdmin}},
				{AccountSuspend, Text{"停用账号", "Suspend an account"}, []Object{AccountAdmin}},
				{AccountReinstate, Text{"恢复账号", "Reinstate an account"}, []Object{AccountAdmin}},
				{AccountResetPassword, Text{"重置密码", "Reset a password"}, []Object{AccountAdmin}},
				{SessionRevoke, Text{"注销会话", "Revoke a session"}, []Object{AccountAdmin}},
				{TokenIssue, Text{"签发令牌", "Issue an API token"}, []Object{AccountAdmin}},
				{TokenRevoke, Text{"吊销令牌", "Revoke an API token"}, []Object{AccountAdmin}},
			},
		},
		{
			Object: OnPolicy, Label: Text{"角色与权限", "Roles and policy"}, Scopes: personScopes,
			Groups: []Group{{PolicyRules, 0, Text{"角色、规则与授予", "Roles, rules, bindings"}}},
			Acts: []Act{
				{PolicyRead, Text{"查看判定规则", "See rules in explanations"}, nil},
				{PolicyWrite, Text{"起草策略", "Draft policy"}, []Object{PolicyRules}},
				{PolicyPublish, Text{"发布策略", "Publish policy"}, []Object{PolicyRules}},
				{RoleBind, Text{"授予角色", "Bind a role"}, []Object{PolicyRules}},
				{RoleEndorse, Text{"授权确认", "Endorse a binding"}, []Object{PolicyRules}},
				{RoleUnbind, Text{"收回角色", "Unbind a role"}, []Object{PolicyRules}},
				{RoleCreate, Text{"新建角色", "Create a role"}, []Object{PolicyRules}},
				{RoleRetire, Text{"停用角色", "Retire a role"}, []Object{PolicyRules}},
				{ReviewOpen, Text{"发起权限复核", "Open an access review"}, nil},
			},
		},
		{
			Object: OnGrant, Label: Text{"专项授权", "Access grant"}, Scopes: append([]Scope{ClientTeam}, personScopes...),
			Fields: clientFields("client"),
			Groups: []Group{{GrantAdmin, 6, Text{"授权内容", "Grants"}}},
			Acts: []Act{
				{GrantGive, Text{"专项授权", "Give a grant"}, []Object{GrantAdmin}},
				{GrantRevoke, Text{"收回授权", "Revoke a grant"}, []Object{GrantAdmin}},
			},
		},
		{
			Object: OnAudit, Label: Text{"审计", "Audit"}, Scopes: []Scope{Self, Subordinates, Tenant},
			Groups: []Group{{AuditRecords, 6, Text{"审计记录", "Audit records"}}},
			Acts:   []Act{{AuditRead, Text{"核验审计", "Verify the audit"}, nil}},
		},
		{
			Object: OnClient, Label: Text{"客户", "Client"}, Scopes: Scopes(), Fields: clientFields(""),
			Groups: []Group{
				{ClientList, 0, Text{"一览表", "List"}},
				{ClientStandard, 1, Text{"标准档案", "Standard archive"}},
				{ClientContacts, 2, Text{"联系人", "Contacts"}},
				{ClientDealings, 3, Text{"业务往来", "Dealings"}},
				{ClientCredit, 4, Text{"信用财务", "Credit and finance"}},
			},
			Acts: []Act{
				{ClientOpen, Text{"建立客户档案", "Open a client"}, []Object{ClientList, ClientStandard}},
				{ClientChangeProfile, Text{"修改标准档案", "Change the standard archive"}, []Object{ClientStandard}},
				{ClientChangeList, Text{"修改一览表资料", "Change list facts"}, []Object{ClientList}},
				{ClientAssignTeam, Text{"指派客户团队", "Assign the team"}, []Object{ClientList}},
				{ClientDistribute, Text{"分发名录", "Distribute to a section"}, []Object{ClientList}},
				{ClientSuspend, Text{"中止洽谈", "Suspend dealings"}, []Object{ClientList}},
				{ClientLift, Text{"恢复洽谈", "Lift the suspension"}, []Object{ClientList}},
				{ClientMoveDepartment, Text{"移交部门", "Move to a department"}, []Object{ClientList}},
				{ClientChangeDealings, Text{"修改往来资料", "Change dealings"}, []Object{ClientDealings}},
				{ClientChangeCredit, Text{"修改信用资料", "Change credit"}, []Object{ClientCredit}},
				{ClientRecordChange, Text{"登记变更", "Record a change"}, []Object{ClientDealings}},
				{ContactAdd, Text{"新增联系人", "Add a contact"}, []Object{ClientContacts}},
				{ContactChange, Text{"修改联系人", "Change a contact"}, []Object{ClientContacts}},
				{ContactLeave, Text{"联系人离任", "Mark a contact as left"}, []Object{ClientContacts}},
			},
		},
		{
			Object: OnContract, Label: Text{"合同", "Contract"}, Scopes: Scopes(), Fields: contractFields(),
			Groups: []Group{
				{ContractSummary, 3, Text{"合同概要", "Summary"}},
				{ContractTerms, 5, Text{"合同条款与价格", "Terms and price"}},
			},
			Acts: []Act{
				{ContractDraft, Text{"起草合同", "Draft a contract"}, []Object{ContractSummary, ContractTerms}},
				{ContractRevise, Text{"修订合同", "Revise a contract"}, []Object{ContractSummary, ContractTerms}},
				{ContractSubmit, Text{"送审合同", "Submit for review"}, []Object{ContractSummary}},
				{ContractReturn, Text{"退回合同", "Return for revision"}, []Object{ContractSummary}},
				{ContractWithdraw, Text{"撤回合同", "Withdraw a contract"}, []Object{ContractSummary}},
				{ContractRegister, Text{"补录纸质合同", "Register a paper contract"}, []Object{ContractSummary, ContractTerms}},
				{ContractComplete, Text{"合同履行完毕", "Complete a contract"}, []Object{ContractSummary}},
				{ContractTerminate, Text{"终止合同", "Terminate a contract"}, []Object{ContractSummary}},
				{ObligationAdd, Text{"登记义务", "Add an obligation"}, []Object{ContractSummary}},
				{ObligationSettle, Text{"了结义务", "Settle an obligation"}, []Object{ContractSummary}},
			},
		},
		originalEntity(), borrowingEntity(), accessRequestEntity(),
		{
			Object: OnApproval, Label: Text{"审批步骤", "Approval step"}, Scopes: clientScopes(), Fields: originalFields(),
			Groups: []Group{{ApprovalSteps, 1, Text{"步骤与意见", "Steps and decisions"}}},
		},
	}
}

// clientScopes are those of what belongs to a client and is granted to nobody by itself.
func clientScopes() []Scope {
	return []Scope{Self, Subordinates, ClientTeam, Dept, DeptTree, Distributed, Company, CompanyTree, Tenant}
}

// Labels of scopes, classes and the verbs that are not acts.

// Label of a scope.
func (s Scope) Label() Text {
	switch s {
	case Self:
		return Text{"本人", "Own"}
	case Subordinates:
		return Text{"本人及下属", "Own and subordinates'"}
	case ClientTeam:
		return Text{"客户团队成员", "Client team"}
	case Dept:
		return Text{"本部门", "Department"}
	case DeptTree:
		return Text{"本部门及下级", "Department and below"}
	case Distributed:
		return Text{"分发给本科室的名录", "Distributed to the section"}
	case Company:
		return Text{"本公司", "Company"}
	case CompanyTree:
		return Text{"本公司及子公司", "Company and subsidiaries"}
	case Tenant:
		return Text{"全租户", "Whole tenant"}
	case Granted:
		return Text{"专项授权与有效借阅", "Granted or borrowed"}
	case Partnership:
		return Text{"互联披露", "Disclosed to the partner"}
	}
	return Text{"未知范围", "Unknown scope"}
}

// Label of a field class.
func (c Class) Label() Text {
	switch c {
	case 0:
		return Text{"一览表", "List"}
	case 1:
		return Text{"标准档案", "Standard archive"}
	case 2:
		return Text{"联系人", "Contacts"}
	case 3:
		return Text{"业务往来", "Dealings"}
	case 4:
		return Text{"信用财务", "Credit and finance"}
	case 5:
		return Text{"合同条款与价格", "Contract terms and price"}
	case 6:
		return Text{"考核人事", "Evaluation and personnel"}
	case 7:
		return Text{"机密", "Secret"}
	}
	return Text{"未知密级", "Unknown class"}
}

// verbLabels of the verbs that are not business acts.
func verbLabel(a Action) (Text, bool) {
	switch a {
	case Read:
		return Text{"查看", "Read"}, true
	case Count:
		return Text{"统计", "Count"}, true
	case Peek:
		return Text{"查看脱敏内容", "See masked"}, true
	case Reveal:
		return Text{"查看完整内容", "See in full"}, true
	case Write:
		return Text{"修改", "Change"}, true
	case Filter:
		return Text{"筛选排序", "Filter and sort"}, true
	}
	return Text{}, false
}
