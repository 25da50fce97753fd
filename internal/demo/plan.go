package demo

// plan is what a tenant is like.
type plan struct {
	slug, name, root string
	departments      []department
	people           []member
	apps             []app
	clients          int // made through services
	mass             int // loaded beside them
	kinds            []string
}

// department is a unit. Company names one of plan's companies: "" is the root; a unit whose company does not exist yet opens it.
type department struct {
	key, company, parent, kind, name string
}

// member is a person with a post and shipped roles. Sellers open and hold clients.
type member struct {
	login, department, post, superior string
	roles                             []string
	sells                             bool
}

// app is an account without a person.
type app struct {
	login, name string
	roles       []string
}

// dealers is a group company with region companies and stores; its key-account department has its sections and every shipped
// role that staff can hold.
func dealers() plan {
	const east, west = "云川东部汽车销售服务有限公司（虚构）", "云川西部汽车销售服务有限公司（虚构）"
	return plan{
		slug: "yunchuan", name: "云川汽车商贸集团（虚构）", root: "云川汽车商贸集团有限公司（虚构）", clients: 2000,
		kinds: []string{"KEY", "KEY", "KEY", "DEALER", "SUPPLIER"},
		departments: []department{
			{"office", "", "", "DEPARTMENT", "总经理办公室"},
			{"ka", "", "", "DEPARTMENT", "大客户部"},
			{"ka-dev", "", "ka", "SECTION", "开发科"},
			{"ka-one", "", "ka", "SECTION", "销售一科"},
			{"ka-two", "", "ka", "SECTION", "销售二科"},
			{"ka-service", "", "ka", "SECTION", "客户服务科"},
			{"market", "", "", "DEPARTMENT", "市场部"},
			{"finance", "", "", "DEPARTMENT", "财务部"},
			{"legal", "", "", "DEPARTMENT", "法务部"},
			{"hr", "", "", "DEPARTMENT", "人力资源部"},
			{"tech", "", "", "DEPARTMENT", "技术部"},
			{"east", east, "", "REGION", "东部区域"},
			{"east-one", east, "east", "STORE", "东澜一店"},
			{"east-two", east, "east", "STORE", "临溪二店"},
			{"west", west, "", "REGION", "西部区域"},
			{"west-one", west, "west", "STORE", "望川店"},
			{"west-branch", west, "west", "BRANCH", "北岭分部"},
		},
		people: []member{
			{"gm", "office", "总经理", "", []string{"general_manager"}, false},
			{"legalrep", "office", "法定代表人", "", []string{"legal_representative"}, false},
			{"auditor", "office", "权限审计员", "gm", []string{"policy_auditor"}, false},
			{"custodian", "office", "资料保管员", "gm", []string{"archive_custodian"}, false},
			{"reception", "office", "接待文书", "gm", []string{"reception_clerk"}, false},
			{"sales", "ka", "销售经理", "gm", []string{"sales_manager"}, true},
			{"kam", "ka", "大客户经理", "gm", []string{"kam_manager"}, true},
			{"deptmgr", "market", "市场部经理", "gm", []string{"dept_manager"}, false},
			{"roster", "market", "名册员", "deptmgr", []string{"roster_clerk_market"}, false},
			{"reader", "market", "市场专员", "deptmgr", []string{"list_reader"}, false},
			{"devhead", "ka-dev", "开发科科长", "kam", []string{"section_head"}, false},
			{"dev1", "ka-dev", "客户开发员", "devhead", []string{"ka_developer"}, true},
			{"dev2", "ka-dev", "客户开发员", "devhead", []string{"ka_developer"}, true},
			{"super1", "ka-one", "销售主管", "kam", []string{"ka_sales_supervisor"}, false},
			{"rep1", "ka-one", "大客户代表", "super1", []string{"ka_sales_rep"}, true},
			{"rep2", "ka-one", "大客户代表", "super1", []string{"ka_sales_rep"}, true},
			{"rep3", "ka-one", "大客户代表", "super1", []string{"ka_sales_rep"}, true},
			{"super2", "ka-two", "销售主管", "kam", []string{"ka_sales_supervisor"}, false},
			{"rep4", "ka-two", "大客户代表", "super2", []string{"ka_sales_rep"}, true},
			{"rep5", "ka-two", "大客户代表", "super2", []string{"ka_sales_rep"}, true},
			{"rep6", "ka-two", "大客户代表", "super2", []string{"ka_sales_rep"}, true},
			{"service", "ka-service", "客户服务主管", "kam", []string{"ka_service_supervisor"}, false},
			{"care1", "ka-service", "客户服务专员", "service", []string{"ka_service_specialist"}, false},
			{"care2", "ka-service", "客户服务专员", "service", []string{"ka_service_specialist"}, false},
			{"vip", "ka-service", "VIP专员", "service", []string{"vip_officer"}, false},
			{"engineer", "tech", "技术工程师", "gm", []string{"tech_engineer"}, false},
			{"revtech", "tech", "技术会同人", "gm", []string{"reviewer_tech"}, false},
			{"revdesign", "tech", "设计会同人", "gm", []string{"reviewer_design"}, false},
			{"revquality", "tech", "品质会同人", "gm", []string{"reviewer_quality"}, false},
			{"revlegal", "legal", "法务评审", "gm", []string{"reviewer_legal"}, false},
			{"revfinance", "finance", "财务评审", "gm", []string{"reviewer_finance"}, false},
			{"finance", "finance", "财务主管", "gm", []string{"finance_officer"}, false},
			{"hr", "hr", "人事主管", "gm", []string{"hr_officer"}, false},
			{"east", "east", "东部区域经理", "gm", []string{"region_manager"}, false},
			{"store1", "east-one", "店长", "east", []string{"store_manager"}, false},
			{"store2", "east-two", "店长", "east", []string{"store_manager"}, false},
			{"west", "west", "西部区域经理", "gm", []string{"region_manager"}, false},
			{"store3", "west-one", "店长", "west", []string{"store_manager"}, false},
			{"branch", "west-branch", "填报人", "west", []string{"branch_reporter"}, false},
		},
		apps: []app{
			{"partner-app", "合作应用（演示）", []string{"partner_app"}},
			{"partner-approver", "合作公司审批（演示）", []string{"partner_approver"}},
		},
	}
}

// maker is the manufacturer that the group buys from.
func maker() plan {
	return plan{
		slug: "beiling", name: "北岭汽车制造（虚构）", root: "北岭汽车制造股份有限公司（虚构）", clients: 300,
		kinds: []string{"DEALER", "DEALER", "KEY", "SUPPLIER"},
		departments: []department{
			{"office", "", "", "DEPARTMENT", "总经理办公室"},
			{"ka", "", "", "DEPARTMENT", "大客户部"},
			{"ka-one", "", "ka", "SECTION", "经销商科"},
			{"ka-two", "", "ka", "SECTION", "集团客户科"},
			{"legal", "", "", "DEPARTMENT", "法务部"},
			{"finance", "", "", "DEPARTMENT", "财务部"},
		},
		people: []member{
			{"gm", "office", "总经理", "", []string{"general_manager"}, false},
			{"auditor", "office", "权限审计员", "gm", []string{"policy_auditor"}, false},
			{"sales", "ka", "销售经理", "gm", []string{"sales_manager"}, true},
			{"kam", "ka", "大客户经理", "gm", []string{"kam_manager"}, true},
			{"super1", "ka-one", "销售主管", "kam", []string{"ka_sales_supervisor"}, false},
			{"rep1", "ka-one", "大客户代表", "super1", []string{"ka_sales_rep"}, true},
			{"rep2", "ka-two", "大客户代表", "super1", []string{"ka_sales_rep"}, true},
			{"revlegal", "legal", "法务评审", "gm", []string{"reviewer_legal"}, false},
			{"finance", "finance", "财务主管", "gm", []string{"finance_officer"}, false},
		},
	}
}
