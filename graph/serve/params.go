package serve

import (
	"bytes"
	"encoding/json"
	"net/url"
	"unicode/utf8"

	"github.com/clientele/clientele/internal/fault"
)

// params is a GraphQL request as every transport brings it.
type params struct {
	Query         *string `json:"query"`
	DocumentID    string  `json:"documentId"`
	OperationName *string `json:"operationName"`
	Variables     object  `json:"variables"`
	Extensions    object  `json:"extensions"`
}

// object is a JSON object whose numbers keep their digits.
type object map[string]any

// UnmarshalJSON implements json.Unmarshaler.
func (o *object) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return d.Decode((*map[string]any)(o))
}

// hash is the SHA-256 of the persisted operation in hex, in the form that Apollo's clients send.
func (p *params) hash() string {
	q, _ := p.Extensions["persistedQuery"].(map[string]any)
	h, _ := q["sha256Hash"].(string)
	return h
}

func (p *params) id() string {
	if p.DocumentID != "" {
		return p.DocumentID
	}
	return p.hash()
}

func (p *params) operationName() string {
	if p.OperationName == nil {
		return ""
	}
	return *p.OperationName
}

func malformed(field, zh, en string) *fault.Error {
	return fault.Invalid(field, "MALFORMED_REQUEST", fault.Text{ZH: zh, EN: en}, fault.Text{})
}

// fromBody reads the JSON body of a POST. What it refuses is never quoted back.
func fromBody(b []byte) (*params, error) {
	t := bytes.TrimLeft(b, " \t\r\n")
	switch {
	case !utf8.Valid(b):
		return nil, malformed("", "请求体不是有效的 UTF-8", "the request body is not valid UTF-8")
	case len(t) > 0 && t[0] == '[':
		f := malformed("", "不支持批量操作", "batched operations are not supported")
		f.Reason = "BATCHING_NOT_SUPPORTED"
		return nil, f
	case len(t) == 0 || t[0] != '{':
		return nil, malformed("", "请求体必须是 JSON 对象", "the request body must be a JSON object")
	}
	if halved(t) {
		return nil, halvedCharacter()
	}
	var p params
	if err := json.Unmarshal(b, &p); err != nil {
		return nil, malformed("", "请求体必须是含 query、operationName、variables、extensions 的 JSON 对象",
			"the request body must be a JSON object of query, operationName, variables and extensions")
	}
	return &p, nil
}

// fromURL reads the query string of a GET.
func fromURL(raw string) (*params, error) {
	q, err := url.ParseQuery(raw)
	if err != nil {
		return nil, malformed("", "URL 查询串格式错误", "the query string is malformed")
	}
	var p params
	if q.Has("query") {
		s := q.Get("query")
		p.Query = &s
	}
	if s := q.Get("operationName"); s != "" {
		p.OperationName = &s
	}
	p.DocumentID = q.Get("documentId")
	for name, into := range map[string]*object{"variables": &p.Variables, "extensions": &p.Extensions} {
		if halved([]byte(q.Get(name))) {
			return nil, halvedCharacter()
		}
		if v := q.Get(name); v != "" && json.Unmarshal([]byte(v), into) != nil {
			return nil, malformed(name, name+" 必须是 JSON 对象", name+" must be a JSON object")
		}
	}
	for _, values := range q {
		for _, v := range values {
			if !utf8.ValidString(v) {
				return nil, malformed("", "URL 查询串不是有效的 UTF-8", "the query string is not valid UTF-8")
			}
		}
	}
	return &p, nil
}

// credentialInURL finds parameters that look like credentials.
//
// SECURITY: URLs are logged by every proxy on the way; a credential in one is already lost, so it is never honoured.
func credentialInURL(q url.Values) bool {
	for _, name := range []string{"access_token", "token", "authorization", "Authorization", "api_key", "apikey", "bearer"} {
		if q.Has(name) {
			return true
		}
	}
	return false
}
