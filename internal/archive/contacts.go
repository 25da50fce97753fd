package archive

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	entdb "github.com/clientele/clientele/ent/db"
	"github.com/clientele/clientele/ent/db/contact"
	"github.com/clientele/clientele/internal/act"
	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

const (
	contactActive = "active"
	contactLeft   = "left"
)

// ContactAdd adds a person. A new primary contact takes the place of the former one.
func (s *Service) ContactAdd(ctx context.Context, session *tenancy.Session, in ContactAdd, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.runner.Run(ctx, session, contactAdd, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		c, row, err := LoadRow(ctx, w, in.ClientID, ForChange)
		if err != nil {
			return act.Result{}, err
		}
		if err := requireGroups(w, c.subject(), []policy.Object{policy.ClientContacts}, row); err != nil {
			return act.Result{}, err
		}
		if err := c.open(); err != nil {
			return act.Result{}, err
		}
		p := &entdb.Contact{
			ID: w.IDs.New(), ClientID: c.ID, Name: in.Name, Title: in.Title, Phone: in.Phone, Email: in.Email, Birthday: date(in.Birthday),
			IsPrimary: in.IsPrimary, RefusesCalls: in.RefusesCalls, RefusesMail: in.RefusesMail, State: contactActive, Version: 1,
		}
		if p.IsPrimary {
			if err := endPrimary(ctx, w, c.ID, p.ID); err != nil {
				return act.Result{}, err
			}
		}
		err = w.Ent().Contact.Create().SetID(p.ID).SetTenantID(w.Tenant()).SetClientID(c.ID).SetName(p.Name).SetNillableTitle(p.Title).
			SetNillablePhone(p.Phone).SetNillableEmail(p.Email).SetNillableBirthday(p.Birthday).SetIsPrimary(p.IsPrimary).
			SetRefusesCalls(p.RefusesCalls).SetRefusesMail(p.RefusesMail).SetState(p.State).
			SetCreatedAt(w.Now()).SetNillableCreatedBy(w.Staff()).SetUpdatedAt(w.Now()).SetNillableUpdatedBy(w.Staff()).Exec(ctx)
		if err != nil {
			return act.Result{}, fmt.Errorf("archive: insert contact: %w", err)
		}
		return contactResult(p, nil), nil
	})
}

// ContactChange changes what is given. INVALID_STATE CONTACT_LEFT: who has left is kept as he was.
func (s *Service) ContactChange(ctx context.Context, session *tenancy.Session, in ContactChange, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.changeContact(ctx, session, contactChange, key, in, in.ContactTarget, func(p *entdb.Contact) {
		changeTo(&p.Name, in.Name)
		change(&p.Title, in.Title)
		change(&p.Phone, in.Phone)
		change(&p.Email, in.Email)
		in.Birthday.Value = date(in.Birthday.Value)
		change(&p.Birthday, in.Birthday)
		changeTo(&p.IsPrimary, in.IsPrimary)
		changeTo(&p.RefusesCalls, in.RefusesCalls)
		changeTo(&p.RefusesMail, in.RefusesMail)
	})
}

// ContactLeave marks a contact as gone; he is no longer the primary one.
func (s *Service) ContactLeave(ctx context.Context, session *tenancy.Session, in ContactLeave, key string) (act.Result, error) {
	if err := in.Validate(); err != nil {
		return act.Result{}, err
	}
	return s.changeContact(ctx, session, contactLeave, key, in, in.ContactTarget, func(p *entdb.Contact) {
		p.State, p.IsPrimary = contactLeft, false
	})
}

func (s *Service) changeContact(ctx context.Context, session *tenancy.Session, spec act.Spec, key string, in any, t ContactTarget, apply func(*entdb.Contact)) (act.Result, error) {
	return s.runner.Run(ctx, session, spec, key, in, func(ctx context.Context, w *act.Work) (act.Result, error) {
		before, c, row, err := s.contact(ctx, w, t.ContactID)
		if err != nil {
			return act.Result{}, err
		}
		// SECURITY: a contact is not there for those who may not see any of it, though they may see its client.
		if access := w.Rights; access != nil {
			if seen, _ := access.Field(policy.ClientContacts, &row); seen == policy.Hidden && !access.Decide(policy.ClientContacts, policy.Write, &row).Allow {
				return act.Result{}, w.Absent("Contact", t.ContactID)
			}
		}
		subject := act.Subject{Type: "Contact", ID: before.ID, Version: before.Version}
		if err := requireGroups(w, subject, []policy.Object{policy.ClientContacts}, row); err != nil {
			return act.Result{}, err
		}
		if err := version(t.ExpectedVersion, before.Version); err != nil {
			return act.Result{}, err
		}
		if err := c.open(); err != nil {
			return act.Result{}, err
		}
		if before.State == contactLeft {
			return act.Result{}, fault.State("CONTACT_LEFT", fault.Text{ZH: "该联系人已离任", EN: "the contact has left"},
				fault.Text{ZH: "请新增联系人", EN: "add a new contact"})
		}
		after := *before
		apply(&after)
		changes := contactChanges(before, &after)
		if len(changes) == 0 {
			return contactResult(before, nil), nil
		}
		if after.IsPrimary && !before.IsPrimary {
			if err := endPrimary(ctx, w, c.ID, after.ID); err != nil {
				return act.Result{}, err
			}
		}
		after.Version++
		saveContact(w, before, &after)
		return contactResult(&after, changes), nil
	})
}

// lockedContact: the client is locked already, so nobody else is changing its contacts.
func lockedContact(ctx context.Context, w *act.Work, contactID uuid.UUID) (*entdb.Contact, error) {
	p, err := w.Ent().Contact.Query().Where(contact.TenantID(w.Tenant()), contact.ID(contactID)).Only(ctx)
	if err != nil {
		return nil, fmt.Errorf("archive: load contact: %w", err)
	}
	return p, nil
}

// saveContact goes out with COMMIT: the client is locked, and its other contacts have made room for a primary one.
func saveContact(w *act.Work, before, p *entdb.Contact) {
	u := w.ChangeRow(contact.Table, p.ID, before.Version)
	u.Set(contact.FieldUpdatedAt, w.Now())
	put(u, contact.FieldUpdatedBy, before.UpdatedBy, w.Staff())
	set(u, contact.FieldName, before.Name, p.Name)
	set(u, contact.FieldState, before.State, p.State)
	set(u, contact.FieldIsPrimary, before.IsPrimary, p.IsPrimary)
	set(u, contact.FieldRefusesCalls, before.RefusesCalls, p.RefusesCalls)
	set(u, contact.FieldRefusesMail, before.RefusesMail, p.RefusesMail)
	put(u, contact.FieldTitle, before.Title, p.Title)
	put(u, contact.FieldPhone, before.Phone, p.Phone)
	put(u, contact.FieldEmail, before.Email, p.Email)
	put(u, contact.FieldBirthday, before.Birthday, p.Birthday)
	sql, args := u.Statement()
	w.Later(sql, args...)
}

// endPrimary makes room for another primary contact.
func endPrimary(ctx context.Context, w *act.Work, clientID, except uuid.UUID) error {
	_, err := w.Exec(ctx, `UPDATE contacts SET is_primary = false, version = version + 1, updated_at = $4, updated_by = $5
		WHERE tenant_id = $1 AND client_id = $2 AND id <> $3 AND is_primary AND state = 'active'`, w.Tenant(), clientID, except, w.Now(), w.Staff())
	if err != nil {
		return fmt.Errorf("archive: primary contact: %w", err)
	}
	return nil
}

// contactChanges names the fields that differ; their values are the contact's own, and no part of the audit trail.
func contactChanges(a, b *entdb.Contact) []act.Change {
	var out []act.Change
	for _, f := range []struct {
		name  string
		equal bool
	}{
		{"name", a.Name == b.Name},
		{"title", same(a.Title, b.Title)},
		{"phone", same(a.Phone, b.Phone)},
		{"email", same(a.Email, b.Email)},
		{"birthday", same(day(a.Birthday), day(b.Birthday))},
		{"isPrimary", a.IsPrimary == b.IsPrimary},
		{"refusesCalls", a.RefusesCalls == b.RefusesCalls},
		{"refusesMail", a.RefusesMail == b.RefusesMail},
		{"state", a.State == b.State},
	} {
		if !f.equal {
			out = append(out, act.Change{Field: f.name})
		}
	}
	return out
}
