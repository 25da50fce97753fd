package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/clientele/clientele/internal/fault"
)

// What is wrong with a record.
type What string

// The kinds of findings.
const (
	Altered       What = "ALTERED"    // a column of the record, its number or its seal
	Missing       What = "MISSING"    // its number is left out
	Reordered     What = "REORDERED"  // another record stands at its number
	TailCut       What = "TAIL_CUT"   // it was signed or in the tree, and the trail ends before it
	Forged        What = "FORGED"     // one of the records from Number to Through: all agree with each other, not with the signature
	TreeAltered   What = "TREE"       // the record is sound, a stored tree hash of its number is not
	CheckpointBad What = "CHECKPOINT" // the checkpoint of that size is not signed by a known key, or says otherwise than its row
)

// Finding names the first bad record.
type Finding struct {
	Number  int64     // of the record that is bad, or of the first that may be
	Through int64     // the last that may be; Number where it is that one
	ID      uuid.UUID // of the row found at Number; zero where there is none
	What    What
	Why     string // for operators, English
}

// Message is the finding for people.
func (f *Finding) Message() fault.Text {
	zh, en := fmt.Sprintf("第 %d 号记录", f.Number), fmt.Sprintf("record %d", f.Number)
	if f.Through > f.Number {
		zh, en = fmt.Sprintf("第 %d 至 %d 号记录之一", f.Number, f.Through), fmt.Sprintf("one of the records %d to %d", f.Number, f.Through)
		if f.What == Missing || f.What == TailCut {
			zh, en = fmt.Sprintf("第 %d 至 %d 号记录", f.Number, f.Through), fmt.Sprintf("the records %d to %d", f.Number, f.Through)
		}
	}
	label := map[What]fault.Text{
		Altered: {ZH: "被改动", EN: "altered"}, Missing: {ZH: "缺失", EN: "missing"}, Reordered: {ZH: "次序被调换", EN: "out of order"},
		TailCut: {ZH: "及其后的记录被截去", EN: "and what came after cut off"}, Forged: {ZH: "被改动并重算了封印", EN: "altered and sealed again"},
		TreeAltered: {ZH: "的树哈希被改动", EN: "sound, but its tree hash altered"}, CheckpointBad: {ZH: "处的检查点不可信", EN: "followed by a checkpoint that is not to be trusted"},
	}[f.What]
	return fault.Text{ZH: zh + label.ZH, EN: en + " " + label.EN + ": " + f.Why}
}

// Report says what was verified. Records after Signed are chained, but a cut of them would not be noticed.
type Report struct {
	Tenant      uuid.UUID
	Records     int64 // found sound, from number 1 on
	Checkpoints int64
	Signed      int64 // records under the newest sound checkpoint
	SignedAt    time.Time
	Unsealed    int64
	Witnessed   int // notes kept elsewhere that the trail agrees with
	Finding     *Finding
}

// Verify goes through a trail and stops at the first bad record. keys are the public keys of checkpoints. witness are
// notes of checkpoints that were kept elsewhere: they catch a tail that was cut off together with its checkpoints. The
// error is of reading or of the witness; what is wrong with the trail is the report's Finding.
func Verify(ctx context.Context, trail Trail, keys note.Verifiers, witness ...string) (Report, error) {
	v := verifier{keys: keys, report: Report{Tenant: trail.Tenant}}
	for _, w := range witness {
		c, err := OpenCheckpoint(w, trail.Tenant, keys)
		if err != nil {
			return v.report, fmt.Errorf("audit: witness: %w", err)
		}
		v.witness = append(v.witness, c)
	}
	slices.SortFunc(v.witness, func(a, b Checkpoint) int { return int(min(max(a.Size-b.Size, -1), 1)) })
	for item, err := range trail.Items {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return v.report, err
		}
		switch {
		case v.moved != nil:
			v.search(item)
		case item.Record != nil:
			v.record(item.Record)
		case item.Checkpoint != nil:
			v.checkpoint(item.Checkpoint)
		case item.End != nil:
			v.end(item.End)
		}
		if v.report.Finding != nil && v.moved == nil {
			return v.report, nil
		}
	}
	if !v.ended && v.report.Finding == nil {
		if v.suspect != nil || v.short != nil {
			v.end(&End{TreeHashes: tlog.StoredHashCount(v.tree.size)})
		}
		if v.report.Finding == nil {
			v.find(TailCut, v.tree.size+1, 0, uuid.Nil, "the file ends before its last line")
		}
	}
	return v.report, nil
}

type verifier struct {
	keys    note.Verifiers
	report  Report
	witness []Checkpoint
	h       hasher
	seal    Hash // of the last record
	tree    frontier
	buf     []Hash
	ended   bool

	suspect *Finding // record and seal agree, the tree does not: what follows tells which of them was altered
	short   *Finding // a checkpoint came before its records: what follows tells whether the tail or a part is gone
	moved   *moved
}

// moved is a record that is not the one of its number, while the rest is searched for the place it came from.
type moved struct {
	record Sealed
	before Hash // seal hash stored before the one looked at
}

func (v *verifier) find(what What, number, through int64, id uuid.UUID, why string) {
	v.report.Finding = &Finding{Number: number, Through: max(number, through), ID: id, What: what, Why: why}
}

// settle ends a suspicion: the record was altered with its seal, or only the tree.
func (v *verifier) settle(recordIsSound bool) bool {
	f := v.suspect
	if f == nil {
		return false
	}
	if v.suspect = nil; recordIsSound {
		f.What, f.Why = TreeAltered, "the tree has another leaf for it"
		v.report.Records++
	}
	v.report.Finding = f
	return true
}

// misplaced is the finding about a row that cannot be the record of that number, whatever its seal.
func (v *verifier) misplaced(s *Sealed, number int64) *Finding {
	f := &Finding{Number: number, Through: number, ID: s.Record.ID, What: Altered}
	switch {
	case s.Number < 1:
		f.Number, f.Through, f.Why = s.Number, s.Number, "no record has such a number"
	case v.short != nil, s.Number > number:
		return &Finding{Number: number, Through: max(number, s.Number-1), What: Missing, Why: "its number is left out"}
	case s.Number < number:
		f.Number, f.Through, f.What, f.Why = s.Number, s.Number, Reordered, "two records have this number"
	case s.Broken != "":
		f.Why = s.Broken
	case s.Record.Tenant != v.report.Tenant:
		f.Why = "it is of another tenant"
	default:
		return nil
	}
	return f
}

func (v *verifier) record(s *Sealed) {
	number := v.tree.size + 1
	bad := v.misplaced(s, number)
	var seal Hash
	if bad == nil {
		var err error
		if seal, err = v.h.seal(v.seal, number, &s.Record); err != nil {
			bad = &Finding{Number: number, Through: number, ID: s.Record.ID, What: Altered, Why: err.Error()}
		}
	}
	if bad != nil {
		if !v.settle(false) {
			v.report.Finding = bad
		}
		return
	}
	stored := len(s.Seal) == len(seal) && Hash(s.Seal) == seal
	v.buf = v.tree.add(v.buf[:0], leaf(seal))
	inTree := is(s.Tree, 0, v.buf[0])
	switch {
	case v.settle(stored && inTree):
	case stored && inTree:
		for i := range v.buf {
			if !is(s.Tree, i, v.buf[i]) {
				v.find(TreeAltered, number, 0, s.Record.ID, "the tree has another hash above it")
				return
			}
		}
		v.seal = seal
		v.report.Records++
		v.witnessed()
	case stored:
		v.suspect = &Finding{Number: number, Through: number, ID: s.Record.ID, What: Altered, Why: "it was altered and sealed again; the tree has the seal it had"}
		v.seal = seal
		v.witnessed()
	case inTree:
		v.find(Altered, number, 0, s.Record.ID, "its stored seal is not the one that it was given")
	default:
		v.find(Altered, number, 0, s.Record.ID, "its columns do not give its seal")
		v.moved = &moved{record: *s}
		copy(v.moved.before[:], s.Seal)
	}
}

// witnessed holds the notes kept elsewhere against the tree when it has their size.
func (v *verifier) witnessed() {
	for len(v.witness) > 0 && v.witness[0].Size == v.tree.size && v.report.Finding == nil {
		if v.compare(v.witness[0]) {
			v.report.Witnessed++
		}
		v.witness = v.witness[1:]
	}
}

func is(tree [][]byte, i int, h Hash) bool {
	return i < len(tree) && len(tree[i]) == len(h) && Hash(tree[i]) == h
}

// search looks whether a record that is not the one of its number has stood at a later one.
func (v *verifier) search(item Item) {
	m, s := v.moved, item.Record
	if item.End != nil {
		v.moved = nil
	}
	if s == nil || len(s.Seal) != len(Hash{}) {
		return
	}
	seal, err := v.h.seal(m.before, s.Number, &m.record.Record)
	fits := m.record.Broken == "" && err == nil && is(s.Tree, 0, leaf(seal))
	if !fits && len(m.record.Seal) == len(seal) {
		fits = is(s.Tree, 0, leaf(Hash(m.record.Seal)))
	}
	m.before = Hash(s.Seal)
	if fits {
		v.moved = nil
		v.report.Finding.What, v.report.Finding.Why = Reordered, fmt.Sprintf("the record of number %d stands there", s.Number)
	}
}

func (v *verifier) checkpoint(s *Signed) {
	c, err := OpenCheckpoint(s.Note, v.report.Tenant, v.keys)
	if err == nil && (c.Size != s.Size || !s.CreatedAt.Valid || !s.CreatedAt.Time.Equal(c.Time)) {
		err = errors.New("its row says another size or time than its note")
	}
	if err != nil {
		if v.suspect == nil && v.short == nil {
			v.find(CheckpointBad, s.Size, 0, uuid.Nil, err.Error())
		}
		return
	}
	if c.Size > v.tree.size {
		if !v.settle(false) {
			v.short = &Finding{Number: v.tree.size + 1, Through: c.Size, What: TailCut, Why: fmt.Sprintf("%d records were signed at %s", c.Size, c.Time.Format(timeForm))}
		}
		return
	}
	if c.Size < v.tree.size {
		v.find(CheckpointBad, c.Size, 0, uuid.Nil, "it stands behind later records")
		return
	}
	if v.compare(c) {
		v.report.Checkpoints++
	}
}

// compare holds a sound checkpoint of the present size against the tree of the records.
func (v *verifier) compare(c Checkpoint) bool {
	agrees := v.tree.root() == c.Root
	if v.settle(agrees) {
		return false
	}
	if !agrees {
		v.find(Forged, v.report.Signed+1, c.Size, uuid.Nil, "they agree with each other, not with what was signed")
		return false
	}
	v.report.Signed, v.report.SignedAt = c.Size, c.Time
	return true
}

func (v *verifier) end(e *End) {
	v.ended = true
	v.report.Unsealed = e.Unsealed
	switch {
	case v.settle(true):
	case v.short != nil:
		v.report.Finding = v.short
	case e.TreeHashes > tlog.StoredHashCount(v.tree.size):
		v.find(TailCut, v.tree.size+1, 0, uuid.Nil, "the tree has more records than the trail")
	case e.TreeHashes < tlog.StoredHashCount(v.tree.size):
		v.find(TreeAltered, v.tree.size, 0, uuid.Nil, "the tree ends before it")
	case len(v.witness) > 0 && v.witness[len(v.witness)-1].Size > v.tree.size:
		c := v.witness[len(v.witness)-1]
		v.find(TailCut, v.tree.size+1, c.Size, uuid.Nil, fmt.Sprintf("the witness has %d records at %s", c.Size, c.Time.Format(timeForm)))
	}
}
