package audit

import (
	"bytes"
	"context"
	"sync/atomic"
	"testing"
)

// fill writes n unsealed records in one statement.
func (w *world) fill(b *testing.B, n int) {
	b.Helper()
	w.exec(b, `INSERT INTO audit_records (tenant_id, id, kind, act, actor_kind, actor_id, actor_name, credential_id, object_type, object_id,
		object_version, detail, request_id, occurred_at)
		SELECT $1, gen_random_uuid(), 'change', 'client.changeProfile', 'staff', gen_random_uuid(), '王敏', gen_random_uuid(), 'Client', gen_random_uuid(),
		n, jsonb_build_object('changes', jsonb_build_array(jsonb_build_object('field', 'name', 'old', 'before', 'new', n))), 'request', now() FROM generate_series(1, $2::int) n`,
		w.tenant.UUID(), n)
	w.exec(b, `ANALYZE audit_records`)
}

func BenchmarkSeal(b *testing.B) {
	w := newWorld(b)
	const n = 50_000
	for b.Loop() {
		b.StopTimer()
		w.fill(b, n)
		b.StartTimer()
		if got, err := w.sealer.Seal(b.Context(), w.tenant); err != nil || got != n {
			b.Fatal(got, err)
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkVerify(b *testing.B) {
	w := newWorld(b)
	const n = 100_000
	w.fill(b, n)
	w.seal(b, w.tenant)
	b.Run("database", func(b *testing.B) {
		for b.Loop() {
			if r := w.verify(b, w.tenant); r.Finding != nil || r.Signed != n {
				b.Fatalf("%+v", r)
			}
		}
		b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "records/s")
	})
	file := w.export(b)
	b.Run("file", func(b *testing.B) {
		for b.Loop() {
			trail, err := FromFile(bytes.NewReader(file))
			if err != nil {
				b.Fatal(err)
			}
			if r, err := Verify(b.Context(), trail, w.keys); err != nil || r.Finding != nil || r.Signed != n {
				b.Fatalf("%+v %v", r, err)
			}
		}
		b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "records/s")
		b.ReportMetric(float64(len(file))/n, "B/record")
	})
}

// What a read by id pays for being recorded: one caller at a time, and many that share commits.
func BenchmarkOpened(b *testing.B) {
	w := newWorld(b)
	s := w.staff(w.tenant)
	b.Run("alone", func(b *testing.B) {
		for b.Loop() {
			if err := w.writer.Opened(b.Context(), s, []Opening{client(w)}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("32 callers", func(b *testing.B) {
		before := w.number(b, `SELECT count(DISTINCT xmin::text) FROM audit_records`)
		var calls atomic.Int64
		b.SetParallelism(16) // times GOMAXPROCS
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				calls.Add(1)
				if err := w.writer.Opened(context.Background(), s, []Opening{client(w)}); err != nil {
					b.Error(err)
				}
			}
		})
		after := w.number(b, `SELECT count(DISTINCT xmin::text) FROM audit_records`)
		b.ReportMetric(float64(calls.Load())/float64(after-before), "callers/commit")
	})
	b.Run("a transaction for each", func(b *testing.B) { // what groups are measured against
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := insert(context.Background(), w.db, w.tenant, []*entry{w.writer.openings(s, []Opening{client(w)})}); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// What a tenant without news costs at each sweep.
func BenchmarkSweepOfAnIdleTenant(b *testing.B) {
	w := newWorld(b)
	w.fill(b, 10_000)
	w.seal(b, w.tenant)
	for b.Loop() {
		if work, err := w.sealer.pending(b.Context(), w.tenant, theLatest); err != nil || work {
			b.Fatal(work, err)
		}
	}
}
