package fault_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clientele/clientele/internal/fault"
)

func TestAsFindsFaultsInAChain(t *testing.T) {
	t.Parallel()
	one := fault.NotFound("Client")
	list := fault.List{fault.Invalid("input.a", "A", fault.Text{EN: "a"}, fault.Text{}), fault.Stale(3)}
	for name, c := range map[string]struct {
		err  error
		want fault.List
		ok   bool
	}{
		"nil":          {nil, nil, false},
		"foreign":      {io.EOF, nil, false},
		"single":       {one, fault.List{one}, true},
		"wrapped":      {fmt.Errorf("outer: %w", one), fault.List{one}, true},
		"list":         {list, list, true},
		"wrapped list": {fmt.Errorf("outer: %w", list), list, true},
		"empty list":   {fault.List{}, nil, false},
	} {
		got, ok := fault.As(c.err)
		if ok != c.ok || len(got) != len(c.want) {
			t.Fatalf("%s: got %v %v, want %v %v", name, got, ok, c.want, c.ok)
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: member %d differs", name, i)
			}
		}
	}
}

func TestErrOfAnEmptyListIsNil(t *testing.T) {
	t.Parallel()
	if err := (fault.List{}).Err(); err != nil {
		t.Fatalf("got %v", err)
	}
	if err := (fault.List{fault.SignIn()}).Err(); fault.CodeOf(err) != fault.Unauthenticated {
		t.Fatalf("got %v", err)
	}
}

func TestCopiesLeaveTheOriginalAlone(t *testing.T) {
	t.Parallel()
	e := fault.Stale(1)
	c := e.At("input.x").With("state", "OPEN").Because(io.EOF)
	if e.Field != "input.expectedVersion" || len(e.Current) != 1 || errors.Is(e, io.EOF) {
		t.Fatalf("the original changed: %+v", e)
	}
	if c.Field != "input.x" || !errors.Is(c, io.EOF) {
		t.Fatalf("the copy did not: %+v", c)
	}
	if d := cmp.Diff(map[string]any{"version": int64(1), "state": "OPEN"}, c.Current); d != "" {
		t.Fatal(d)
	}
}

func TestTextFallsBackToTheOtherLanguage(t *testing.T) {
	t.Parallel()
	both, zh := fault.Text{ZH: "甲", EN: "a"}, fault.Text{ZH: "甲"}
	for _, c := range [][2]string{{both.In("en"), "a"}, {both.In("en-GB"), "a"}, {both.In("zh-CN"), "甲"}, {both.In(""), "甲"}, {zh.In("en"), "甲"}} {
		if c[0] != c[1] {
			t.Errorf("got %q, want %q", c[0], c[1])
		}
	}
}

func TestEveryConstructorSpeaksBothLanguages(t *testing.T) {
	t.Parallel()
	seen := map[fault.Code]bool{}
	x := fault.Text{ZH: "甲", EN: "a"}
	for _, e := range []*fault.Error{
		fault.Invalid("f", "R", x, x), fault.NotFound("Client"), fault.Forbidden("R", x, "c", x), fault.Conflicts("f", "R", x, x),
		fault.Stale(1), fault.KeyReused(), fault.State("R", x, x), fault.Duty("R", x, "c", x), fault.SignIn(),
		fault.Limit("R", x), fault.Busy("R", x), fault.Down("R", nil), fault.Masked(),
	} {
		seen[e.Code] = true
		if e.Message.ZH == "" || e.Message.EN == "" || e.Reason == "" {
			t.Errorf("%s: %+v", e.Code, e)
		}
	}
	for _, c := range fault.Codes() {
		if !seen[c] {
			t.Errorf("no constructor for %s", c)
		}
	}
}
