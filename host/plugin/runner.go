package plugin

import (
	"context"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/openvibez/openvibez/host/sandbox"
)

// drainTime is how long the output of a process that has ended is still read. A process it left behind may hold the
// pipes open for ever.
const drainTime = time.Second

// runner starts one process for go-plugin, in the sandbox, and remembers what it printed before it answered.
type runner struct {
	sandbox  *sandbox.Sandbox
	plugin   sandbox.Plugin
	launched *sandbox.Process
	stdout   *output
	stderr   *output
}

// Start starts the process. It never inherits the host's stdin.
func (r *runner) Start(context.Context) error {
	outRead, outWrite, err := os.Pipe()
	if err != nil {
		return err
	}
	errRead, errWrite, err := os.Pipe()
	if err != nil {
		return errors.Join(err, outRead.Close(), outWrite.Close())
	}
	l, err := r.sandbox.StartPlugin(r.plugin, outWrite, errWrite)
	_, _ = outWrite.Close(), errWrite.Close()
	if err != nil {
		_, _ = outRead.Close(), errRead.Close()
		return err
	}
	r.launched = l
	r.stdout = &output{file: outRead, eof: make(chan struct{})}
	r.stderr = &output{file: errRead, eof: make(chan struct{})}
	go func() {
		<-l.Done()
		time.Sleep(drainTime)
		_, _ = outRead.Close(), errRead.Close()
	}()
	return nil
}

func (r *runner) Wait(context.Context) error {
	<-r.launched.Done()
	return nil
}

// Kill ends the process. One that has just ended by itself gets the time to say how.
func (r *runner) Kill(context.Context) error {
	select {
	case <-r.stdout.eof:
		select {
		case <-r.launched.Done():
		case <-time.After(drainTime):
		}
	default:
	}
	r.launched.Kill()
	return nil
}

func (r *runner) Stdout() io.ReadCloser { return r.stdout }
func (r *runner) Stderr() io.ReadCloser { return r.stderr }
func (r *runner) Name() string          { return r.plugin.Path }

func (r *runner) Diagnose(context.Context) string { return "" }

func (r *runner) PluginToHost(network, address string) (string, string, error) {
	return network, address, nil
}

func (r *runner) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

// output is one of a process's pipes, with its beginning kept.
type output struct {
	file *os.File
	// Closed at the pipe's end, when everything before it has been taken.
	eof  chan struct{}
	once sync.Once

	mu   sync.Mutex
	head []byte
}

func (o *output) Read(b []byte) (int, error) {
	n, err := o.file.Read(b)
	o.mu.Lock()
	if room := 4096 - len(o.head); room > 0 {
		o.head = append(o.head, b[:min(n, room)]...)
	}
	o.mu.Unlock()
	if err != nil {
		o.once.Do(func() { close(o.eof) })
	}
	return n, err
}

func (o *output) Close() error { return o.file.Close() }

// firstLine gives the first line that came, without its end; ok tells whether anything came at all.
func (o *output) firstLine() (line string, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	line, _, _ = strings.Cut(string(o.head), "\n")
	return strings.TrimRight(line, "\r"), len(o.head) > 0
}

// ID is the process's number, "" before it has started.
func (r *runner) ID() string {
	if r.launched == nil {
		return ""
	}
	return strconv.Itoa(r.launched.PID())
}
