package graph

import (
	"context"
	"slices"

	"github.com/clientele/clientele/graph/model"
	"github.com/clientele/clientele/internal/fault"
)

// userCodes are the refusals that a payload carries; every other error is one of the whole operation.
func userCodes() []fault.Code {
	return []fault.Code{
		fault.InvalidInput, fault.NotFoundCode, fault.ForbiddenCode, fault.Conflict, fault.StaleVersion,
		fault.IdempotencyMismatch, fault.InvalidState, fault.DutyConflict, fault.LimitExceeded,
	}
}

// UserErrors splits what a service returned: refusals for the payload's userErrors, in the session's language, or an
// error for the operation. Both are empty for nil; the list is never nil.
func UserErrors(ctx context.Context, err error) ([]*model.UserError, error) {
	out := []*model.UserError{}
	if err == nil {
		return out, nil
	}
	list, ok := fault.As(err)
	if !ok {
		return out, err
	}
	language := "zh-CN"
	if s := SessionFrom(ctx); s != nil {
		language = s.Language
	}
	for _, f := range list {
		if !slices.Contains(userCodes(), f.Code) {
			return []*model.UserError{}, err
		}
		u := &model.UserError{
			Code: string(f.Code), Message: f.Message.In(language),
			Field: optional(f.Field), Reason: optional(f.Reason), Clause: optional(f.Clause), Remedy: optional(f.Remedy.In(language)),
		}
		if v, ok := f.Current["version"].(int64); ok && f.Code == fault.StaleVersion {
			u.CurrentVersion = &v
		}
		out = append(out, u)
	}
	return out, nil
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
