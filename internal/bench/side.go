package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/clientele/clientele/ent/migrations"
	"github.com/clientele/clientele/graph/limit"
	"github.com/clientele/clientele/graph/serve"
	"github.com/clientele/clientele/internal/product"
)

// A side runs in a process of its own, this program started again with these variables.
const (
	sideVariable  = "BENCH_SIDE"
	appVariable   = "BENCH_APP_URL"
	authnVariable = "BENCH_AUTHN_URL"
	sysVariable   = "BENCH_SYSTEM_URL"
	keyVariable   = "BENCH_AUDIT_KEY"
	// profileVariable has the allocations sampled.
	profileVariable = "BENCH_PROFILE"
	connections     = 8
)

// serveSide is the child: the side's handler, and beside it figures and profiles on an address of their own.
func serveSide(ctx context.Context, side string) error {
	product.TuneCollector() // both sides alike
	if os.Getenv(profileVariable) == "" {
		runtime.MemProfileRate = 0 // as in a program without profiles, which the product's is
	}
	var handler http.Handler
	var err error
	switch side {
	case "floor":
		handler, err = newFloor(ctx)
	case "product":
		handler, err = newProduct(ctx)
	default:
		err = fmt.Errorf("no side %q", side)
	}
	if err != nil {
		return err
	}
	work, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	control, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/figures", figures)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	failed := make(chan error, 2)
	server := serve.NewServer("", handler, limit.Default()) // the time limits of the product's own server, for both sides
	go func() { failed <- server.Serve(work) }()
	go func() { failed <- (&http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}).Serve(control) }()
	fmt.Println(work.Addr(), control.Addr())
	// The parent holds the other end of standard input: when it ends, so does this.
	go func() {
		_, _ = bufio.NewReader(os.Stdin).ReadByte()
		failed <- nil
	}()
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	}
}

type figure struct{ Allocs, Bytes uint64 }

func figures(w http.ResponseWriter, _ *http.Request) {
	runtime.GC() // the round before is not paid for by the next one
	samples := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}, {Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(samples)
	_ = json.NewEncoder(w).Encode(figure{samples[0].Value.Uint64(), samples[1].Value.Uint64()})
}

// process is a side seen from the driver.
type process struct {
	name          string
	other         *process // that it is compared with
	cmd           *exec.Cmd
	hold          func() error
	work, control string // URLs
}

func startSide(side string, c *cluster, clients int, o *options) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), sideVariable+"="+side, appVariable+"="+c.dsn(migrations.RoleApp, clients),
		authnVariable+"="+c.dsn(migrations.RoleAuthn, clients), sysVariable+"="+c.dsn(migrations.RoleSystem, clients),
		keyVariable+"="+filepath.Join(c.folder, "audit.key"))
	if o.into != "" {
		cmd.Env = append(cmd.Env, profileVariable+"=1")
	}
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	runtime.LockOSThread() // the death signal is tied to the thread that starts the child
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	// A side that is ready has a key: the other one finds it.
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("the %s did not start: %w", side, errors.Join(err, cmd.Wait()))
	}
	work, control, _ := strings.Cut(strings.TrimSpace(line), " ")
	return &process{name: side, cmd: cmd, hold: in.Close, work: "http://" + work, control: "http://" + control}, nil
}

func (p *process) stop() error { return errors.Join(p.resume(), p.hold(), p.cmd.Wait()) }

// halt stops the process where it is; resume lets it go on.
func (p *process) halt() error   { return p.cmd.Process.Signal(syscall.SIGSTOP) }
func (p *process) resume() error { return p.cmd.Process.Signal(syscall.SIGCONT) }

func (p *process) figures() (f figure, err error) {
	body, err := p.get("/figures")
	if err != nil {
		return f, err
	}
	return f, json.Unmarshal(body, &f)
}

func (p *process) get(path string) ([]byte, error) {
	resp, err := http.Get(p.control + path)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

// cpu is the processor time that a process has used, over all its threads. The kernel's clock of a process counts
// nanoseconds; /proc counts hundredths of a second.
func cpu(pid int) (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &t); err != nil {
		return 0, fmt.Errorf("processor time of %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}
