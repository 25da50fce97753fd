package demo

import (
	"context"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/clock"
	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/tenancy"
)

// scene is one tenant in the making: the time of the story, who is there, what exists.
type scene struct {
	*Services
	plan     plan
	random   *mathrand.Rand
	names    *namer
	clock    *clock.Clock
	until    time.Time
	now      time.Time // of the story
	acts     int
	progress *progress

	tenantID   tenancy.TenantID
	root, head uuid.UUID // first company and department
	companies  map[string]uuid.UUID
	units      map[string]unit
	staff      map[string]*person
	order      []*person
	numbers    int
	shelves    []*client // those with originals
}

type unit struct{ company, id uuid.UUID }

// person is somebody who acts.
type person struct {
	member
	name           string
	staff, account uuid.UUID
	version        int64 // of the staff member
	session        *tenancy.Session
	seedToken      uuid.UUID
	password       string
	token          string // for the one who looks at the demo
}

type progress struct {
	mu          sync.Mutex
	done, total int
	tell        func(done, total int)
}

func (p *progress) add(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += n
	if p.tell != nil {
		p.tell(p.done, p.total)
	}
}

// pass lets the story's time go on. Transactions see it from the next one on.
func (s *scene) pass(d time.Duration) {
	s.now = s.now.Add(d)
	s.clock.SetOffset(time.Until(s.now))
}

// key is the idempotency key of the next act; acts are counted, so it is the same in every run.
func (s *scene) key() string {
	s.acts++
	return fmt.Sprintf("demo-%s-%07d", s.plan.slug, s.acts)
}

// did names an act that failed.
func did(what string, r act.Result, err error) (act.Result, error) {
	if err != nil {
		return r, fmt.Errorf("demo: %s: %w", what, err)
	}
	return r, nil
}

// found makes the tenant with its administrator, a day before everything else.
func (s *scene) found(ctx context.Context) error {
	s.names = &namer{r: s.random, used: map[string]bool{}}
	s.companies, s.units = map[string]uuid.UUID{}, map[string]unit{}
	s.pass(0)
	admin := &person{member: member{login: "admin", post: "租户管理员", roles: []string{"tenant_admin"}}, name: s.names.person(), password: password("admin")}
	made, err := s.Identity.CreateTenant(ctx, s.IDs, identity.TenantCreate{
		Slug: s.plan.slug, Name: s.plan.name, Company: s.plan.root, Department: "总部", AdminNumber: "000", AdminName: admin.name, AdminLogin: admin.login, AdminPassword: admin.password,
	})
	if err != nil {
		return fmt.Errorf("demo: tenant: %w", err)
	}
	s.tenantID, s.root, s.head = made.Tenant, made.Company, made.Department
	s.companies[""] = made.Company
	admin.staff, admin.account = made.Staff, made.Account
	s.staff["admin"] = admin
	s.order = append(s.order, admin)
	return s.equip(ctx, admin)
}

// signIn opens a session as a person would.
func (s *scene) signIn(ctx context.Context, p *person) (*tenancy.Session, error) {
	opened, err := s.SignIn.SignIn(ctx, signInOf(s.plan.slug, p))
	if err != nil {
		return nil, fmt.Errorf("demo: sign-in of %s: %w", p.login, err)
	}
	return s.authenticate(ctx, opened.Token)
}

func (s *scene) authenticate(ctx context.Context, token string) (*tenancy.Session, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/graphql", nil)
	if err != nil {
		return nil, err
	}
	r.RemoteAddr = "127.0.0.1:0"
	session, err := s.SignIn.Authenticate(ctx, token, r)
	if err != nil {
		return nil, fmt.Errorf("demo: authenticate: %w", err)
	}
	session.RequestID, session.Language = "demo", "zh-CN"
	return session, nil
}

// equip gives a person a token to act with through the year.
func (s *scene) equip(ctx context.Context, p *person) error {
	session, err := s.signIn(ctx, p)
	if err != nil {
		return err
	}
	r, token, err := s.Identity.APITokenIssue(ctx, session, identity.APITokenIssue{Name: "演示历史", ExpiresAt: s.now.Add(365 * 24 * time.Hour)}, s.key())
	if err != nil {
		return fmt.Errorf("demo: token of %s: %w", p.login, err)
	}
	p.seedToken = r.Subject.ID
	p.session, err = s.authenticate(ctx, token)
	return err
}
