// Package problem owns how routes beside GraphQL answer an error: one JSON object in the caller's language, with a status.
// It does not own what is refused (the routes), nor how GraphQL answers (graph/serve).
package problem

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"

	"golang.org/x/text/language"

	"github.com/clientele/clientele/internal/fault"
)

type fieldJSON struct {
	Field   string `json:"field"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

type errorJSON struct {
	Code      fault.Code  `json:"code"`
	Reason    string      `json:"reason"`
	Message   string      `json:"message"`
	Clause    string      `json:"clause,omitempty"`
	Remedy    string      `json:"remedy,omitempty"`
	Fields    []fieldJSON `json:"fields,omitempty"`
	RequestID string      `json:"requestId,omitempty"`
}

// Answer writes {"error": {code, reason, message, clause?, remedy?, fields?, requestId?}} in the language of
// Accept-Language. What is none of ours is masked, and logged with what; so is what is ours to mend.
func Answer(w http.ResponseWriter, r *http.Request, log *slog.Logger, what, requestID string, err error) {
	list, ok := fault.As(err)
	if !ok {
		list = fault.List{fault.Masked()}
	}
	first := list[0]
	if first.Code == fault.Internal || first.Code == fault.Unavailable {
		log.ErrorContext(r.Context(), what, slog.String("request_id", requestID), slog.Any("error", err))
	}
	in := languageOf(r.Header.Get("Accept-Language"))
	out := errorJSON{
		Code: first.Code, Reason: first.Reason, Message: first.Message.In(in), Clause: first.Clause, Remedy: first.Remedy.In(in), RequestID: requestID,
	}
	for _, e := range list {
		if e.Field != "" {
			out.Fields = append(out.Fields, fieldJSON{e.Field, e.Reason, e.Message.In(in)})
		}
	}
	if seconds, ok := first.Current["retryAfter"].(int); ok {
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
	}
	if first.Code == fault.Unauthenticated {
		w.Header().Set("WWW-Authenticate", `Bearer realm="clientele"`)
	}
	JSON(w, statusOf(first), map[string]errorJSON{"error": out})
}

// JSON writes an answer that nobody keeps.
func JSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller has gone
}

// statusOf: a reason stands before its code where HTTP has a word of its own for it.
func statusOf(e *fault.Error) int {
	switch e.Reason {
	case "UNSUPPORTED_MEDIA_TYPE":
		return http.StatusUnsupportedMediaType
	case "LENGTH_REQUIRED":
		return http.StatusLengthRequired
	case "UPLOAD_TOO_SLOW":
		return http.StatusRequestTimeout
	case "STORAGE_FULL":
		return http.StatusInsufficientStorage
	}
	switch e.Code {
	case fault.InvalidInput:
		return http.StatusBadRequest
	case fault.NotFoundCode:
		return http.StatusNotFound
	case fault.Conflict, fault.InvalidState, fault.StaleVersion, fault.IdempotencyMismatch:
		return http.StatusConflict
	case fault.LimitExceeded:
		return http.StatusRequestEntityTooLarge
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.ForbiddenCode, fault.DutyConflict:
		return http.StatusForbidden
	case fault.RateLimited:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// languageOf picks one of the product's two languages; Chinese when neither is asked for.
func languageOf(header string) string {
	matcher := language.NewMatcher([]language.Tag{language.SimplifiedChinese, language.English})
	if _, i := language.MatchStrings(matcher, header); i == 1 {
		return "en"
	}
	return "zh-CN"
}
