package main

import (
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/id"
)

// with gives the parameters of a statement: the tenant, what is asked for, and what the role's rights compare with.
func (q *queries) with(a *actor, asked ...any) []any {
	args := append(make([]any, 0, 3), a.tenant)
	args = append(args, asked...)
	if q.scoped {
		if a.role == "kam_manager" {
			return append(args, a.departments)
		}
		return append(args, a.staff)
	}
	return args
}

type contract struct {
	id                   uuid.UUID
	number, title, state string
	starts, ends         *time.Time
	amount               *int64
	currency             *string
}

type obligation struct {
	contract, id uuid.UUID
	title, state string
	due          time.Time
	amount       *int64
	currency     *string
}

// client answers in one round trip: everything is found by the client's id.
func (f *floor) client(t *transaction, q *queries, c *call, out []byte) ([]byte, error) {
	key0, err := id.Parse(id.Client, c.Variables.ID)
	if err != nil {
		return out, err
	}
	var o openings
	b := t.begin(beginOpen)
	b.Queue(q.client, q.with(t.actor, key0)...)
	b.Queue(q.contacts, q.with(t.actor, key0)...)
	b.Queue(q.contracts, q.with(t.actor, key0)...)
	b.Queue(q.obligations, q.with(t.actor, key0)...)
	err = t.send(b, func(br pgx.BatchResults) error {
		found := false
		rows, _ := br.Query()
		var client, owner uuid.UUID
		_ = owner
		var code, name, stage string
		var kinds []string
		var grade, region, address, phone, ownerName *string
		var ownerID *uuid.UUID
		var updated time.Time
		for rows.Next() {
			found = true
			if err := rows.Scan(&client, &code, &name, &kinds, &stage, &grade, &region, &address, &phone, &updated, &ownerID, &ownerName); err != nil {
				return err
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
		if !found {
			out = append(out, `{"data":{"client":null}}`...)
			return nil
		}
		o.add("read", "Client", client)
		out = append(out, `{"data":{"client":{`...)
		out = textIn(textIn(idIn(out, id.Client, client), "code", code), "name", name)
		out = append(key(out, "kinds"), '[')
		for _, k := range kinds {
			out = quoted(next(out), k)
		}
		out = append(out, ']')
		out = maybeIn(maybeIn(maybeIn(maybeIn(upperIn(out, "stage", stage), "grade", grade), "region", region), "address", address), "phone", phone)
		out = ownerIn(timeIn(out, "updatedAt", updated), ownerID, ownerName)
		out = append(key(out, "contacts"), `{"nodes":[`...)
		rows, _ = br.Query()
		for rows.Next() {
			var who uuid.UUID
			var name string
			var title, phone, email *string
			var primary bool
			if err := rows.Scan(&who, &name, &title, &phone, &email, &primary); err != nil {
				return err
			}
			out = textIn(idIn(append(next(out), '{'), id.Contact, who), "name", name)
			out = append(boolIn(maybeIn(maybeIn(maybeIn(out, "title", title), "phone", phone), "email", email), "isPrimary", primary), '}')
		}
		if err := rows.Err(); err != nil {
			return err
		}
		out = append(out, "]}"...)
		var contracts []contract
		rows, _ = br.Query()
		for rows.Next() {
			var x contract
			if err := rows.Scan(&x.id, &x.number, &x.title, &x.state, &x.starts, &x.ends, &x.amount, &x.currency); err != nil {
				return err
			}
			contracts = append(contracts, x)
			if x.amount != nil {
				o.add("reveal", "Contract", x.id)
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
		var obligations []obligation
		rows, _ = br.Query()
		for rows.Next() {
			var x obligation
			if err := rows.Scan(&x.contract, &x.id, &x.title, &x.due, &x.state, &x.amount, &x.currency); err != nil {
				return err
			}
			obligations = append(obligations, x)
			if x.amount != nil {
				o.add("reveal", "Obligation", x.id)
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
		out = append(contractsIn(out, contracts, obligations), "}}}"...)
		return nil
	})
	if err != nil {
		return out, err
	}
	return out, f.opened(t, &o)
}

func contractsIn(out []byte, contracts []contract, obligations []obligation) []byte {
	out = append(key(out, "contracts"), `{"nodes":[`...)
	for i := range contracts {
		x := &contracts[i]
		out = upperIn(textIn(textIn(idIn(append(next(out), '{'), id.Contract, x.id), "number", x.number), "title", x.title), "state", x.state)
		out = amountIn(dateIn(dateIn(out, "startsOn", x.starts), "endsOn", x.ends), x.amount, x.currency)
		out = append(key(out, "obligations"), `{"nodes":[`...)
		for j := range obligations {
			y := &obligations[j]
			if y.contract != x.id {
				continue
			}
			out = textIn(idIn(append(next(out), '{'), id.Obligation, y.id), "title", y.title)
			out = append(amountIn(upperIn(dateIn(out, "dueOn", &y.due), "state", y.state), y.amount, y.currency), '}')
		}
		out = append(out, "]}}"...)
	}
	return append(out, "]}"...)
}

type listed struct {
	id         uuid.UUID
	code, name string
	grade      *string
	stage      string
	region     *string
	updated    time.Time
	owner      *uuid.UUID
	ownerName  *string
}

func (x *listed) in(out []byte, withRegion bool) []byte {
	out = textIn(textIn(idIn(out, id.Client, x.id), "code", x.code), "name", x.name)
	out = upperIn(maybeIn(out, "grade", x.grade), "stage", x.stage)
	if withRegion {
		out = maybeIn(out, "region", x.region)
	}
	return ownerIn(timeIn(out, "updatedAt", x.updated), x.owner, x.ownerName)
}

// page answers in two round trips: the clients, then what belongs to them.
func (f *floor) page(t *transaction, q *queries, out []byte) ([]byte, error) {
	var o openings
	b := t.begin(beginOpen)
	b.Queue(q.page, q.with(t.actor)...)
	clients := make([]listed, 0, 51)
	err := t.send(b, func(br pgx.BatchResults) error {
		rows, _ := br.Query()
		for rows.Next() {
			var x listed
			if err := rows.Scan(&x.id, &x.code, &x.name, &x.grade, &x.stage, &x.updated, &x.owner, &x.ownerName); err != nil {
				return err
			}
			clients = append(clients, x)
		}
		return rows.Err()
	})
	if err != nil {
		return out, err
	}
	more := len(clients) > 50
	if more {
		clients = clients[:50]
	}
	ids := make([]uuid.UUID, len(clients))
	for i := range clients {
		ids[i] = clients[i].id
	}
	type contact struct {
		of      int64
		id      uuid.UUID
		name    string
		phone   *string
		primary bool
	}
	type deal struct {
		of int64
		contract
	}
	contacts, deals := make([]contact, 0, 150), make([]deal, 0, 100)
	b = &pgx.Batch{}
	b.Queue(q.pageContacts, t.actor.tenant, ids)
	b.Queue(q.pageContracts, q.with(t.actor, ids)...)
	err = t.send(b, func(br pgx.BatchResults) error {
		rows, _ := br.Query()
		for rows.Next() {
			var x contact
			if err := rows.Scan(&x.of, &x.id, &x.name, &x.phone, &x.primary); err != nil {
				return err
			}
			contacts = append(contacts, x)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		rows, _ = br.Query()
		for rows.Next() {
			var x deal
			if err := rows.Scan(&x.of, &x.id, &x.number, &x.title, &x.state, &x.amount, &x.currency); err != nil {
				return err
			}
			deals = append(deals, x)
			if x.amount != nil {
				o.add("reveal", "Contract", x.id)
			}
		}
		return rows.Err()
	})
	if err != nil {
		return out, err
	}
	if err := f.opened(t, &o); err != nil {
		return out, err
	}
	out = append(out, `{"data":{"clients":{"nodes":[`...)
	c, d := 0, 0
	for i := range clients {
		out = clients[i].in(append(next(out), '{'), false)
		out = append(key(out, "contacts"), `{"nodes":[`...)
		for ; c < len(contacts) && contacts[c].of == int64(i+1); c++ {
			x := &contacts[c]
			out = append(boolIn(maybeIn(textIn(idIn(append(next(out), '{'), id.Contact, x.id), "name", x.name), "phone", x.phone), "isPrimary", x.primary), '}')
		}
		out = append(out, "]}"...)
		out = append(key(out, "contracts"), `{"nodes":[`...)
		for ; d < len(deals) && deals[d].of == int64(i+1); d++ {
			x := &deals[d]
			out = textIn(textIn(idIn(append(next(out), '{'), id.Contract, x.id), "number", x.number), "title", x.title)
			out = append(amountIn(upperIn(out, "state", x.state), x.amount, x.currency), '}')
		}
		out = append(out, "]}}"...)
	}
	return append(boolIn(append(out, `],"pageInfo":{`...), "hasNextPage", more), "}}}}"...), nil
}

func (f *floor) list(t *transaction, q *queries, c *call, out []byte) ([]byte, error) {
	b := t.begin(beginRead)
	b.Queue(q.list, q.with(t.actor, c.Variables.Grade)...)
	b.Queue(q.count, q.with(t.actor, c.Variables.Grade)...)
	b.Queue("commit")
	clients := make([]listed, 0, 21)
	var count int64
	err := t.send(b, func(br pgx.BatchResults) error {
		rows, _ := br.Query()
		for rows.Next() {
			var x listed
			if err := rows.Scan(&x.id, &x.code, &x.name, &x.grade, &x.stage, &x.region, &x.updated, &x.owner, &x.ownerName); err != nil {
				return err
			}
			clients = append(clients, x)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		return br.QueryRow().Scan(&count)
	})
	if err != nil {
		return out, err
	}
	more := len(clients) > 20
	if more {
		clients = clients[:20]
	}
	out = append(out, `{"data":{"clients":{"totalCount":{`...)
	out = strconv.AppendInt(key(out, "value"), min(count, 1_000), 10)
	out = append(boolIn(out, "capped", count > 1_000), `},"nodes":[`...)
	for i := range clients {
		out = append(clients[i].in(append(next(out), '{'), true), '}')
	}
	return append(boolIn(append(out, `],"pageInfo":{`...), "hasNextPage", more), "}}}}"...), nil
}

func (f *floor) viewer(t *transaction, out []byte) ([]byte, error) {
	b := t.begin(beginRead)
	b.Queue(`SELECT login FROM accounts WHERE tenant_id = $1 AND id = $2`, t.actor.tenant, t.actor.account)
	b.Queue("commit")
	var login string
	err := t.send(b, func(br pgx.BatchResults) error { return br.QueryRow().Scan(&login) })
	if err != nil {
		return out, err
	}
	out = append(out, `{"data":{"viewer":{"account":{`...)
	return append(textIn(idIn(out, id.Account, t.actor.account), "login", login), "}}}}"...), nil
}
