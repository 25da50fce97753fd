package limit_test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"
	"pgregory.net/rapid"

	"github.com/clientele/clientele/graph/limit"
	"github.com/clientele/clientele/internal/fault"
)

const sdl = `
type Query { a: A as(first: Int, last: Int): AConnection! pages(first: Int = 7): AConnection! list: [A!] nodes(ids: [ID!]!): [A] find(in: In): A }
type A { name: String a: A as(first: Int, last: Int): AConnection! }
type AConnection { edges: [AEdge!]! nodes: [A!]! totalCount(limit: CountLimit! = THOUSAND): Count! pageInfo: PageInfo! }
type AEdge { cursor: String! node: A! }
type Count { value: Int! }
enum CountLimit { THOUSAND TEN_THOUSAND }
type PageInfo { hasNextPage: Boolean! }
input In { in: In list: [String!] }
type DoPayload { a: A }
type Mutation { do: DoPayload! }
type Subscription { a: A }`

func load(t testing.TB) *ast.Schema {
	t.Helper()
	s, err := gqlparser.LoadSchema(&ast.Source{Input: sdl})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func price(t testing.TB, l limit.Limits, s *ast.Schema, query string, vars map[string]any) (int, error) {
	t.Helper()
	doc, err := l.Parse(query)
	if err != nil {
		t.Fatal(err)
	}
	if errs := validator.ValidateWithRules(s, doc, nil); len(errs) > 0 {
		t.Fatal(errs)
	}
	return l.Price(s, doc, doc.Operations[0], vars)
}

func TestPrice(t *testing.T) {
	t.Parallel()
	s, l := load(t), limit.Default()
	for query, want := range map[string]int{
		"{ __typename }":                                                     1,
		"{ a { name } }":                                                     1,
		"{ a { a { a { name } } } }":                                         3,
		"{ list { name } }":                                                  10,
		"{ as(first: 5) { nodes { name } } }":                                1 + 5,
		"{ as(last: 5) { edges { cursor node { name } } } }":                 1 + 5,
		"{ as { nodes { name } } }":                                          1 + 20,
		"{ pages { nodes { name } } }":                                       1 + 7,
		"{ as(first: null) { nodes { name } } }":                             1 + 20,
		"{ as(first: 5) { totalCount { value } pageInfo { hasNextPage } } }": 1 + 10,
		"{ as { totalCount(limit: TEN_THOUSAND) { value } } }":               1 + 100,
		"{ as(first: 5) { nodes { as(first: 3) { nodes { name } } } } }":     1 + 5*(1+1+3),
		"{ as(first: 5) { ...F } } fragment F on AConnection { nodes { ...G a { ...G } } } fragment G on A { a { name } }": 1 + 5*(1+1+1+1),
		`{ nodes(ids: ["1", "2", "3"]) { a { name } } }`:                                                                   3 * 2,
		"mutation { do { a { name } } }":                                                                                   10 + 1,
		"subscription { a { name } }":                                                                                      5 + 1,
	} {
		if got, err := price(t, l, s, query, nil); err != nil || got != want {
			t.Errorf("%s: %d %v, want %d", query, got, err, want)
		}
	}
	for vars, want := range map[int]int{1: 2, 100: 101} {
		if got, err := price(t, l, s, "query($n: Int) { as(first: $n) { nodes { name } } }", map[string]any{"n": int64(vars)}); err != nil || got != want {
			t.Errorf("$n = %d: %d %v", vars, got, err)
		}
	}
	for query, reason := range map[string]string{
		"{ as(first: 101) { nodes { name } } }":                                "PAGE",
		"{ as(first: 100) { nodes { as(first: 100) { nodes { name } } } } }":   "COST",
		"{ find(in: {list: [" + strings.Repeat(`"x",`, 251) + "]}) { name } }": "LIST",
	} {
		_, err := price(t, l, s, query, nil)
		if list, ok := fault.As(err); !ok || list[0].Reason != reason || list[0].Code != fault.LimitExceeded || list[0].Current["limit"] == nil {
			t.Errorf("%.60s: %v", query, err)
		}
	}
}

// What is kept of prices changes none, whatever is asked in whatever order: neither a price nor a refusal.
func TestPricesThatAreKept(t *testing.T) {
	t.Parallel()
	s, l := load(t), limit.Default()
	l.IDs, l.InputList = 3, 3
	few, many := []any{"1", "2"}, []any{"1", "2", "3", "4"}
	for query, asked := range map[string][]map[string]any{
		"{ as(first: 5) { nodes { name } } }": {nil, {}},
		"query($n: Int, $m: Int) { as(first: $n) { nodes { as(last: $m) { nodes { name } } } } }": {
			{"n": int64(3)}, {"n": int64(3), "m": json.Number("4")}, {"m": int64(4)}, {"n": int64(4), "m": int64(3)}, {"n": int64(101)}, {"n": int64(100), "m": int64(100)}, {"n": nil},
		},
		"query($n: Int) { a { ...F } } fragment F on A { as(first: $n) { nodes { name } } }": {{"n": int64(3)}, {"n": int64(7)}, {}},
		"query($ids: [ID!]!) { nodes(ids: $ids) { name } }":                                  {{"ids": few}, {"ids": few[:1]}, {"ids": many}, {"ids": []any{}}},
		"query($l: CountLimit!) { as { totalCount(limit: $l) { value } } }":                  {{"l": "THOUSAND"}, {"l": "TEN_THOUSAND"}, {"l": "THOUSAND"}},
		"query($l: CountLimit! = TEN_THOUSAND) { as { totalCount(limit: $l) { value } } }":   {{"l": "THOUSAND"}, {"l": "TEN_THOUSAND"}, {}},
		"query($id: ID!) { nodes(ids: [$id, $id]) { name } }":                                {{"id": "1"}, {"id": "2"}},
		"query($in: In) { find(in: $in) { name } }":                                          {{"in": map[string]any{"list": few}}, {"in": map[string]any{"list": many}}, {"in": nil}},
		"query($l: [String!]) { find(in: {list: $l}) { name } }":                             {{"l": few}, {"l": many}, {"l": few}},
	} {
		doc, err := l.Parse(query)
		if err != nil {
			t.Fatal(err)
		}
		if errs := validator.ValidateWithRules(s, doc, nil); len(errs) > 0 {
			t.Fatal(errs)
		}
		kept := limit.NewPrices(doc, doc.Operations[0])
		for range 3 {
			for _, vars := range asked {
				want, refused := l.Price(s, doc, doc.Operations[0], vars)
				got, err := kept.Price(l, s, doc, doc.Operations[0], vars)
				if (err == nil) != (refused == nil) || err == nil && got != want || err != nil && err.Error() != refused.Error() {
					t.Errorf("%s %v: %d %v, want %d %v", query, vars, got, err, want, refused)
				}
			}
		}
	}
}

// Whatever the document, its price is found in a time linear in it and never negative.
func TestPriceOfDeepFragmentsSaturates(t *testing.T) {
	t.Parallel()
	s, l := load(t), limit.Default()
	var b strings.Builder
	b.WriteString("{ a { ...F0 } }")
	for i := range 60 {
		n := string(rune('0'+(i+1)/10)) + string(rune('0'+(i+1)%10))
		m := string(rune('0'+i/10)) + string(rune('0'+i%10))
		if i == 0 {
			m = "0"
		}
		b.WriteString(" fragment F" + m + " on A { x: as(first: 100) { nodes { ...F" + n + " } } y: as(first: 99) { nodes { ...F" + n + " } } }")
	}
	b.WriteString(" fragment F60 on A { name }")
	got, err := price(t, l, s, b.String(), nil)
	if err == nil || got != 1<<30 {
		t.Fatalf("%d %v", got, err)
	}
}

func TestBuckets(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	now := at
	b := limit.NewBuckets[string](10, 2, 2, func() time.Time { return now })
	take := func(key string, points int, ok bool, remaining int, retry time.Duration) {
		t.Helper()
		if s := b.Take(key, points); s.OK != ok || s.Remaining != remaining || s.Retry != retry {
			t.Fatalf("%+v", s)
		}
	}
	take("a", 6, true, 4, 0)
	take("a", 6, false, 4, time.Second) // 12 points: two too many, two a second
	take("b", 10, true, 0, 0)
	now = at.Add(time.Second)
	take("a", 6, true, 0, 0)
	take("c", 4, true, 6, 0) // no room for a third key: the shared bucket
	take("d", 7, false, 6, 500*time.Millisecond)
	now = at.Add(time.Hour)
	take("d", 10, true, 0, 0)
	if b.Len() != 1 {
		t.Fatalf("%d keys are kept", b.Len())
	}
}

func TestBucketsNeverGiveMoreThanTheyLeak(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(0, 0)
		b := limit.NewBuckets[int](50, 5, 100, func() time.Time { return now })
		given := 0
		for range rapid.IntRange(1, 60).Draw(t, "n") {
			now = now.Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, "ms")) * time.Millisecond)
			if p := rapid.IntRange(0, 40).Draw(t, "points"); b.Take(1, p).OK {
				given += p
			}
		}
		if most := 50 + 5*now.Sub(time.Unix(0, 0)).Seconds(); float64(given) > most+1e-6 {
			t.Fatalf("gave %d, at most %f", given, most)
		}
	})
}

func TestBucketsAreSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	at := time.Unix(0, 0)
	b := limit.NewBuckets[int](1000, 1, 10, func() time.Time { return at })
	var mu sync.Mutex
	given := 0
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 300 {
				if b.Take(1, 1).OK {
					mu.Lock()
					given++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if given != 1000 {
		t.Fatalf("gave %d of 1000", given)
	}
}
