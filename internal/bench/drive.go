package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// driver sends requests and reads meters.
type driver struct {
	client  *http.Client
	cluster *cluster
	super   *pgx.Conn
	unique  atomic.Int64
	stamp   string // of this run: keys of an earlier one are not met again
}

func newDriver(ctx context.Context, c *cluster, clients int) (*driver, error) {
	super, err := pgx.Connect(ctx, c.dsn("postgres", clients))
	if err != nil {
		return nil, err
	}
	return &driver{
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections, DisableCompression: true}},
		super:  super, cluster: c, stamp: strconv.FormatInt(time.Now().UnixNano(), 36),
	}, nil
}

func (d *driver) close(ctx context.Context) error {
	d.client.CloseIdleConnections()
	return d.super.Close(ctx)
}

func (d *driver) fresh() string { return d.stamp + "-" + strconv.FormatInt(d.unique.Add(1), 10) }

// answerOf is what is read of an answer: an error fails the run.
type answerOf struct {
	Data   json.RawMessage   `json:"data"`
	Errors []json.RawMessage `json:"errors"`
}

func (d *driver) post(ctx context.Context, p *process, token string, body []byte) ([]byte, error) {
	path := "/graphql"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.work+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := d.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK || bytes.HasPrefix(answer, []byte(`{"errors"`)) {
		return nil, fmt.Errorf("%s: %s: %.400s", p.name, resp.Status, answer)
	}
	return answer, nil
}

// one sends request n of a source and notes the version that a write has led to.
func (d *driver) one(ctx context.Context, p *process, r role, src *source, n int) (time.Duration, error) {
	vars, client := src.variables(n, d.fresh())
	body, err := src.body(p.name, vars)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	answer, err := d.post(ctx, p, r.token, body)
	took := time.Since(start)
	if err != nil {
		return 0, err
	}
	if client == "" {
		return took, nil
	}
	version, err := versionIn(answer)
	if err != nil {
		return 0, fmt.Errorf("%s: %w: %.400s", p.name, err, answer)
	}
	src.changed(client, version)
	return took, nil
}

func versionIn(answer []byte) (int64, error) {
	_, rest, ok := bytes.Cut(answer, []byte(`"version":"`))
	digits, _, closed := bytes.Cut(rest, []byte{'"'})
	if !ok || !closed {
		return 0, fmt.Errorf("no version in the answer")
	}
	return strconv.ParseInt(string(digits), 10, 64)
}

// sample is what one round of one side has cost, for each request.
type sample struct {
	server, database time.Duration
	allocs, bytes    float64
	took             []time.Duration
}

// round sends count requests over the connections and reads every meter before and after.
func (d *driver) round(ctx context.Context, p *process, r role, src *source, count int) (sample, error) {
	var s sample
	if err := d.sealed(ctx); err != nil {
		return s, err
	}
	if err := d.alone(ctx, p); err != nil {
		return s, err
	}
	before, err := p.figures()
	if err != nil {
		return s, err
	}
	database, err := d.backends(ctx)
	if err != nil {
		return s, err
	}
	server, err := cpu(p.cmd.Process.Pid)
	if err != nil {
		return s, err
	}
	took := make([][]time.Duration, connections)
	errs := make([]error, connections)
	var all sync.WaitGroup
	for w := range connections {
		all.Go(func() {
			for n := w; n < count; n += connections {
				t, err := d.one(ctx, p, r, src, n)
				if err != nil {
					errs[w] = err
					return
				}
				took[w] = append(took[w], t)
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return s, err
		}
	}
	if err := d.sealed(ctx); err != nil { // a round pays for the sealing of what it has recorded
		return s, err
	}
	serverAfter, err := cpu(p.cmd.Process.Pid)
	if err != nil {
		return s, err
	}
	databaseAfter, err := d.backends(ctx)
	if err != nil {
		return s, err
	}
	after, err := p.figures()
	if err != nil {
		return s, err
	}
	n := float64(count)
	s.server = time.Duration(float64(serverAfter-server) / n)
	for pid, used := range databaseAfter {
		s.database += used - database[pid] // one that has come since has used all of it here
	}
	s.database = time.Duration(float64(s.database) / n)
	s.allocs, s.bytes = float64(after.Allocs-before.Allocs)/n, float64(after.Bytes-before.Bytes)/n
	s.took = slices.Concat(took...)
	slices.Sort(s.took)
	return s, nil
}

// alone lets only one side work: the other one's sealer would take records of this one's requests off it, and a halted one must not
// hold what this one waits for.
func (d *driver) alone(ctx context.Context, p *process) error {
	if err := p.resume(); err != nil {
		return err
	}
	for {
		if err := p.other.halt(); err != nil {
			return err
		}
		for range 10 { // a statement of this side's own is over soon
			var busy bool
			err := d.super.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND state <> 'idle')`).Scan(&busy)
			if err != nil || !busy {
				return err
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(5 * time.Millisecond):
			}
		}
		if err := p.other.resume(); err != nil {
			return err
		}
	}
}

// sealed waits until every audit record has its seal.
func (d *driver) sealed(ctx context.Context) error {
	for {
		var left bool // the order leads to the index of unsealed records
		err := d.super.QueryRow(ctx, `SELECT (SELECT id FROM audit_records WHERE tenant_id = $1 AND seal_seq IS NULL ORDER BY id LIMIT 1) IS NOT NULL`, rowID(1, ofTenant, 1)).Scan(&left)
		if err != nil || !left {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// backends is the processor time of every connection's process but the driver's own.
func (d *driver) backends(ctx context.Context) (map[int]time.Duration, error) {
	rows, err := d.super.Query(ctx, `SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`)
	if err != nil {
		return nil, err
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return nil, err
	}
	out := map[int]time.Duration{}
	for _, pid := range pids {
		used, err := cpu(pid)
		if err != nil {
			continue // it has just ended
		}
		out[pid] = used
	}
	return out, nil
}

// clientsOf are clients that a role may read and whose profile it may change, scattered over what it sees.
func (d *driver) clientsOf(ctx context.Context, r role) (numbers []int64, versions []int64, err error) {
	condition := map[string]string{
		"ka_sales_rep": `EXISTS (SELECT FROM client_team_members m WHERE m.tenant_id = c.tenant_id AND m.client_id = c.id AND m.staff_id = $2)`,
		"kam_manager":  `department_id IN (SELECT id FROM departments d WHERE d.tenant_id = c.tenant_id AND ('x' || right(d.id::text, 12))::bit(48)::bigint <= 9) AND $2::uuid IS NOT NULL`,
	}[r.key]
	if condition == "" {
		condition = `$2::uuid IS NOT NULL`
	}
	rows, err := d.super.Query(ctx, `SELECT id, version FROM clients c WHERE tenant_id = $1 AND `+condition+` ORDER BY md5(id::text) LIMIT 96`, rowID(1, ofTenant, 1), rowID(1, ofStaff, r.staff))
	if err != nil {
		return nil, nil, err
	}
	var u uuid.UUID
	var version int64
	_, err = pgx.ForEachRow(rows, []any{&u, &version}, func() error {
		n := int64(0)
		for _, b := range u[10:] {
			n = n<<8 | int64(b)
		}
		numbers, versions = append(numbers, n), append(versions, version)
		return nil
	})
	if err == nil && len(numbers) < connections {
		err = fmt.Errorf("%s has %d clients, too few", r.key, len(numbers))
	}
	return numbers, versions, err
}
