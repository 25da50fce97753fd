package policy

// The reasons there are.
const (
	ReasonAllowed       Reason = "ALLOWED"
	ReasonNoRole        Reason = "NO_ROLE"
	ReasonOutOfScope    Reason = "OUT_OF_SCOPE"
	ReasonCondition     Reason = "CONDITION_NOT_MET"
	ReasonDenied        Reason = "DENIED_BY_RULE"
	ReasonSuspended     Reason = "ACCOUNT_SUSPENDED"
	ReasonToken         Reason = "TOKEN_SCOPE"
	ReasonForeignTenant Reason = "FOREIGN_TENANT"
	ReasonUnknown       Reason = "UNKNOWN_PERMISSION"
	ReasonIncomplete    Reason = "INCOMPLETE_REQUEST"
)

// Reasons lists every reason code.
func Reasons() []Reason {
	return []Reason{
		ReasonAllowed, ReasonNoRole, ReasonOutOfScope, ReasonCondition, ReasonDenied, ReasonSuspended, ReasonToken,
		ReasonForeignTenant, ReasonUnknown, ReasonIncomplete,
	}
}

// Label says the reason to the person who asked.
func (r Reason) Label() Text {
	switch r {
	case ReasonAllowed:
		return Text{"准许", "Allowed"}
	case ReasonNoRole:
		return Text{"您的角色没有此项权限", "None of your roles has this permission"}
	case ReasonOutOfScope:
		return Text{"该数据不在您的数据范围内", "The data is outside your scope"}
	case ReasonCondition:
		return Text{"不满足规则的条件", "The rule's condition is not met"}
	case ReasonDenied:
		return Text{"有规则明确禁止", "A rule forbids this"}
	case ReasonSuspended:
		return Text{"账号已停用", "The account is suspended"}
	case ReasonToken:
		return Text{"令牌的权限不包括此操作", "The token's scopes leave this out"}
	case ReasonForeignTenant:
		return Text{"不属于本租户", "Not of this tenant"}
	case ReasonUnknown:
		return Text{"没有此项权限名", "There is no such permission"}
	case ReasonIncomplete:
		return Text{"请求不完整,按规定拒绝", "The request is incomplete and therefore refused"}
	}
	return Text{"未知原因", "Unknown reason"}
}

// Remedy says what the person can do about a refusal in general; Explain knows more.
func (r Reason) Remedy() Text {
	switch r {
	case ReasonNoRole:
		return Text{"请租户管理员授予含此权限的角色", "Ask the tenant administrator for a role that has it"}
	case ReasonOutOfScope:
		return Text{"请主管部门负责人给予专项授权或加入客户团队", "Ask the owning department's head for a grant or a place on the client's team"}
	case ReasonCondition:
		return Text{"请权限更高的同事办理", "Ask a colleague whose authority reaches further"}
	case ReasonDenied:
		return Text{"请向权限/审计员了解该规则", "Ask the policy auditor about the rule"}
	case ReasonSuspended:
		return Text{"请租户管理员恢复账号", "Ask the tenant administrator to reinstate the account"}
	case ReasonToken:
		return Text{"请使用权限足够的令牌", "Use a token with wider scopes"}
	case ReasonUnknown, ReasonIncomplete, ReasonForeignTenant:
		return Text{"请检查请求", "Check the request"}
	}
	return Text{}
}
