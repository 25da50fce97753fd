package product_test

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/clientele/clientele/internal/credential"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit/world"
)

const rightsDocument = `subscription { changed: rightsChanged { ...V __typename } } fragment V on RightsVersions { policyVersion o: organisationVersion revocationVersion }`

// versions is one item.
type versions struct {
	PolicyVersion, O, RevocationVersion string
	Typename                            string `json:"__typename"`
}

func (v versions) numbers(t *testing.T) (policy, organisation, revocation int64) {
	t.Helper()
	var out [3]int64
	for i, s := range []string{v.PolicyVersion, v.O, v.RevocationVersion} {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < 1 {
			t.Fatalf("%+v", v)
		}
		out[i] = n
	}
	return out[0], out[1], out[2]
}

// stream is a subscription, over whichever transport.
type stream struct {
	t *testing.T
	// next gives the payload of the next answer; ok is false at the end, and why says how it ended.
	next func() (payload string, ok bool, why string)
}

func (s stream) item() versions {
	s.t.Helper()
	payload, ok, why := s.next()
	if !ok {
		s.t.Fatal("ended: " + why)
	}
	var out struct {
		Data struct{ Changed versions }
	}
	if err := json.Unmarshal([]byte(payload), &out); err != nil || out.Data.Changed.Typename != "RightsVersions" {
		s.t.Fatal(err, payload)
	}
	return out.Data.Changed
}

// until reads items up to the one that is wanted.
func (s stream) until(wanted func(policy, organisation, revocation int64) bool) {
	s.t.Helper()
	for !wanted(s.item().numbers(s.t)) {
	}
}

// bySocket subscribes over graphql-transport-ws.
func (s *served) bySocket(token, document string) stream {
	s.t.Helper()
	c := s.socket(token)
	hear := func() (m struct {
		Type    string
		Payload json.RawMessage
	}, err error,
	) {
		_, b, err := c.Read(s.t.Context())
		if err == nil {
			err = json.Unmarshal(b, &m)
		}
		return m, err
	}
	if m, err := hear(); err != nil || m.Type != "connection_ack" {
		s.t.Fatal(m, err)
	}
	b, err := json.Marshal(map[string]any{"id": "1", "type": "subscribe", "payload": map[string]any{"query": document}})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := c.Write(s.t.Context(), websocket.MessageText, b); err != nil {
		s.t.Fatal(err)
	}
	return stream{s.t, func() (string, bool, string) {
		m, err := hear()
		var closed websocket.CloseError
		switch {
		case errors.As(err, &closed):
			return "", false, strconv.Itoa(int(closed.Code))
		case err != nil:
			return "", false, err.Error()
		case m.Type != "next":
			return "", false, m.Type + " " + string(m.Payload)
		}
		return string(m.Payload), true, ""
	}}
}

// byEvents subscribes over server-sent events.
func (s *served) byEvents(token, document string) stream {
	s.t.Helper()
	body, err := json.Marshal(map[string]any{"query": document})
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+"/graphql", strings.NewReader(string(body)))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header = http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}, "Accept": {"text/event-stream"}}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = resp.Body.Close() })
	lines := bufio.NewScanner(resp.Body)
	return stream{s.t, func() (string, bool, string) {
		event := ""
		for lines.Scan() {
			switch line := lines.Text(); {
			case strings.HasPrefix(line, "event: "):
				event = strings.TrimPrefix(line, "event: ")
			case strings.HasPrefix(line, "data: ") && event == "next" && strings.HasPrefix(line, `data: {"errors"`):
				return "", false, line
			case strings.HasPrefix(line, "data: ") && event == "next":
				return strings.TrimPrefix(line, "data: "), true, ""
			case strings.HasPrefix(line, "data:") && event == "complete":
				return "", false, "complete"
			}
		}
		return "", false, fmt.Sprint(io.EOF, lines.Err())
	}}
}

func (s *served) both(token string) map[string]stream {
	s.t.Helper()
	return map[string]stream{"socket": s.bySocket(token, rightsDocument), "events": s.byEvents(token, rightsDocument)}
}

func (s *served) done(what string, a answered) answered {
	s.t.Helper()
	if a.status != http.StatusOK || strings.Contains(a.body, `"errors"`) || !strings.Contains(a.body, `"userErrors":[]`) {
		s.t.Fatalf("%s: %d %s", what, a.status, a.body)
	}
	return a
}

// What is published in one process is told by another, over sockets and event streams; whoever is suspended is told no more.
func TestChangedRightsAreToldByEveryProcess(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	x, other := w.Tenant("alpha"), w.Tenant("beta")
	here, there := serveProduct(t, w), serveProduct(t, w)
	admin, manager := x.Person(x.Department, "tenant_admin"), x.Person(x.Department, "general_manager")
	rep := x.Person(x.Department, "ka_sales_rep")
	adminToken, managerToken, repToken := sessionToken(t, x, admin), sessionToken(t, x, manager), sessionToken(t, x, rep)
	stranger := there.bySocket(sessionToken(t, other, other.Person(other.Department, "ka_sales_rep")), rightsDocument)
	stranger.item()
	listening := map[string]stream{}
	for at, s := range map[string]*served{"here": here, "there": there} {
		for how, l := range s.both(repToken) {
			listening[at+" "+how] = l
		}
	}
	var policy, organisation, revocation int64
	for how, l := range listening {
		p, o, r := l.item().numbers(t) // at once, before anything moves
		if policy != 0 && (p != policy || o != organisation || r != revocation) {
			t.Errorf("%s: %d %d %d, others %d %d %d", how, p, o, r, policy, organisation, revocation)
		}
		policy, organisation, revocation = p, o, r
	}
	// there are four of them, and each process looks once at each tenant that somebody waits for
	if n, m := here.services.Epochs.Watched(), there.services.Epochs.Watched(); n != 1 || m != 2 {
		t.Errorf("%d and %d tenants are looked at", n, m)
	}

	a := here.done("draft", here.ask(adminToken, `mutation($key: String!) { policyDraft(idempotencyKey: $key, input: {baseNumber: "1", reason: "试", remove: [1]}) { policyVersion { id } userErrors { code reason field } } }`, map[string]any{"key": x.Key()}))
	var drafted struct {
		Data struct {
			PolicyDraft struct{ PolicyVersion struct{ ID string } }
		}
	}
	a.into(t, &drafted)
	here.done("publish", here.ask(managerToken, `mutation($key: String!, $id: ID!) { policyPublish(idempotencyKey: $key, input: {policyVersionId: $id, expectedVersion: "1"}) { userErrors { code reason } } }`,
		map[string]any{"key": x.Key(), "id": drafted.Data.PolicyDraft.PolicyVersion.ID}))
	published, err := here.db.Probe(t.Context(), tenancy.ForSystem(tenancy.TenantID(x.ID), tenancy.SystemWatcher))
	if err != nil || published.Policy <= policy {
		t.Fatal(published, policy, err)
	}
	for _, l := range listening {
		l.until(func(p, _, _ int64) bool { return p == published.Policy })
	}
	here.done("bind", here.ask(adminToken, `mutation($key: String!, $a: ID!) { roleBind(idempotencyKey: $key, input: {accountId: $a, roleKey: "vip_officer"}) { userErrors { code reason field } } }`,
		map[string]any{"key": x.Key(), "a": id.Encode(id.Account, rep.Account)}))
	for _, l := range listening {
		l.until(func(_, o, _ int64) bool { return o > organisation })
	}
	here.done("suspend", here.ask(adminToken, `mutation($key: String!, $a: ID!) { accountSuspend(idempotencyKey: $key, input: {accountId: $a, expectedVersion: "1", reason: "离岗"}) { userErrors { code reason field } } }`,
		map[string]any{"key": x.Key(), "a": id.Encode(id.Account, rep.Account)}))
	for how, l := range listening {
		payload, ok, why := l.next()
		if ok {
			t.Errorf("%s: told after the suspension: %s", how, payload)
		}
		if want := map[bool]string{true: "4403", false: "UNAUTHENTICATED"}[strings.HasSuffix(how, "socket")]; !strings.Contains(why, want) {
			t.Errorf("%s: ended by %s, want %s", how, why, want)
		}
	}
	await(t, "nobody looks any more", func() bool { return here.services.Epochs.Watched() == 0 && there.services.Epochs.Watched() == 1 })
	// nothing of this is any business of the other tenant's: what it hears of next is its own
	other.Exec(`UPDATE companies SET name = name || '改' WHERE tenant_id = $1`)
	if _, o, _ := stranger.item().numbers(t); o < 2 {
		t.Error(o)
	}
}

// A token needs the scope read; its refusal names the scope.
func TestATokenWithoutTheScopeIsToldNothing(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	x := w.Tenant("alpha")
	s := serveProduct(t, w)
	rep := x.Person(x.Department, "ka_sales_rep")
	for scopes, want := range map[string]string{"client.open": "TOKEN_SCOPE", "read": "", "": ""} {
		token := apiToken(t, x, rep, scopes)
		for how, l := range s.both(token) {
			payload, ok, why := l.next()
			if ok != (want == "") || !strings.Contains(why, want) {
				t.Errorf("%q, %s: %s %s", scopes, how, payload, why)
			}
			if want != "" && !strings.Contains(why, `"code":"FORBIDDEN"`) {
				t.Errorf("%q, %s: %s", scopes, how, why)
			}
		}
	}
}

// One that never reads its socket keeps nobody else from being told.
func TestASlowSocketHarmsNobody(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	x := w.Tenant("alpha")
	s := serveProduct(t, w)
	token := sessionToken(t, x, x.Person(x.Department, "ka_sales_rep"))
	deaf := s.socket(token)
	for i := range 90 {
		b := fmt.Sprintf(`{"id":"%d","type":"subscribe","payload":{"query":"subscription { rightsChanged { policyVersion } }"}}`, i)
		if err := deaf.Write(t.Context(), websocket.MessageText, []byte(b)); err != nil {
			t.Fatal(err)
		}
	}
	attentive := s.bySocket(token, rightsDocument)
	_, last, _ := attentive.item().numbers(t)
	for range 20 {
		x.Exec(`UPDATE companies SET name = name || '改' WHERE tenant_id = $1`)
		attentive.until(func(_, o, _ int64) bool { more := o > last; last = max(o, last); return more })
	}
	if n := s.services.Epochs.Watched(); n != 1 {
		t.Errorf("%d tenants are looked at", n)
	}
}

func apiToken(t *testing.T, x *world.Tenant, p world.Person, scopes string) string {
	t.Helper()
	token, hash, display, err := credential.New(credential.APIToken, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	subject := x.IDs.New()
	x.Exec(`INSERT INTO api_tokens (tenant_id, id, account_id, name, token_prefix, token_hash, scopes, created_at, expires_at) VALUES ($1, $2, $3, 'test', $4, $5, $6, now(), now() + interval '1 hour')`,
		subject, p.Account, display, hash, scopes)
	x.Exec(`INSERT INTO auth_directory (tenant_id, lookup_hash, kind, subject_id) VALUES ($1, $2, 'token', $3)`, hash, subject)
	return token
}

// await polls until it is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not so: " + what)
		}
	}
}
