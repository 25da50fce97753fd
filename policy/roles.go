package policy

// ShippedRole is a role that every tenant starts with.
type ShippedRole struct {
	Key    string
	Name   Text
	Source string // requirements of the source, or "product"
	About  Text   // what it may see, in a sentence

	// Base roles are only inherited, never bound.
	Base bool
	// Holder is who may be bound to it: STAFF, APP or OPERATOR.
	Holder string
}

// BaseStaff is inherited by every shipped role that staff hold.
const BaseStaff = "staff"

// ShippedRoles lists the roles in the order of the administration page.
func ShippedRoles() []ShippedRole {
	staff := func(key, zh, en, source, aboutZH, aboutEN string) ShippedRole {
		return ShippedRole{Key: key, Name: Text{zh, en}, Source: source, About: Text{aboutZH, aboutEN}, Holder: "STAFF"}
	}
	base := staff(BaseStaff, "员工", "Staff", "product", "通讯录、组织、本人的人事资料、账号与授权", "directory, organisation, own personnel file, account and grants")
	base.Base = true
	app := func(key, zh, en, aboutZH, aboutEN string) ShippedRole {
		return ShippedRole{Key: key, Name: Text{zh, en}, Source: "product", About: Text{aboutZH, aboutEN}, Holder: "APP"}
	}
	return []ShippedRole{
		base,
		staff("tenant_admin", "租户管理员", "Tenant administrator", "product", "设置、角色、账号、组织与员工;无客户资料", "settings, roles, accounts, organisation, staff; no client data"),
		staff("policy_auditor", "权限/审计员", "Policy auditor", "product", "全租户的审计与判定;客户一览表", "audit and decisions of the tenant; client list"),
		staff("general_manager", "总经理", "General manager", "F16, G06", "全租户 L0–L6", "the whole tenant, L0–L6"),
		staff("legal_representative", "法定代表人", "Legal representative", "D11", "本公司待签与已生效的合同", "the company's contracts to sign and in force"),
		staff("sales_manager", "销售经理", "Sales manager", "L11", "本公司 L0–L5", "the company, L0–L5"),
		staff("kam_manager", "大客户经理(部门主管)", "Key account manager (head)", "A", "本部门及下级、全部 KEY 客户 L0–L6", "the department and below, and all KEY clients, L0–L6"),
		staff("ka_sales_supervisor", "销售主管", "Sales supervisor", "L259", "本人及下属 L0–L5", "own and subordinates', L0–L5"),
		staff("ka_service_supervisor", "客户服务主管", "Service supervisor", "L259", "本部门 L0–L3", "the department, L0–L3"),
		staff("ka_sales_rep", "大客户销售人员/销售代表", "Key account sales representative", "L261", "客户团队 L0–L3,本人合同 L5", "client team L0–L3, own contracts L5"),
		staff("ka_developer", "客户开发人员", "Client developer", "E14", "分发的名录与本人客户 L0–L3", "distributed and own clients, L0–L3"),
		staff("section_head", "科室负责人", "Section head", "E01", "分发给本科室的名录 L0–L3", "clients distributed to the section, L0–L3"),
		staff("ka_service_specialist", "客户服务专员", "Service specialist", "L261", "客户团队 L0–L3,其余仅统计", "client team L0–L3, numbers only elsewhere"),
		staff("tech_engineer", "技术工程师", "Technical engineer", "L261", "按项目授权 L0–L2", "granted per project, L0–L2"),
		staff("region_manager", "区域经理", "Region manager", "J06", "本部门及下级 L0–L3", "the department and below, L0–L3"),
		staff("dept_manager", "部门经理", "Department manager", "J07", "本部门及下级 L0–L3", "the department and below, L0–L3"),
		staff("archive_custodian", "资料保管员(经理室)", "Archive custodian", "G04–G05", "一览表;内容仅在借阅期间", "the list; content only while borrowed"),
		staff("roster_clerk_market", "市场部名册员", "Roster clerk (market)", "G08–G09", "全租户仅一览表;登记变更", "the list of the tenant; records changes"),
		staff("reviewer_tech", "技术会同人", "Technical reviewer", "D08", "被授权的调查", "granted surveys"),
		staff("reviewer_design", "设计会同人", "Design reviewer", "D08", "被授权的调查", "granted surveys"),
		staff("reviewer_quality", "品质会同人", "Quality reviewer", "D08", "被授权的调查", "granted surveys"),
		staff("reviewer_legal", "法务评审", "Legal reviewer", "A06, C01", "评审中的合同 L5", "contracts under review, L5"),
		staff("reviewer_finance", "财务评审", "Finance reviewer", "A06, C01", "评审中的合同 L5,信用财务 L4", "contracts under review, L5; credit L4"),
		staff("finance_officer", "财务", "Finance officer", "C01–C02", "本公司应收与信用财务 L4", "the company's receivables and credit, L4"),
		staff("hr_officer", "人事", "HR officer", "A01–A03", "员工与考核 L6;无客户资料", "staff and evaluation, L6; no client data"),
		staff("vip_officer", "VIP专员", "VIP officer", "L173–177", "本公司 VIP 客户 L0–L3", "the company's VIP clients, L0–L3"),
		staff("store_manager", "店长", "Store manager", "L13", "本部门 L0–L1", "the department, L0–L1"),
		staff("branch_reporter", "支行填报人", "Branch reporter", "L131", "本部门 L0–L1", "the department, L0–L1"),
		staff("reception_clerk", "接待文书", "Reception clerk", "F11–F12", "全租户仅一览表", "the list of the tenant"),
		staff("list_reader", "一览表查阅人", "List reader", "F05, G02", "全租户仅一览表", "the list of the tenant"),
		app("partner_approver", "合作公司审批人", "Partner approver", "仅互联披露的快照", "disclosed snapshots only"),
		app("partner_app", "合作应用", "Partner application", "仅互联披露的合同事件", "disclosed contract events only"),
		{Key: "platform_operator", Name: Text{"平台运维", "Platform operator"}, Source: "SaaS", About: Text{"无租户数据;可停用租户", "no tenant data; may suspend the tenant"}, Holder: "OPERATOR"},
	}
}

// ShippedInherits gives the inheritance between shipped roles as pairs {role, parent}.
func ShippedInherits() [][2]string {
	var out [][2]string
	for _, r := range ShippedRoles() {
		if r.Holder == "STAFF" && !r.Base {
			out = append(out, [2]string{r.Key, BaseStaff})
		}
	}
	return out
}

// roleLabels are read by explanations, once per rule; never written again.
var roleLabels = func() map[string]Text {
	out := map[string]Text{}
	for _, r := range ShippedRoles() {
		out[r.Key] = r.Name
	}
	return out
}()

// RoleLabel of a shipped role; false for roles a tenant made.
func RoleLabel(key string) (Text, bool) {
	t, ok := roleLabels[key]
	return t, ok
}
