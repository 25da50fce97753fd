package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/policyfile"
	"github.com/clientele/clientele/policy"
)

// remote speaks GraphQL with a server in somebody's name.
type remote struct {
	url, token, language string
	client               *http.Client
}

// version is a policy version as the server has it.
type version struct {
	policyfile.Policy
	ID     string
	Number int64
}

type drafted struct {
	id       string
	number   int64
	warnings []string
}

func newKey() string { return uuid.NewString() }

// connect finds the token and checks the address.
//
// SECURITY: a token goes over the network in the clear to nobody but this machine.
func (f *serverFlags) connect(p *program) (*remote, error) {
	at, err := url.Parse(f.Server)
	if err != nil || at.Host == "" || at.Scheme != "https" && at.Scheme != "http" || at.User != nil {
		return nil, usageError{fmt.Errorf("--server: %q is no address of a server", f.Server)}
	}
	if ip := net.ParseIP(at.Hostname()); at.Scheme == "http" && at.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, &trouble{
			message: fault.Text{ZH: "不会以明文 http 向其他机器发送令牌", EN: "a token is not sent to another machine over plain http"},
			remedy:  fault.Text{ZH: "请使用 https", EN: "use https"},
		}
	}
	token, err := f.token(p)
	if err != nil {
		return nil, err
	}
	if at.Path == "" || at.Path == "/" {
		at.Path = "/graphql"
	}
	return &remote{url: at.String(), token: token, language: f.Language, client: &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}, nil
}

func (f *serverFlags) token(p *program) (string, error) {
	if f.TokenFile == "" {
		if token := p.env["CLIENTELE_TOKEN"]; token != "" {
			return token, nil
		}
		return "", &trouble{
			message: fault.Text{ZH: "没有 API 令牌", EN: "there is no API token"},
			remedy:  fault.Text{ZH: "请设置环境变量 CLIENTELE_TOKEN，或用 --token-file 指定仅本人可读的文件", EN: "set CLIENTELE_TOKEN, or name a file that you alone can read with --token-file"},
		}
	}
	info, err := os.Stat(f.TokenFile)
	if err != nil {
		return "", err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", &trouble{
			message: fault.Text{ZH: "令牌文件可被他人读取：" + f.TokenFile, EN: "others can read the token file: " + f.TokenFile},
			remedy:  fault.Text{ZH: "chmod 600 " + f.TokenFile, EN: "chmod 600 " + f.TokenFile},
		}
	}
	data, err := os.ReadFile(f.TokenFile)
	return strings.TrimSpace(string(data)), err
}

// refusal is what a server says in errors: the first of them as the trouble, and all with the fields that they are about.
type refusal struct {
	trouble
	fields []fieldError
}

type fieldError struct{ field, says string }

func (r *refusal) Unwrap() error { return &r.trouble }

const maxAnswer = 16 << 20

// patience is how often one operation is asked again when the server says that too much was asked at once.
const patience = 20

// ask sends one operation, and waits as long as the server says when it is asked too much at once: a policy of many lines and
// assertions needs more points than are given in a moment. What else the server says in errors is the error.
func (r *remote) ask(ctx context.Context, query string, variables map[string]any, into any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return err
	}
	for range patience {
		wait, err := r.once(ctx, body, into)
		if wait == 0 {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	_, err = r.once(ctx, body, into)
	return err
}

// once sends one operation; wait is not zero when the server asks to come back later.
func (r *remote) once(ctx context.Context, body []byte, into any) (wait time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Language", r.language)
	req.Header.Set("Authorization", "Bearer "+r.token)
	answer, err := r.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return 0, err
	}
	var got struct {
		Data   json.RawMessage
		Errors []struct {
			Message    string
			Extensions struct {
				Code, Remedy, Reason, Field string
				RetryAfter                  int // seconds
			}
		}
	}
	if err := json.Unmarshal(text, &got); err != nil {
		return 0, fmt.Errorf("%s: %s is no answer of a GraphQL server", r.url, answer.Status)
	}
	if len(got.Errors) > 0 {
		e := got.Errors[0]
		say := e.Extensions.Code + ": " + e.Message
		refused := &refusal{trouble: trouble{message: fault.Text{ZH: say, EN: say}, remedy: fault.Text{ZH: e.Extensions.Remedy, EN: e.Extensions.Remedy}}}
		for _, e := range got.Errors {
			refused.fields = append(refused.fields, fieldError{e.Extensions.Field, strings.TrimSpace(e.Extensions.Reason + ": " + e.Message + " " + e.Extensions.Remedy)})
		}
		return time.Duration(e.Extensions.RetryAfter) * time.Second, refused
	}
	return 0, json.Unmarshal(got.Data, into)
}

// number is a BigInt of the API.
func number(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64) // the SDL says that it is one
	return n
}

// version reads one with all its rules; 0 is the one in force.
func (r *remote) version(ctx context.Context, wanted int64) (version, error) {
	id, after := "", ""
	for id == "" {
		var list struct {
			PolicyVersions struct {
				Nodes    []struct{ ID, Number, State string }
				PageInfo struct {
					HasNextPage bool
					EndCursor   string
				}
			}
		}
		if err := r.ask(ctx, `query ($after: String) { policyVersions(first: 100, after: $after) { nodes { id number state } pageInfo { hasNextPage endCursor } } }`, cursor(after), &list); err != nil {
			return version{}, err
		}
		for _, v := range list.PolicyVersions.Nodes {
			if wanted == 0 && v.State == "IN_FORCE" || wanted != 0 && number(v.Number) == wanted {
				id, wanted = v.ID, number(v.Number)
				break
			}
		}
		if after = list.PolicyVersions.PageInfo.EndCursor; id == "" && !list.PolicyVersions.PageInfo.HasNextPage {
			return version{}, &trouble{
				message: fault.Text{ZH: "找不到该策略版本", EN: "there is no such policy version to be seen"},
				remedy:  fault.Text{ZH: "令牌的账号须有查看策略的权限（policy.read）", EN: "the token's account needs sight of policy (policy.read)"},
			}
		}
	}
	return r.content(ctx, id, wanted)
}

func cursor(after string) map[string]any {
	if after == "" {
		return map[string]any{}
	}
	return map[string]any{"after": after}
}

type rule struct {
	Seq                                                           int
	RoleKey, Object, Action, DataScope, Condition, Effect, Clause string
	Note                                                          string
	ClassMask                                                     int
	ValidFrom, ValidUntil                                         *time.Time
}

func (r *remote) content(ctx context.Context, id string, n int64) (version, error) {
	v := version{ID: id, Number: n}
	for after, more := "", true; more; {
		var page struct {
			Node struct {
				Classes struct {
					Nodes []struct {
						Object string
						Class  int
					}
				}
				Rules struct {
					Nodes    []rule
					PageInfo struct {
						HasNextPage bool
						EndCursor   string
					}
				}
			}
		}
		variables := cursor(after)
		variables["id"] = id
		if err := r.ask(ctx, `query ($id: ID!, $after: String) { node(id: $id) { ... on PolicyVersion { classes(first: 100) { nodes { object class } }
			rules(first: 100, after: $after) { nodes { seq roleKey object action dataScope classMask condition effect validFrom validUntil clause note } pageInfo { hasNextPage endCursor } } } } }`,
			variables, &page); err != nil {
			return v, err
		}
		v.Classes = nil
		for _, c := range page.Node.Classes.Nodes {
			v.Classes = v.Classes.With(policy.Classes{policy.Object(c.Object): policy.Class(c.Class)})
		}
		for _, x := range page.Node.Rules.Nodes {
			y, err := x.rule()
			if err != nil {
				return v, err
			}
			v.Rules = append(v.Rules, policyfile.Rule{Rule: y})
		}
		after, more = page.Node.Rules.PageInfo.EndCursor, page.Node.Rules.PageInfo.HasNextPage
	}
	var err error
	v.Conflicts, err = r.conflicts(ctx, id)
	v.Governs = true
	return v, err
}

// conflicts are the duty conflicts of a version, in order.
func (r *remote) conflicts(ctx context.Context, id string) (out []policyfile.Conflict, err error) {
	for after, more := "", true; more; {
		var page struct {
			Node struct {
				Conflicts struct {
					Nodes    []struct{ Key, ActionA, ActionB, NameZh, NameEn, Clause string }
					PageInfo struct {
						HasNextPage bool
						EndCursor   string
					}
				}
			}
		}
		variables := cursor(after)
		variables["id"] = id
		if err := r.ask(ctx, `query ($id: ID!, $after: String) { node(id: $id) { ... on PolicyVersion { conflicts(first: 100, after: $after) {
			nodes { key actionA actionB nameZh nameEn clause } pageInfo { hasNextPage endCursor } } } } }`, variables, &page); err != nil {
			return nil, err
		}
		for _, c := range page.Node.Conflicts.Nodes {
			out = append(out, policyfile.Conflict{DutyConflict: policy.DutyConflict{
				Key: c.Key, A: policy.Action(c.ActionA), B: policy.Action(c.ActionB), Label: policy.Text{ZH: c.NameZh, EN: c.NameEn}, Source: c.Clause,
			}})
		}
		after, more = page.Node.Conflicts.PageInfo.EndCursor, page.Node.Conflicts.PageInfo.HasNextPage
	}
	return out, nil
}

func (x rule) rule() (out policy.Rule, err error) {
	out = policy.Rule{
		Seq: x.Seq, Role: x.RoleKey, Object: policy.Object(x.Object), Action: policy.Action(x.Action), Classes: policy.ClassSet(x.ClassMask),
		Condition: x.Condition, Clause: x.Clause, Note: x.Note,
	}
	if out.Scope, err = policy.ParseScope(x.DataScope); err != nil {
		return out, err
	}
	if out.Effect, err = policy.ParseEffect(strings.ToLower(x.Effect)); err != nil {
		return out, err
	}
	if x.ValidFrom != nil {
		out.ValidFrom = x.ValidFrom.UTC()
	}
	if x.ValidUntil != nil {
		out.ValidUntil = x.ValidUntil.UTC()
	}
	return out, nil
}
