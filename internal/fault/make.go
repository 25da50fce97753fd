package fault

// Invalid refuses an input at a path, e.g. Invalid("input.unifiedCreditCode", "CREDIT_CODE_CHECK_DIGIT", msg, remedy).
func Invalid(field, reason string, msg, remedy Text) *Error {
	return &Error{Code: InvalidInput, Field: field, Reason: reason, Message: msg, Remedy: remedy}
}

// NotFound says that there is no such thing for this caller; kind is the GraphQL type ("Client"). What exists but
// may not be seen gives the same answer.
func NotFound(kind string) *Error {
	return &Error{
		Code: NotFoundCode, Reason: "NOT_FOUND",
		Message: Text{ZH: "找不到该对象（" + kind + "）", EN: kind + " not found"},
	}
}

// Forbidden refuses an act on a thing that the caller can see; clause names the rule, remedy the lawful way.
func Forbidden(reason string, msg Text, clause string, remedy Text) *Error {
	return &Error{Code: ForbiddenCode, Reason: reason, Message: msg, Clause: clause, Remedy: remedy}
}

// Conflicts says that another row already holds what was asked for at a path.
func Conflicts(field, reason string, msg, remedy Text) *Error {
	return &Error{Code: Conflict, Field: field, Reason: reason, Message: msg, Remedy: remedy}
}

// Stale says that the row is at another version than the caller's.
func Stale(current int64) *Error {
	return &Error{
		Code: StaleVersion, Reason: "STALE_VERSION", Field: "input.expectedVersion",
		Message: Text{ZH: "数据已被他人修改", EN: "the object was changed by somebody else"},
		Remedy:  Text{ZH: "请重新读取后再提交", EN: "read it again and repeat the change"},
		Current: map[string]any{"version": current},
	}
}

// KeyReused says that the idempotency key was used with another input.
func KeyReused() *Error {
	return &Error{
		Code: IdempotencyMismatch, Reason: "IDEMPOTENCY_KEY_REUSED", Field: "idempotencyKey",
		Message: Text{ZH: "该幂等键已用于不同的输入", EN: "this idempotency key was used with another input"},
		Remedy:  Text{ZH: "请换用新的幂等键", EN: "use a new key for a new intention"},
	}
}

// State refuses a transition that the state table does not have.
func State(reason string, msg, remedy Text) *Error {
	return &Error{Code: InvalidState, Reason: reason, Message: msg, Remedy: remedy}
}

// Duty refuses by separation of duties.
func Duty(reason string, msg Text, clause string, remedy Text) *Error {
	return &Error{Code: DutyConflict, Reason: reason, Message: msg, Clause: clause, Remedy: remedy}
}

// SignIn says that there is no credential or that it is no longer good; never which of the two.
func SignIn() *Error {
	return &Error{
		Code: Unauthenticated, Reason: "UNAUTHENTICATED",
		Message: Text{ZH: "需要登录", EN: "authentication required"},
		Remedy:  Text{ZH: "请在 Authorization 头中携带有效的 Bearer 凭证", EN: "send a valid bearer credential in the Authorization header"},
	}
}

// Limit refuses a request that is larger or costlier than allowed; reason names the limit ("DEPTH", "BODY_SIZE").
func Limit(reason string, msg Text) *Error {
	return &Error{Code: LimitExceeded, Reason: reason, Message: msg}
}

// Busy refuses for the sake of others; the edge adds Retry-After.
func Busy(reason string, msg Text) *Error {
	return &Error{Code: RateLimited, Reason: reason, Message: msg}
}

// Down says that nothing was done and that it may work later.
func Down(reason string, cause error) *Error {
	return &Error{
		Code: Unavailable, Reason: reason, cause: cause,
		Message: Text{ZH: "服务暂时不可用，请稍后再试", EN: "the service is temporarily unavailable, try again later"},
	}
}

// Masked is what callers see of an error that is none of ours.
func Masked() *Error {
	return &Error{Code: Internal, Reason: "INTERNAL", Message: Text{ZH: "内部错误", EN: "internal error"}}
}
