package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/clientele/clientele/internal/fault"
	"github.com/clientele/clientele/internal/tenancy"
)

func (w *world) export(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	if _, err := RunExport(t.Context(), &out, w.db, w.tenant, w.sealer); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func verifyFile(t testing.TB, w *world, file []byte, witness ...string) (Report, error) {
	t.Helper()
	trail, err := FromFile(bytes.NewReader(file))
	if err != nil {
		return Report{}, err
	}
	return Verify(t.Context(), trail, w.keys, witness...)
}

func TestAnExportIsVerifiedWithoutADatabase(t *testing.T) {
	t.Parallel()
	w := trailOfTwelve(t)
	w.record(t, w.tenant, 1)
	file := w.export(t)
	w.db.Close()
	r, err := verifyFile(t, w, file)
	if err != nil || r.Finding != nil || r.Records != 13 || r.Signed != 13 || r.Checkpoints != 4 || r.Tenant != w.tenant.UUID() {
		t.Fatalf("%+v %+v %v", r, r.Finding, err)
	}
	var out bytes.Buffer
	trail, err := FromFile(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if err := RunVerify(t.Context(), &out, trail, VerifyArgs{Keys: []string{w.key.Public()}, Language: "en"}); err != nil {
		t.Error(err)
	}
	if want := "tenant " + w.tenant.String() + "\n13 records sound\n4 signed checkpoints, the newest over 13 records at "; !strings.HasPrefix(out.String(), want) || !strings.HasSuffix(out.String(), "\nnothing is wrong\n") {
		t.Errorf("printed %s", out.String())
	}
}

// One bit of any byte of the file: it is found, or the file cannot be read.
func TestAnyByteOfAnExport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(t, w.tenant, 2)
	w.seal(t, w.tenant)
	w.record(t, w.tenant, 1)
	file := w.export(t)
	// How many records were not sealed yet is no part of the trail; the last line may end without its newline.
	outside := bytes.Index(file, []byte(`"unsealed":`)) + len(`"unsealed":`)
	for i := range file {
		altered := bytes.Clone(file)
		altered[i] ^= 1
		r, err := verifyFile(t, w, altered)
		if err == nil && r.Finding == nil && i != outside && i != len(file)-1 {
			t.Errorf("byte %d, %q in %q, was altered and nothing found", i, file[i], file[max(0, i-30):min(len(file), i+30)])
		}
	}
}

func TestLinesOfAnExport(t *testing.T) {
	t.Parallel()
	w := trailOfTwelve(t)
	file := w.export(t)
	lines := strings.SplitAfter(string(file), "\n")
	without := func(i int) string { return strings.Join(append(append([]string{}, lines[:i]...), lines[i+1:]...), "") }
	swapped := append([]string{}, lines...)
	swapped[3], swapped[4] = swapped[4], swapped[3]
	// lines: header, 1–4, checkpoint, 5–9, checkpoint, 10–12, checkpoint, end
	for name, c := range map[string]struct {
		file string
		want Finding
	}{
		"record left out":     {without(7), Finding{Number: 6, What: Missing}},
		"swapped":             {strings.Join(swapped, ""), Finding{Number: 3, What: Missing}},
		"cut in a line":       {string(file[:len(file)-700]), Finding{Number: 12, What: Altered}},
		"cut after a line":    {strings.Join(lines[:10], ""), Finding{Number: 9, What: TailCut}},
		"end left out":        {without(len(lines) - 2), Finding{Number: 13, What: TailCut}},
		"tail left out":       {strings.Join(append(append([]string{}, lines[:12]...), lines[len(lines)-2]), ""), Finding{Number: 10, What: TailCut}},
		"unknown member":      {strings.Replace(string(file), `{"type":"record","number":7,`, `{"type":"record","x":1,"number":7,`, 1), Finding{Number: 7, What: Altered}},
		"a name twice":        {strings.Replace(string(file), `"number":7,`, `"number":8,"number":7,`, 1), Finding{Number: 7, What: Altered}},
		"a name in two cases": {strings.Replace(string(file), `"number":7,`, `"number":8,"NUMBER":7,`, 1), Finding{Number: 7, What: Altered}},
		"other tenant's name": {strings.Replace(string(file), w.tenant.String(), w.other.String(), 1), Finding{Number: 1, What: Altered}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := verifyFile(t, w, []byte(c.file))
			if err != nil {
				t.Fatal(err)
			}
			expect(t, r, c.want)
			trail, err := FromFile(strings.NewReader(c.file))
			if err != nil {
				t.Fatal(err)
			}
			if err := RunVerify(t.Context(), &bytes.Buffer{}, trail, VerifyArgs{Keys: []string{w.key.Public()}}); !errors.Is(err, ErrTampered) {
				t.Errorf("the command ends with %v", err)
			}
		})
	}
	if _, err := FromFile(strings.NewReader(without(0))); err == nil {
		t.Error("a file without its header was taken")
	}
	r, err := Verify(t.Context(), mustFile(t, file), verifiers(t, newKey(t).Public()))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, r, Finding{Number: 4, What: CheckpointBad})
}

func mustFile(t *testing.T, file []byte) Trail {
	t.Helper()
	trail, err := FromFile(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return trail
}

func TestProofOfOneRecord(t *testing.T) {
	t.Parallel()
	w := trailOfTwelve(t)
	asked := tenancy.ForSystem(w.tenant, tenancy.SystemOperator)
	for number := int64(1); number <= 12; number++ {
		p, err := Prove(t.Context(), w.db, asked, mustID(t, w, w.tenant, number))
		if err != nil {
			t.Fatal(err)
		}
		c, err := p.Check(w.tenant.UUID(), w.keys)
		if want := map[bool]int64{true: 4, false: 9}[number <= 4]; err != nil || number <= 9 && c.Size != want || p.Number != number {
			t.Errorf("record %d: against %d, %v", number, c.Size, err)
		}
	}
	var out bytes.Buffer
	if err := RunProve(t.Context(), &out, w.db, w.tenant, mustID(t, w, w.tenant, 6)); err != nil {
		t.Fatal(err)
	}
	args := VerifyArgs{Keys: []string{w.key.Public()}, Language: "en"}
	var said bytes.Buffer
	if err := RunCheckProof(bytes.NewReader(out.Bytes()), &said, w.tenant.UUID(), args); err != nil || !strings.HasPrefix(said.String(), "record 6, "+mustID(t, w, w.tenant, 6).String()+", is among the 9 records signed at ") {
		t.Errorf("%q %v", said.String(), err)
	}
	if err := RunCheckProof(bytes.NewReader(out.Bytes()), &said, w.other.UUID(), args); err == nil {
		t.Error("it proves something of another tenant")
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, out.Bytes()); err != nil {
		t.Fatal(err)
	}
	for i := range compact.Bytes() {
		altered := bytes.Clone(compact.Bytes())
		altered[i] ^= 1
		if err := RunCheckProof(bytes.NewReader(altered), &said, w.tenant.UUID(), args); err == nil {
			t.Errorf("byte %d of the proof was altered: %s", i, altered[max(0, i-20):i+1])
		}
	}
}

func TestWhatCannotBeProved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	asked := tenancy.ForSystem(w.tenant, tenancy.SystemOperator)
	w.record(t, w.tenant, 1)
	w.seal(t, w.tenant)
	w.record(t, w.other, 1)
	w.seal(t, w.other)
	_, err := Prove(t.Context(), w.db, asked, mustID(t, w, w.other, 1))
	if fault.CodeOf(err) != fault.NotFoundCode {
		t.Errorf("another tenant's record: %v", err)
	}
	w.record(t, w.tenant, 1)
	newest := func() error {
		var u [16]byte
		if err := w.super.QueryRow(t.Context(), `SELECT id FROM audit_records WHERE tenant_id = $1 ORDER BY id DESC LIMIT 1`, w.tenant.UUID()).Scan(&u); err != nil {
			t.Fatal(err)
		}
		_, err := Prove(t.Context(), w.db, asked, u)
		return err
	}
	if l, ok := fault.As(newest()); !ok || l[0].Code != fault.InvalidState || l[0].Reason != "NOT_YET_SIGNED" {
		t.Errorf("unsealed: %v", l)
	}
	if _, err := w.sealer.Seal(t.Context(), w.tenant); err != nil {
		t.Fatal(err)
	}
	if l, ok := fault.As(newest()); !ok || l[0].Reason != "NOT_YET_SIGNED" {
		t.Errorf("sealed and not signed: %v", l)
	}
	w.seal(t, w.tenant)
	if err := newest(); err != nil {
		t.Error(err)
	}
}
