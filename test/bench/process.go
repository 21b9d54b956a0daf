package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is one of the programs measured.
type process struct {
	cmd     *exec.Cmd
	log     *os.File
	stopped bool
}

// start runs a program until stop; what it prints goes to a file in dir.
func start(dir, name string, args ...string) (*process, error) {
	log, err := os.Create(filepath.Join(dir, filepath.Base(name)+"-"+strconv.FormatInt(time.Now().UnixNano(), 36)+".log"))
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = log, log
	// A bench that is killed leaves nothing behind.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return &process{cmd: cmd, log: log}, nil
}

func (p *process) stop() {
	if p == nil || p.stopped {
		return
	}
	p.stopped = true
	//lint:ignore errcheck it has ended by itself
	p.cmd.Process.Signal(syscall.SIGTERM)
	//lint:ignore errcheck it was told to end: how it did is not measured
	p.cmd.Wait()
	p.log.Close()
}

// peak is the most memory the process ever had resident, in MB.
func (p *process) peak() (float64, error) { return p.status("VmHWM:") }

// resident is the memory that it has now, in MB.
func (p *process) resident() (float64, error) { return p.status("VmRSS:") }

func (p *process) status(what string) (float64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, what); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024, err
		}
	}
	return 0, errors.New("no " + what + " memory is measured on Linux only")
}

// cpu is how much processor time the process has used so far, in seconds.
func (p *process) cpu() (float64, error) { return cpuOf(strconv.Itoa(p.cmd.Process.Pid)) }

// cpuOf reads /proc: user and system time are its fields 14 and 15, in ticks of
// a hundredth of a second.
func cpuOf(pid string) (float64, error) {
	raw, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(raw), ") ") // the name may have spaces
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, errors.New("/proc/" + pid + "/stat is too short: processor time is measured on Linux only")
	}
	user, err1 := strconv.ParseFloat(fields[11], 64)
	system, err2 := strconv.ParseFloat(fields[12], 64)
	return (user + system) / 100, errors.Join(err1, err2)
}

// used is the processor time that some work takes of each of some processes.
func used(work func() error, of ...func() (float64, error)) ([]float64, error) {
	took := make([]float64, len(of))
	for i, f := range of {
		s, err := f()
		if err != nil {
			return nil, err
		}
		took[i] = -s
	}
	if err := work(); err != nil {
		return nil, err
	}
	for i, f := range of {
		s, err := f()
		if err != nil {
			return nil, err
		}
		took[i] += s
	}
	return took, nil
}

func sum(v []float64) (total float64) {
	for _, x := range v {
		total += x
	}
	return total
}

func self() (float64, error) { return cpuOf("self") }

// port is one that is free now.
func port() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// listening waits until a program listens on a port.
func listening(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return c.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no program listens on port %d: %w", port, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// servers are those of NATS: one, or a cluster.
type servers []*process

func (s servers) stop() {
	for _, p := range s {
		p.stop()
	}
}

func (s servers) cpu() (total float64, err error) {
	for _, p := range s {
		used, err := p.cpu()
		if err != nil {
			return 0, err
		}
		total += used
	}
	return total, nil
}

// startNATS runs NATS of its own with an empty store: one server, or a cluster of as many
// as there are replicas, with further lines in its configuration.
func startNATS(ctx context.Context, dir, binary string, always bool, replicas int, more ...string) (all servers, url string, err error) {
	at := make([]int, 2*replicas) // for clients, then for one another
	for i := range at {
		if at[i], err = port(); err != nil {
			return nil, "", err
		}
	}
	sync := "2m"
	if always {
		sync = "always"
	}
	var urls, routes []string
	for i := range replicas {
		urls = append(urls, fmt.Sprintf("nats://127.0.0.1:%d", at[i]))
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", at[replicas+i]))
	}
	for i := range replicas {
		store, err := os.MkdirTemp(dir, "nats")
		if err != nil {
			return all, "", err
		}
		text := fmt.Sprintf("listen: 127.0.0.1:%d\nserver_name: bench-%d\njetstream { store_dir: %q, sync_interval: %q }\n%s\n", at[i], i, store, sync, strings.Join(more, "\n"))
		if replicas > 1 {
			text += fmt.Sprintf("cluster { name: bench, listen: 127.0.0.1:%d, routes: [%s] }\n", at[replicas+i], strings.Join(routes, ", "))
		}
		conf := filepath.Join(store, "nats.conf")
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			return all, "", err
		}
		p, err := start(dir, binary, "-c", conf)
		if err != nil {
			return all, "", err
		}
		all = append(all, p)
	}
	for i := range replicas {
		if err := listening(ctx, at[i]); err != nil {
			return all, "", err
		}
	}
	return all, strings.Join(urls, ","), nil
}
