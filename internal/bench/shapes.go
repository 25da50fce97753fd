package main

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/clientele/clientele/internal/id"
)

// shape is one operation: the document that the product is sent, and the name that the floor knows it by.
type shape struct {
	key      string // of the floor
	title    string
	document string
	requests int // of a round
	writes   bool
}

func shapes() []shape {
	return []shape{
		{key: "client", title: "client by id, contacts, contracts, obligations", requests: 1000, document: `query Client($id: ID!) {
  client(id: $id) {
    id code name kinds stage grade region address phone updatedAt
    owner { id name }
    contacts(first: 10) { nodes { id name title phone email isPrimary } }
    contracts(first: 10) { nodes { id number title state startsOn endsOn amount { amount currency }
      obligations(first: 10) { nodes { id title dueOn state amount { amount currency } } } } }
  }
}`},
		{key: "page", title: "page of 50, owner, 3 contacts, 2 contracts", requests: 300, document: `query Page {
  clients(first: 50) {
    nodes { id code name grade stage updatedAt
      owner { id name }
      contacts(first: 3) { nodes { id name phone isPrimary } }
      contracts(first: 2) { nodes { id number title state amount { amount currency } } } }
    pageInfo { hasNextPage }
  }
}`},
		{key: "list", title: "filtered, ordered list of 20 with count", requests: 200, document: `query List($grade: ClientGrade!) {
  clients(first: 20, filter: {grades: [$grade], stages: [TRADING]}, orderBy: {field: NAME, direction: ASC}) {
    totalCount { value capped }
    nodes { id code name grade stage region updatedAt owner { id name } }
    pageInfo { hasNextPage }
  }
}`},
		{key: "change", title: "change of a client's profile", requests: 1600, writes: true, document: `mutation Change($client: ID!, $version: BigInt!, $address: String, $key: String!) {
  clientChangeProfile(input: {clientId: $client, expectedVersion: $version, profile: {address: $address}, source: "来访"}, idempotencyKey: $key) {
    client { id name address version updatedAt }
    userErrors { code message field }
  }
}`},
		{key: "viewer", title: "sign-in check", requests: 2000, document: `query Viewer { viewer { account { id login } } }`},
	}
}

// may tells whether the role may do what the shape asks for: the general manager changes no archive.
func (s *shape) may(r role) bool { return !s.writes || r.key != "general_manager" }

// source makes the requests of one shape for one role: the same sequence for both sides.
type source struct {
	shape   *shape
	clients []string // ids that the role may read and, for writes, change
	mu      sync.Mutex
	version map[string]int64
}

func newSource(s *shape, clients []int64) *source {
	src := &source{shape: s, version: map[string]int64{}}
	for _, n := range clients {
		c := id.Encode(id.Client, rowID(1, ofClient, n))
		src.clients = append(src.clients, c)
	}
	return src
}

// variables of request n. A worker n modulo connections has clients of its own, so that no two writes meet in a row.
func (src *source) variables(n int, unique string) (vars map[string]any, client string) {
	switch src.shape.key {
	case "client":
		return map[string]any{"id": src.clients[n%len(src.clients)]}, ""
	case "list":
		return map[string]any{"grade": []string{"VIP", "A", "B", "C"}[n%4]}, ""
	case "change":
		each := len(src.clients) / connections
		client = src.clients[n%connections*each+n/connections%each]
		src.mu.Lock()
		defer src.mu.Unlock()
		return map[string]any{"client": client, "version": fmt.Sprint(max(src.version[client], 1)), "address": "上海市张江路 " + unique, "key": "bench-" + unique}, client
	}
	return map[string]any{}, ""
}

// changed notes the version that a write has led to.
func (src *source) changed(client string, version int64) {
	src.mu.Lock()
	defer src.mu.Unlock()
	src.version[client] = version
}

// body of a request to a side.
func (src *source) body(side string, vars map[string]any) ([]byte, error) {
	if side == "floor" {
		return json.Marshal(map[string]any{"operation": src.shape.key, "variables": vars})
	}
	return json.Marshal(map[string]any{"query": src.shape.document, "variables": vars})
}
