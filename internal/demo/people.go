package demo

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/authn"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/identity"
	"github.com/clientele/clientele/internal/organisation"
)

func signInOf(slug string, p *person) authn.SignIn {
	return authn.SignIn{Tenant: slug, Login: p.login, Password: p.password, Address: "127.0.0.1", UserAgent: "clientele demo"}
}

// organise opens companies and departments.
func (s *scene) organise(ctx context.Context) error {
	admin := s.staff["admin"].session
	for _, d := range s.plan.departments {
		s.pass(time.Minute)
		if _, there := s.companies[d.company]; !there {
			code, head := s.names.creditCode(), s.names.person()
			r, err := s.Organisation.CompanyOpen(ctx, admin, organisation.CompanyOpen{Name: d.company, Parent: &s.root, UnifiedCreditCode: &code, LegalRepresentative: &head}, s.key())
			if r, err = did("company "+d.company, r, err); err != nil {
				return err
			}
			s.companies[d.company] = r.Subject.ID
		}
		in := organisation.DepartmentOpen{Company: s.companies[d.company], Name: d.name, Kind: d.kind}
		if d.parent != "" {
			parent := s.units[d.parent].id
			in.Parent = &parent
		}
		r, err := s.Organisation.DepartmentOpen(ctx, admin, in, s.key())
		if r, err = did("department "+d.name, r, err); err != nil {
			return err
		}
		s.units[d.key] = unit{s.companies[d.company], r.Subject.ID}
	}
	return nil
}

// people hires everybody, gives them accounts and roles; each signs in and sets a password.
func (s *scene) people(ctx context.Context) error {
	posts := map[string]uuid.UUID{}
	for _, m := range s.plan.people {
		s.pass(2 * time.Minute)
		if err := s.hire(ctx, m, posts); err != nil {
			return err
		}
	}
	for _, a := range s.plan.apps {
		s.pass(2 * time.Minute)
		if err := s.app(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

func (s *scene) hire(ctx context.Context, m member, posts map[string]uuid.UUID) error {
	admin := s.staff["admin"].session
	place := s.units[m.department]
	post, there := posts[m.department+m.post]
	if !there {
		duties := "负责本岗位的日常工作。（演示）"
		r, err := s.Organisation.PositionCreate(ctx, admin, organisation.PositionCreate{Department: place.id, Title: m.post, Duties: &duties}, s.key())
		if r, err = did("position "+m.post, r, err); err != nil {
			return err
		}
		post = r.Subject.ID
		posts[m.department+m.post] = post
	}
	s.numbers++
	p := &person{member: m, name: s.names.person(), password: password(m.login)}
	phone, mail := s.names.mobile(), m.login+"@"+s.plan.slug+".example"
	in := organisation.StaffHire{Number: fmt.Sprintf("%03d", s.numbers), Name: p.name, Phone: &phone, Email: &mail, Department: place.id, Position: &post}
	if m.superior != "" {
		in.Superior = &s.staff[m.superior].staff
	}
	r, err := s.Organisation.StaffHire(ctx, admin, in, s.key())
	if r, err = did("staff "+m.login, r, err); err != nil {
		return err
	}
	p.staff, p.version = r.Subject.ID, r.Subject.Version
	first := password(m.login)
	r, err = s.Identity.AccountCreate(ctx, admin, identity.AccountCreate{Staff: &p.staff, Login: m.login, Password: &first}, s.key())
	if r, err = did("account "+m.login, r, err); err != nil {
		return err
	}
	p.account = r.Subject.ID
	if err := s.bind(ctx, p.account, m.roles); err != nil {
		return err
	}
	s.staff[m.login] = p
	s.order = append(s.order, p)
	return s.firstSignIn(ctx, p, first)
}

// password is a random one that does not happen to hold the login, which would be refused.
func password(login string) string {
	for {
		if p := rand.Text(); !strings.Contains(strings.ToLower(p), login) {
			return p
		}
	}
}

// firstSignIn changes the password that the administrator set, as everybody must.
func (s *scene) firstSignIn(ctx context.Context, p *person, first string) error {
	chosen := p.password
	p.password = first
	session, err := s.signIn(ctx, p)
	p.password = chosen
	if err != nil {
		return err
	}
	r, err := s.Identity.AccountChangePassword(ctx, session, identity.AccountChangePassword{Current: &first, New: chosen}, s.key())
	if _, err = did("password of "+p.login, r, err); err != nil {
		return err
	}
	return s.equip(ctx, p)
}

func (s *scene) bind(ctx context.Context, account uuid.UUID, roles []string) error {
	for _, role := range roles {
		r, err := s.Identity.RoleBind(ctx, s.staff["admin"].session, identity.RoleBind{Account: account, RoleKey: role}, s.key())
		if r, err = did("role "+role, r, err); err != nil {
			return err
		}
		manager, there := s.staff["gm"]
		if !there {
			continue // the first general manager, who needs nobody's endorsement
		}
		e, err := s.Identity.RoleEndorse(ctx, manager.session, identity.RoleEndorse{Binding: r.Subject.ID, ExpectedVersion: r.Subject.Version}, s.key())
		if list, _ := fault.As(err); len(list) == 1 && list[0].Reason == "NOT_WAITING" {
			continue
		}
		if _, err = did("endorsement of "+role, e, err); err != nil {
			return err
		}
	}
	return nil
}

func (s *scene) app(ctx context.Context, a app) error {
	r, err := s.Identity.AccountCreate(ctx, s.staff["admin"].session, identity.AccountCreate{DisplayName: &a.name, Login: a.login}, s.key())
	if r, err = did("app "+a.login, r, err); err != nil {
		return err
	}
	p := &person{member: member{login: a.login, roles: a.roles}, name: a.name, account: r.Subject.ID}
	s.order = append(s.order, p)
	return s.bind(ctx, p.account, a.roles)
}

// present brings the story to its end: tokens for those who look at it, those of the story revoked.
func (s *scene) present(ctx context.Context) error {
	s.pass(time.Until(s.until) - time.Until(s.now))
	admin, err := s.signIn(ctx, s.staff["admin"])
	if err != nil {
		return err
	}
	for _, p := range s.order {
		session, holder := admin, &p.account
		if p.session != nil {
			if session, err = s.signIn(ctx, p); err != nil {
				return err
			}
			holder = nil
		}
		_, token, err := s.Identity.APITokenIssue(ctx, session, identity.APITokenIssue{Account: holder, Name: "演示", ExpiresAt: s.now.Add(365 * 24 * time.Hour)}, s.key())
		if err != nil {
			return fmt.Errorf("demo: token of %s: %w", p.login, err)
		}
		p.token = token
		if p.session == nil {
			continue
		}
		r, err := s.Identity.APITokenRevoke(ctx, session, identity.APITokenRevoke{Token: p.seedToken}, s.key())
		if _, err = did("end of the story's token", r, err); err != nil {
			return err
		}
		if err := s.SignIn.SignOut(ctx, session); err != nil {
			return fmt.Errorf("demo: sign-out of %s: %w", p.login, err)
		}
	}
	return nil
}

func (s *scene) tenant() Tenant {
	t := Tenant{Slug: s.plan.slug, Name: s.plan.name}
	for _, p := range s.order {
		t.Actors = append(t.Actors, Actor{Login: p.login, Name: p.name, Roles: p.roles, Token: p.token, Password: p.password})
	}
	return t
}
