package isolation

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/clientele/clientele/internal/access"
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/internal/policyadmin"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/internal/testkit/world"
)

// question asks a service with the ids of one side; of says which of its ids the question is about, "" for none.
type question struct {
	of  string
	ask func(s *tenancy.Session, about uuid.UUID) (any, error)
}

// questions are the Query fields that services answer.
func questions(p *policyadmin.Service, _ *side) map[string]question {
	return map[string]question{
		"policyCompare": {"", func(s *tenancy.Session, _ uuid.UUID) (any, error) {
			return p.PolicyCompare(context.Background(), s, 1, 3)
		}},
		"policyLint": {"draft of somebody else", func(s *tenancy.Session, about uuid.UUID) (any, error) {
			return p.PolicyLint(context.Background(), s, about)
		}},
	}
}

func TestEveryQuestionWithAnotherTenantsIds(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	a, b := newSide(w, "alpha"), newSide(w, "beta")
	rights, err := access.New(w.DB, 10)
	if err != nil {
		t.Fatal(err)
	}
	before := b.everything()
	for name, q := range questions(policyadmin.New(w.Runner, w.DB, rights), a) {
		said := func(about uuid.UUID) string {
			answer, err := q.ask(a.person.Session, about)
			return fmt.Sprintf("%+v %s", answer, shape(err))
		}
		answers := []string{said(a.ids[q.of])}
		if !strings.HasSuffix(answers[0], "done") {
			t.Errorf("%s with ids of one's own: %s", name, answers[0])
		}
		if q.of != "" {
			foreign, nobody := said(b.ids[q.of]), said(w.IDs.New())
			if foreign != nobody || !strings.Contains(foreign, "NOT_FOUND") {
				t.Errorf("%s: another tenant's %s is answered %q, an id of nobody %q", name, q.of, foreign, nobody)
			}
			answers = append(answers, foreign)
		}
		for _, text := range answers {
			found := strings.Contains(text, b.mark)
			for _, u := range b.ids {
				found = found || strings.Contains(text, u.String()) || strings.Contains(text, strings.TrimPrefix(id.Encode("x", u), "x_"))
			}
			if found {
				t.Errorf("%s: the answer has something of the other tenant: %.300s", name, text)
			}
		}
	}
	if after := b.everything(); after != before {
		t.Error("a question changed something of the other tenant")
	}
}
