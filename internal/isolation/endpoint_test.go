package isolation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit/served"
	"github.com/clientele/clientele/internal/testkit/world"
)

// endpoint is the product as the program serves it, on a loopback address.
type endpoint struct {
	t   *testing.T
	url string
	// refusing: what is sent is bad, and being told so is what is wanted.
	refusing bool
}

// serveOn starts the product on the pools; it ends before them.
func serveOn(t *testing.T, w *world.World, db *tenancy.DB) *endpoint {
	t.Helper()
	return &endpoint{t: t, url: served.Start(t, w, db)}
}

// signIn gives a bearer token of the person, as sign-in would, and the session that it is of.
func (s *side) signIn(t *testing.T, account uuid.UUID) (token string, session uuid.UUID) {
	t.Helper()
	return served.SignIn(t, s.Tenant, account)
}

// caller is a fresh person who may do everything, signed in: nothing was done under his account before.
func (s *side) caller(t *testing.T) string {
	t.Helper()
	token, _ := s.signIn(t, s.Person(s.Department, "general_manager").Account)
	return token
}

// callerOf a mutation is somebody beside the side's person, but where it is his own thing that is meant.
func (s *side) callerOf(t *testing.T, mutation string) string {
	t.Helper()
	switch mutation {
	case "borrowingWithdraw", "accessRequestWithdraw", "accessReviewDecide":
		token, _ := s.signIn(t, s.person.Account)
		return token
	}
	return s.caller(t)
}

// reply is all that a caller gets: what differs from call to call is taken out of it.
type reply struct {
	status int
	header string
	body   string
}

func (r reply) String() string { return fmt.Sprintf("%d %s %s", r.status, r.header, r.body) }

var requestID = regexp.MustCompile(`"requestId":"[^"]*"`)

// volatile headers say when, which call it is, and what is left of the rate.
func volatile(name string) bool {
	switch name {
	case "Date", "X-Request-Id", "Ratelimit", "Ratelimit-Policy":
		return true
	}
	return false
}

// same is the reply with the id that was sent standing as ID.
func (r reply) same(sent string) string { return strings.ReplaceAll(r.String(), sent, "ID") }

func (e *endpoint) do(token string, req *http.Request) reply {
	e.t.Helper()
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept-Language", "en")
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		e.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	for name := range answer.Header {
		if volatile(name) {
			answer.Header.Del(name)
		}
	}
	r := reply{answer.StatusCode, fmt.Sprint(answer.Header), requestID.ReplaceAllString(string(body), `"requestId":"R"`)}
	// One who is held back is told the same of everything: such a run would show nothing.
	for _, bad := range []string{"RATE_LIMITED", "LIMIT_EXCEEDED", "INTERNAL", "UNAVAILABLE", "GRAPHQL_VALIDATION", "MALFORMED_REQUEST"} {
		if strings.Contains(r.body, `"`+bad+`"`) && !(e.refusing && bad != "INTERNAL" && bad != "RATE_LIMITED" && bad != "UNAVAILABLE") {
			e.t.Errorf("%s: %.600s", bad, r.body)
		}
	}
	return r
}

// raw sends a body as it is.
func (e *endpoint) raw(token string, body []byte) reply {
	e.t.Helper()
	req, err := http.NewRequestWithContext(e.t.Context(), http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		e.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	return e.do(token, req)
}

func (e *endpoint) ask(token, query string, variables map[string]any) reply {
	e.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		e.t.Fatal(err)
	}
	return e.raw(token, body)
}

// leaks tells what of the side stands in the reply, beside the id that the caller sent himself.
func (s *side) leaks(answer string) string {
	if strings.Contains(answer, s.mark) {
		return "its mark"
	}
	for kind, u := range s.ids {
		if strings.Contains(answer, strings.TrimPrefix(id.Encode("x", u), "x_")) || strings.Contains(answer, u.String()) {
			return "the id of its " + kind
		}
	}
	return ""
}

// state is a hash over all rows of the tenant but what reading, asking and sealing leave behind: seals and the time at which
// a credential was last used; with acts only, also refusals and openings.
func (s *side) state(actsOnly bool) string {
	var parts []string
	for _, table := range strings.Split(s.Text(`SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
		AND c.relname NOT IN ('goose_db_version', 'audit_checkpoints', 'audit_tree') AND $1::uuid IS NOT NULL ORDER BY 1`), ";") {
		where := ""
		if actsOnly && table == "audit_records" {
			where = " AND kind NOT IN ('refusal', 'opening')"
		}
		parts = append(parts, `SELECT '`+table+` ' || count(*) || ' ' || md5(coalesce(string_agg(r::text, '' ORDER BY r::text), '')) FROM
			(SELECT to_jsonb(x) - '{seal_seq,seal_hash,last_seen_at,last_used_at}'::text[] AS r FROM `+table+` x WHERE tenant_id = $1`+where+`) y`)
	}
	return s.Text(strings.Join(parts, " UNION ALL ") + " ORDER BY 1")
}

// changed names the tables in which two states differ.
func changed(before, after string) string {
	was := strings.Split(before, ";")
	var out []string
	for i, line := range strings.Split(after, ";") {
		if i >= len(was) || was[i] != line {
			out = append(out, line)
		}
	}
	return strings.Join(out, ", ")
}
