package audit

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/clientele/clientele/internal/tenancy"
)

// trail is twelve records with checkpoints at 4, 9 and 12, and a copy to begin each case anew.
func trailOfTwelve(t *testing.T) *world {
	w := newWorld(t)
	for _, n := range []int{4, 5, 3} {
		w.record(t, w.tenant, n)
		w.seal(t, w.tenant)
	}
	w.record(t, w.other, 3)
	w.seal(t, w.other)
	for _, table := range []string{"audit_records", "audit_tree", "audit_checkpoints"} {
		w.exec(t, `CREATE TABLE original_`+table+` AS TABLE `+table)
	}
	r := w.verify(t, w.tenant)
	if r.Finding != nil || r.Records != 12 || r.Checkpoints != 3 || r.Signed != 12 {
		t.Fatalf("a sound trail: %+v %+v", r, r.Finding)
	}
	return w
}

func (w *world) restore(t *testing.T) {
	t.Helper()
	for _, table := range []string{"audit_records", "audit_tree", "audit_checkpoints"} {
		w.exec(t, `DELETE FROM `+table)
		w.exec(t, `INSERT INTO `+table+` TABLE original_`+table)
	}
}

func expect(t *testing.T, r Report, want Finding) {
	t.Helper()
	if r.Finding == nil {
		t.Errorf("nothing was found, want %+v", want)
		return
	}
	want.Through = max(want.Through, want.Number)
	if diff := cmp.Diff(want, *r.Finding, cmpopts.IgnoreFields(Finding{}, "Why", "ID")); diff != "" {
		t.Errorf("finding (-want +got): %s\n%s", diff, r.Finding.Message().EN)
	}
}

// Every column there is has an alteration here: a column that is added and not sealed turns this red.
func TestEveryColumnThatIsAlteredIsNamed(t *testing.T) {
	t.Parallel()
	w := trailOfTwelve(t)
	const flipID = `= (overlay(COLUMN::text placing CASE WHEN right(COLUMN::text, 1) = '0' THEN '1' ELSE '0' END from 36))::uuid`
	to := map[string][]string{
		"id": {flipID}, "actor_id": {flipID, "= NULL"}, "credential_id": {flipID, "= NULL"}, "object_id": {flipID, "= NULL"}, "rule_id": {flipID, "= NULL"},
		"kind": {"= 'refusal'"}, "act": {"= COLUMN || ' '"}, "actor_kind": {"= 'app'"}, "actor_name": {"= '王閔'", "= ''"},
		"object_type": {"= 'client'"}, "object_version": {"= COLUMN + 1", "= NULL"}, "reason": {"= 'r'"}, "clause": {"= '6.5'"},
		"detail":     {`= '{}'`, `= jsonb_set(detail, '{changes,0,new}', '1.5')`, `= jsonb_set(detail, '{changes,0,new}', '"1.50"')`, `= detail || '{"more": null}'`},
		"request_id": {"= 'reQ'"}, "occurred_at": {"= COLUMN + interval '1 microsecond'", "= 'infinity'"},
		"seal_seq": {"= 400", "= 13"}, "seal_hash": {"= set_byte(COLUMN, 31, get_byte(COLUMN, 31) # 1)"},
		"tenant_id": {"= '" + w.other.String() + "'"},
	}
	rows, err := w.super.Query(t.Context(), `SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = 'audit_records'`)
	if err != nil {
		t.Fatal(err)
	}
	columns, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(columns) != 19 {
		t.Fatalf("%d columns, %v", len(columns), err)
	}
	for _, column := range columns {
		alterations := to[column]
		if len(alterations) == 0 {
			t.Errorf("column %s has no alteration: is it sealed?", column)
		}
		for _, change := range alterations {
			for _, number := range []int64{1, 6, 12} {
				set := column + " " + strings.ReplaceAll(change, "COLUMN", column)
				id := mustID(t, w, w.tenant, number)
				if column == "tenant_id" { // its number must be free there
					w.exec(t, `DELETE FROM audit_records WHERE tenant_id = $1`, w.other.UUID())
				}
				if n := w.exec(t, `UPDATE audit_records SET `+set+` WHERE tenant_id = $1 AND id = $2`, w.tenant.UUID(), id); n != 1 {
					t.Fatalf("%s: %d rows", set, n)
				}
				want := Finding{Number: number, What: Altered}
				switch column + " " + change {
				case "tenant_id " + change:
					if want.What = Missing; number == 12 {
						want.What = TailCut
					}
				case "seal_seq = 400":
					want.What, want.Through = Missing, 399
					if number < 12 {
						want.Through = number
					}
				case "seal_seq = 13":
					want.What = Missing
				}
				r := w.verify(t, w.tenant)
				t.Run(fmt.Sprintf("%s of %d", set, number), func(t *testing.T) {
					expect(t, r, want)
					if want.What == Altered && column != "id" && r.Finding != nil && r.Finding.ID != id {
						t.Errorf("id %s, want %s", r.Finding.ID, id)
					}
					if r.Records != number-1 {
						t.Errorf("%d records sound before it", r.Records)
					}
				})
				w.restore(t)
			}
		}
	}
}

func TestWhatIsTakenAwaySwappedOrForgedIsNamed(t *testing.T) {
	t.Parallel()
	w := trailOfTwelve(t)
	me := w.tenant.UUID()
	var newest string
	if err := w.super.QueryRow(t.Context(), `SELECT note FROM audit_checkpoints WHERE tenant_id = $1 AND tree_size = 12`, me).Scan(&newest); err != nil {
		t.Fatal(err)
	}
	swap := func(a, b int64, seals bool) func() {
		return func() {
			idA, idB := mustID(t, w, w.tenant, a), mustID(t, w, w.tenant, b)
			w.exec(t, `UPDATE audit_records SET seal_seq = 1000 WHERE tenant_id = $1 AND id = $2`, me, idA)
			w.exec(t, `UPDATE audit_records SET seal_seq = $3 WHERE tenant_id = $1 AND id = $2`, me, idB, a)
			w.exec(t, `UPDATE audit_records SET seal_seq = $3 WHERE tenant_id = $1 AND id = $2`, me, idA, b)
			if seals {
				w.exec(t, `UPDATE audit_records r SET seal_hash = o.seal_hash FROM original_audit_records o
					WHERE r.tenant_id = $1 AND o.tenant_id = $1 AND o.seal_seq = r.seal_seq`, me)
			}
		}
	}
	remove := func(where string) func() {
		return func() { w.exec(t, `DELETE FROM audit_records WHERE tenant_id = $1 AND seal_seq `+where, me) }
	}
	for _, c := range []struct {
		name    string
		do      func()
		witness []string
		want    Finding
	}{
		{"first deleted", remove("= 1"), nil, Finding{Number: 1, What: Missing}},
		{"one deleted", remove("= 6"), nil, Finding{Number: 6, What: Missing}},
		{"one under a checkpoint deleted", remove("= 9"), nil, Finding{Number: 9, What: Missing}},
		{"several deleted", remove("IN (5, 6, 7)"), nil, Finding{Number: 5, Through: 7, What: Missing}},
		{"all deleted", remove("> 0"), nil, Finding{Number: 1, Through: 12, What: TailCut}},
		{"tail deleted", remove("> 9"), nil, Finding{Number: 10, Through: 12, What: TailCut}},
		{"tail deleted with its checkpoint", func() {
			remove("> 10")()
			w.exec(t, `DELETE FROM audit_checkpoints WHERE tenant_id = $1 AND tree_size = 12`, me)
		}, nil, Finding{Number: 11, What: TailCut}},
		{"tail deleted with checkpoint and tree", func() { w.cut(t, 9) }, []string{newest}, Finding{Number: 10, Through: 12, What: TailCut}},
		{"sealed record made unsealed", func() {
			w.exec(t, `UPDATE audit_records SET seal_seq = NULL, seal_hash = NULL WHERE tenant_id = $1 AND seal_seq = 3`, me)
		}, nil, Finding{Number: 3, What: Missing}},
		{"two numbers swapped", swap(3, 8, false), nil, Finding{Number: 3, What: Reordered}},
		{"two records swapped", swap(3, 8, true), nil, Finding{Number: 3, What: Reordered}},
		{"neighbours' numbers swapped", swap(6, 7, false), nil, Finding{Number: 6, What: Reordered}},
		{"neighbours swapped", swap(6, 7, true), nil, Finding{Number: 6, What: Reordered}},
		{"altered, its seal recomputed", func() { w.forge(t, 6, 6, false) }, nil, Finding{Number: 6, What: Altered}},
		{"altered, all seals from it on recomputed", func() { w.forge(t, 6, 12, false) }, nil, Finding{Number: 6, What: Altered}},
		{"last altered, its seal recomputed", func() { w.forge(t, 12, 12, false) }, nil, Finding{Number: 12, What: Altered}},
		{"altered, seals and tree recomputed", func() { w.forge(t, 6, 12, true) }, nil, Finding{Number: 5, Through: 9, What: Forged}},
		{"the same with later checkpoints deleted", func() {
			w.forge(t, 6, 12, true)
			w.exec(t, `DELETE FROM audit_checkpoints WHERE tenant_id = $1 AND tree_size > 4`, me)
		}, []string{newest}, Finding{Number: 5, Through: 12, What: Forged}},
		{"leaf altered", func() {
			w.exec(t, `UPDATE audit_tree SET hash = set_byte(hash, 0, get_byte(hash, 0) # 1) WHERE tenant_id = $1 AND position = 8`, me) // of number 6
		}, nil, Finding{Number: 6, What: TreeAltered}},
		{"leaf of the last altered", func() {
			w.exec(t, `DELETE FROM audit_tree WHERE tenant_id = $1 AND position = 19`, me)
		}, nil, Finding{Number: 12, What: TreeAltered}},
		{"hash above altered", func() {
			w.exec(t, `UPDATE audit_tree SET hash = set_byte(hash, 31, get_byte(hash, 31) # 128) WHERE tenant_id = $1 AND position = 2`, me)
		}, nil, Finding{Number: 2, What: TreeAltered}},
		{"signature altered", func() {
			w.exec(t, `UPDATE audit_checkpoints SET note = overlay(note placing 'AAAA' from char_length(note) - 12) WHERE tenant_id = $1 AND tree_size = 9`, me)
		}, nil, Finding{Number: 9, What: CheckpointBad}},
		{"text of a checkpoint altered", func() {
			w.exec(t, `UPDATE audit_checkpoints SET note = replace(note, E'\n9\n', E'\n8\n') WHERE tenant_id = $1 AND tree_size = 9`, me)
		}, nil, Finding{Number: 9, What: CheckpointBad}},
		{"size of a checkpoint altered", func() {
			w.exec(t, `UPDATE audit_checkpoints SET tree_size = 8 WHERE tenant_id = $1 AND tree_size = 9`, me)
		}, nil, Finding{Number: 8, What: CheckpointBad}},
		{"time of a checkpoint altered", func() {
			w.exec(t, `UPDATE audit_checkpoints SET created_at = created_at + interval '1 microsecond' WHERE tenant_id = $1 AND tree_size = 9`, me)
		}, nil, Finding{Number: 9, What: CheckpointBad}},
		{"checkpoint of another tenant", func() {
			w.exec(t, `UPDATE audit_checkpoints c SET note = o.note FROM original_audit_checkpoints o WHERE c.tenant_id = $1 AND c.tree_size = 9 AND o.tenant_id = $2`, me, w.other.UUID())
		}, nil, Finding{Number: 9, What: CheckpointBad}},
		{"checkpoint signed by a stranger", func() {
			var c Checkpoint
			var signed string
			_ = w.super.QueryRow(context.Background(), `SELECT note FROM audit_checkpoints WHERE tenant_id = $1 AND tree_size = 9`, me).Scan(&signed)
			c, err := OpenCheckpoint(signed, me, w.keys)
			if err != nil {
				t.Fatal(err)
			}
			signed, _ = c.sign(newKey(t))
			w.exec(t, `UPDATE audit_checkpoints SET note = $2 WHERE tenant_id = $1 AND tree_size = 9`, me, signed)
		}, nil, Finding{Number: 9, What: CheckpointBad}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.do()
			expect(t, w.verify(t, w.tenant, c.witness...), c.want)
			w.restore(t)
		})
	}
	t.Run("cut behind a checkpoint with all of its traces", func(t *testing.T) {
		// Without a note kept elsewhere this looks like an earlier state, and the report says how far the signatures go.
		w.cut(t, 9)
		if r := w.verify(t, w.tenant); r.Finding != nil || r.Signed != 9 {
			t.Errorf("%+v", r)
		}
		w.restore(t)
	})
	t.Run("with the witness and nothing wrong", func(t *testing.T) {
		if r := w.verify(t, w.tenant, newest); r.Finding != nil || r.Witnessed != 1 {
			t.Errorf("%+v", r)
		}
	})
}

// cut leaves n records and no trace of the others.
func (w *world) cut(t *testing.T, n int64) {
	t.Helper()
	me := w.tenant.UUID()
	w.exec(t, `DELETE FROM audit_records WHERE tenant_id = $1 AND seal_seq > $2`, me, n)
	w.exec(t, `DELETE FROM audit_checkpoints WHERE tenant_id = $1 AND tree_size > $2`, me, n)
	w.exec(t, `DELETE FROM audit_tree WHERE tenant_id = $1 AND position >= $2`, me, map[int64]int64{9: 16, 10: 18}[n])
}

// forge alters a record and recomputes the seals from it up to last, and the tree too.
func (w *world) forge(t *testing.T, number, last int64, tree bool) {
	t.Helper()
	me := w.tenant.UUID()
	w.exec(t, `UPDATE audit_records SET act = 'client.open' WHERE tenant_id = $1 AND seal_seq = $2`, me, number)
	var previous Hash
	var f frontier
	var h hasher
	type update struct {
		id   uuid.UUID
		seal Hash
	}
	var updates []update
	var hashes []Hash
	for item, err := range FromDatabase(t.Context(), w.db, tenancy.ForSystem(w.tenant, tenancy.SystemOperator)).Items {
		if err != nil {
			t.Fatal(err)
		}
		if r := item.Record; r != nil {
			seal, err := h.seal(previous, r.Number, &r.Record)
			if err != nil {
				t.Fatal(err)
			}
			if r.Number >= number && r.Number <= last {
				updates = append(updates, update{r.Record.ID, seal})
			}
			previous = seal
			hashes = f.add(hashes, leaf(seal))
		}
	}
	for _, u := range updates {
		w.exec(t, `UPDATE audit_records SET seal_hash = $3 WHERE tenant_id = $1 AND id = $2`, me, u.id, u.seal[:])
	}
	if !tree {
		return
	}
	for i, h := range hashes {
		w.exec(t, `UPDATE audit_tree SET hash = decode($3, 'hex') WHERE tenant_id = $1 AND position = $2`, me, i, hex.EncodeToString(h[:]))
	}
}
