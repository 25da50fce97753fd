package serve

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/clientele/clientele/graph/limit"
	"github.com/clientele/clientele/internal/fault"
)

// problem is a refusal by HTTP itself: the request never became a GraphQL request.
type problem struct {
	status int
	fault  *fault.Error
	allow  string
}

func invalid(reason, zh, en string) *fault.Error {
	return fault.Invalid("", reason, fault.Text{ZH: zh, EN: en}, fault.Text{})
}

func tooLarge(reason, zh, en string, most int) *fault.Error {
	return fault.Limit(reason, fault.Text{ZH: zh, EN: en}).With("limit", most)
}

const methods = "GET, POST, OPTIONS"

var (
	crossOrigin    = problem{status: http.StatusForbidden, fault: fault.Forbidden("CROSS_ORIGIN", fault.Text{ZH: "不接受来自其他网站的请求", EN: "requests from other sites are refused"}, "", fault.Text{})}
	notAllowed     = problem{status: http.StatusMethodNotAllowed, allow: methods, fault: invalid("METHOD_NOT_ALLOWED", "请使用 POST 或 GET", "use POST or GET")}
	queriesOnly    = problem{status: http.StatusMethodNotAllowed, allow: "POST", fault: invalid("METHOD_NOT_ALLOWED", "GET 只能用于查询", "GET is for queries only")}
	notAcceptable  = problem{status: http.StatusNotAcceptable, fault: invalid("NOT_ACCEPTABLE", "响应类型为 application/graphql-response+json、application/json 或 text/event-stream", "answers are application/graphql-response+json, application/json or text/event-stream")}
	unsupported    = problem{status: http.StatusUnsupportedMediaType, fault: invalid("UNSUPPORTED_MEDIA_TYPE", "请求体必须是 UTF-8 编码且未压缩的 application/json", "the request body must be application/json in UTF-8, not compressed")}
	tokenInURL     = problem{status: http.StatusBadRequest, fault: invalid("CREDENTIAL_IN_URL", "不接受 URL 中的凭证，该凭证应视为已泄露", "credentials in URLs are refused; treat this one as leaked")}
	onlyWebSocket  = problem{status: http.StatusUpgradeRequired, fault: invalid("UPGRADE_REQUIRED", "此处仅支持 WebSocket 升级", "only WebSocket is spoken here")}
	needsStream    = problem{status: http.StatusBadRequest, fault: invalid("SUBSCRIPTION_TRANSPORT", "订阅需使用 WebSocket 或 text/event-stream", "subscriptions need WebSocket or text/event-stream")}
	unreadable     = problem{status: http.StatusBadRequest, fault: invalid("MALFORMED_REQUEST", "无法读取请求体", "the request body could not be read")}
	tooManyStreams = problem{status: http.StatusTooManyRequests, fault: fault.Busy("CONNECTIONS", fault.Text{ZH: "同时打开的连接过多", EN: "too many connections are open"})}
	goingDown      = problem{status: http.StatusServiceUnavailable, fault: fault.Down("SHUTDOWN", nil)}
)

// problem answers in the caller's media type and language; nothing of the request is quoted.
func (h *Handler) problem(w http.ResponseWriter, r *http.Request, p problem) {
	ct := negotiate(r.Header.Get("Accept")).answer
	if ct == "" {
		ct = typeJSON
	}
	if p.allow != "" {
		w.Header().Set("Allow", p.allow)
	}
	if p.status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter(p.fault)))
	}
	send(w, ct, p.status, rejection(gqlerror.List{fromFault(r.Context(), p.fault, language(r.Header.Get("Accept-Language")))}))
}

func send(w http.ResponseWriter, ct string, status int, body []byte) {
	w.Header()["Content-Type"] = []string{ct + "; charset=utf-8"}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// retryAfter is after how many seconds a RATE_LIMITED request is worth trying again, at least 1.
func retryAfter(err error) int {
	list, _ := fault.As(err)
	for _, f := range list {
		if n, ok := f.Current["retryAfter"].(int); ok {
			return max(1, n)
		}
	}
	return 1
}

// malformedReasons are refusals of what is not a GraphQL request at all: 400 under every media type.
func malformedReasons() []string {
	return []string{"MALFORMED_REQUEST", "HALVED_CHARACTER", "BATCHING_NOT_SUPPORTED", "QUERY_MISSING"}
}

// statusOf is the one mapping of request errors to HTTP: under application/json a well-formed request has status 200
// whatever is wrong with its document; under application/graphql-response+json it is 400.
func statusOf(errs gqlerror.List, ct string) int {
	for _, g := range errs {
		code, _ := g.Extensions["code"].(string)
		reason, _ := g.Extensions["reason"].(string)
		switch fault.Code(code) {
		case fault.RateLimited:
			return http.StatusTooManyRequests
		case fault.Unauthenticated:
			return http.StatusUnauthorized
		case fault.Unavailable:
			return http.StatusServiceUnavailable
		case fault.Internal:
			return http.StatusInternalServerError
		}
		if slices.Contains(malformedReasons(), reason) {
			return http.StatusBadRequest
		}
	}
	if ct == typeGraphQL {
		return http.StatusBadRequest
	}
	return http.StatusOK
}

// codesOf lists the codes of errors, for observers.
func codesOf(errs gqlerror.List) []string {
	var codes []string
	for _, g := range errs {
		code, _ := g.Extensions["code"].(string)
		codes = append(codes, code)
	}
	return codes
}

// rateHeaders tells a caller where it stands, in the fields of the HTTP working group's draft.
func (h *Handler) rateHeaders(w http.ResponseWriter, spent limit.Spent) {
	header := w.Header()
	header["Ratelimit-Policy"] = h.policy
	var b [48]byte
	v := strconv.AppendInt(append(b[:0], `"points";r=`...), int64(spent.Remaining), 10)
	v = strconv.AppendInt(append(v, ";t="...), int64(seconds(spent.Reset)), 10)
	header["Ratelimit"] = []string{string(v)}
	if !spent.OK {
		w.Header().Set("Retry-After", strconv.Itoa(max(1, seconds(spent.Retry))))
	}
}
