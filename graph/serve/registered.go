package serve

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/clientele/clientele/internal/fault"
)

// Registered is a closed set of operations by id (usually the SHA-256 of the text, in hex). It is given at start and
// never grows: a caller cannot register anything.
type Registered map[string]string

// ReadRegistered reads a set in either usual form: one JSON object of id to text, or a manifest with a list
// "operations" of {id, body}.
func ReadRegistered(r io.Reader) (Registered, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	var manifest struct {
		Operations []struct {
			ID   string `json:"id"`
			Body string `json:"body"`
		} `json:"operations"`
	}
	set := Registered{}
	if err := json.Unmarshal(b, &manifest); err == nil && manifest.Operations != nil {
		for _, o := range manifest.Operations {
			set[o.ID] = o.Body
		}
	} else if err := json.Unmarshal(b, &set); err != nil {
		return nil, fmt.Errorf("registered operations: neither an object of id to text nor a manifest with operations: %w", err)
	}
	for id, text := range set {
		if id == "" || text == "" {
			return nil, errors.New("registered operations: an entry has no id or no text")
		}
	}
	return set, nil
}

// text finds the document of a request, by its text or by its id.
func (e *engine) text(p *params) (string, error) {
	id := p.id()
	known, ok := e.Registered[id]
	switch {
	case id != "" && ok && (p.Query == nil || *p.Query == known):
		return known, nil
	case p.Query != nil && *p.Query != "" && !e.RegisteredOnly:
		if sum := sha256.Sum256([]byte(*p.Query)); p.hash() != "" && p.hash() != hex.EncodeToString(sum[:]) {
			return "", fault.Invalid("extensions.persistedQuery.sha256Hash", "PERSISTED_QUERY_MISMATCH",
				fault.Text{ZH: "哈希与查询文本不符", EN: "the hash is not that of the query"}, fault.Text{})
		}
		return *p.Query, nil
	case e.RegisteredOnly:
		return "", fault.Forbidden("OPERATION_NOT_REGISTERED",
			fault.Text{ZH: "仅接受已登记的操作", EN: "only registered operations are accepted"}, "", fault.Text{})
	case id != "":
		f := fault.NotFound("PersistedQuery")
		f.Reason = "PERSISTED_QUERY_NOT_FOUND"
		f.Message = fault.Text{EN: "PersistedQueryNotFound"} // a word of the protocol: clients compare it
		return "", f
	}
	return "", fault.Invalid("query", "QUERY_MISSING", fault.Text{ZH: "缺少 query", EN: "query is missing"}, fault.Text{})
}
