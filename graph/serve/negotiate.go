package serve

import (
	"mime"
	"strconv"
	"strings"
)

// The media types that answers may have.
const (
	typeGraphQL = "application/graphql-response+json"
	typeJSON    = "application/json"
	typeEvents  = "text/event-stream"
)

// accepted is what an Accept header allows. best is "" when nothing fits.
type accepted struct {
	best   string
	events bool // an event stream is allowed, even if not preferred
	answer string
}

// negotiate reads an Accept header with its q-values; the earlier of equals wins. Without a preference the answer is
// application/json, as the specification of GraphQL over HTTP has it for clients older than it.
func negotiate(header string) accepted {
	if strings.TrimSpace(header) == "" {
		return accepted{best: typeJSON, answer: typeJSON}
	}
	var a accepted
	bestQ, answerQ := 0.0, 0.0
	for part := range strings.SplitSeq(header, ",") {
		mt, p, err := mime.ParseMediaType(strings.TrimSpace(part))
		if err != nil {
			continue
		}
		if cs := p["charset"]; cs != "" && !strings.EqualFold(cs, "utf-8") {
			continue
		}
		q := 1.0
		if s, ok := p["q"]; ok {
			if q, err = strconv.ParseFloat(s, 64); err != nil || q < 0 || q > 1 {
				continue
			}
		}
		switch mt {
		case typeGraphQL, typeJSON, typeEvents:
		case "*/*", "application/*":
			mt = typeJSON
		case "text/*":
			mt = typeEvents
		default:
			continue
		}
		if q > bestQ {
			a.best, bestQ = mt, q
		}
		if mt == typeEvents {
			a.events = a.events || q > 0
		} else if q > answerQ {
			a.answer, answerQ = mt, q
		}
	}
	return a
}

// language picks the language of messages: Chinese unless English is preferred.
func language(header string) string {
	best, bestQ := "zh-CN", 0.0
	for part := range strings.SplitSeq(header, ",") {
		tag, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		q := 1.0
		if s, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			var err error
			if q, err = strconv.ParseFloat(s, 64); err != nil {
				continue
			}
		}
		tag = strings.ToLower(strings.TrimSpace(tag))
		if q <= bestQ {
			continue
		}
		switch {
		case tag == "en" || strings.HasPrefix(tag, "en-"):
			best, bestQ = "en", q
		case tag == "zh" || strings.HasPrefix(tag, "zh-"):
			best, bestQ = "zh-CN", q
		}
	}
	return best
}
