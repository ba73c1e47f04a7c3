package e2e

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/openvibez/openvibez/e2e/openaitest"
	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// deltas is how many pieces of text a benchmarked answer has.
const deltas = 20000

// client talks to a host under test the way the window does.
func (h *home) client() (apiv1.HostServiceClient, apiv1.RunServiceClient) {
	return apiv1.NewHostServiceClient(h.http(), "http://openvibez"), apiv1.NewRunServiceClient(h.http(), "http://openvibez")
}

func (h *home) sessions() apiv1.SessionServiceClient {
	return apiv1.NewSessionServiceClient(h.http(), "http://openvibez")
}

func (h *home) http() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(h.dir, "run", "api.sock"))
	}}}
}

// BenchmarkDeltas compares what the host spends on an answer of 20,000 deltas, through plugin, journal and Watch, with
// what openai-go spends on reading as many in its own process.
func BenchmarkDeltas(b *testing.B) {
	h := newHome(b)
	p := h.start()
	h.must("provider", "add", "scripted")
	hosts, runs := h.client()
	plugin := 0

	var ours, plugins, theirs []float64
	for b.Loop() {
		// The first answer starts the plugin and warms both sides up.
		for i := range 6 {
			before := cpu(b, p.cmd.Process.Pid)
			pluginBefore := 0.0
			if plugin != 0 {
				pluginBefore = cpu(b, plugin)
			}
			answer(b, hosts, runs, fmt.Sprintf("bench-%d-%d", len(ours), time.Now().UnixNano()))
			if i == 0 {
				plugin = child(b, p.cmd.Process.Pid, "openvibez-provider-scripted")
				continue
			}
			ours = append(ours, cpu(b, p.cmd.Process.Pid)-before)
			plugins = append(plugins, cpu(b, plugin)-pluginBefore)
			theirs = append(theirs, openaiCPU(b))
		}
	}
	b.ReportMetric(median(ours), "host-cpu-s")
	b.ReportMetric(median(plugins), "plugin-cpu-s")
	b.ReportMetric(median(theirs), "openai-go-cpu-s")
	b.ReportMetric(median(ours)/median(theirs), "host/openai-go")
	b.ReportMetric(0, "ns/op")
}

// answer sends one message and follows it through Watch to its end.
func answer(b *testing.B, hosts apiv1.HostServiceClient, runs apiv1.RunServiceClient, id string) {
	b.Helper()
	follow(b, hosts, runs, &apiv1.SendRequest{
		ClientRequestId: id, Provider: "scripted", Text: "text " + strconv.Itoa(deltas),
	})
}

// follow sends a message and watches until its end.
func follow(b *testing.B, hosts apiv1.HostServiceClient, runs apiv1.RunServiceClient, req *apiv1.SendRequest) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	sent, err := runs.Send(ctx, req)
	if err != nil {
		b.Fatal(err)
	}
	stream, err := hosts.Watch(ctx, &apiv1.WatchRequest{SessionId: sent.Session.Id, AfterRev: sent.Run.Rev - 1})
	if err != nil {
		b.Fatal(err)
	}
	defer stream.Close()
	for stream.Receive() {
		for _, c := range stream.Msg().Changes {
			if r := c.GetRun(); r.GetId() == sent.Run.Id && r.EndedMs != 0 {
				if r.State != apiv1.RunState_RUN_STATE_COMPLETED {
					b.Fatalf("the answer ended as %v: %v", r.State, r.Error)
				}
				return
			}
		}
	}
	b.Fatalf("watch: %v (%v)", stream.Err(), connect.CodeOf(stream.Err()))
}

// openaiCPU tells what openai-go spends in a process of its own on reading the same answer.
func openaiCPU(b *testing.B) float64 {
	b.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		out := bufio.NewWriterSize(w, 32<<10)
		for range deltas {
			fmt.Fprint(out, `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"word"},"finish_reason":null}]}`+"\n\n")
		}
		fmt.Fprint(out, `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`+"\n\ndata: [DONE]\n\n")
		if err := out.Flush(); err != nil {
			b.Error(err)
		}
	}))
	defer srv.Close()
	return clientCPU(b, "chat "+srv.URL)
}

// benchClient is the child of clientCPU: it prints the CPU seconds one streamed answer costs it.
func benchClient(order string) int {
	kind, rest, _ := strings.Cut(order, " ")
	url, prompt, _ := strings.Cut(rest, " ")
	before := selfCPU()
	read := chatClient
	if kind == "responses" {
		read = func(url string) error { return responsesClient(url, prompt) }
	}
	if err := read(url); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(selfCPU() - before)
	return 0
}

// chatClient reads one answer with openai-go's Chat Completions API.
func chatClient(url string) error {
	client := openai.NewClient(option.WithBaseURL(url), option.WithAPIKey("unused"), option.WithMaxRetries(0))
	stream := client.Chat.Completions.NewStreaming(context.Background(), openai.ChatCompletionNewParams{
		Model: "m", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("go")},
	})
	n := 0
	for stream.Next() {
		n++
	}
	if err := stream.Err(); err != nil {
		return err
	}
	if n <= deltas {
		return fmt.Errorf("%d pieces came", n)
	}
	return nil
}

// BenchmarkIdle weighs a host that has nothing to do, alone and with the OpenAI plugin running.
func BenchmarkIdle(b *testing.B) {
	h, srv := openaiHome(b)
	p := h.start()
	pid := p.cmd.Process.Pid
	for b.Loop() {
		// What the start itself needed is given back by then, and plugins that only said who they are have ended.
		time.Sleep(40 * time.Second)
		const over = 20
		before := cpu(b, pid)
		time.Sleep(over * time.Second)
		b.ReportMetric((cpu(b, pid)-before)*1000/over, "cpu-ms/s")
		alone := pss(b, pid)
		h.must("provider", "add", "openai", "--name", "bench", "--url", srv.URL, "--key-env", "BENCH_API_KEY", "--set", "api=responses")
		h.must("ask", "--provider", "bench", "--model", openaitest.Plain, "hello")
		time.Sleep(5 * time.Second)
		b.ReportMetric(alone, "host-pss-MB")
		b.ReportMetric(pss(b, pid)+pss(b, child(b, pid, "openvibez-provider-openai"))+pss(b, child(b, pid, "openvibez-sandbox")), "host+openai-pss-MB")
	}
	b.ReportMetric(0, "ns/op")
}

func selfCPU() float64 {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano()).Seconds()
}

// cpu is the CPU time in seconds that the threads of a process have had.
func cpu(b *testing.B, pid int) float64 {
	b.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(tasks) == 0 {
		b.Fatalf("no threads of process %d: %v", pid, err)
	}
	var sum int64
	for _, t := range tasks {
		raw, err := os.ReadFile(t)
		if err != nil {
			continue
		}
		ns, err := strconv.ParseInt(strings.Fields(string(raw))[0], 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		sum += ns
	}
	return time.Duration(sum).Seconds()
}

// pss is a process's proportional share of memory in MB.
func pss(b *testing.B, pid int) float64 {
	b.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range bytes.Lines(raw) {
		if f := strings.Fields(string(line)); len(f) == 3 && f[0] == "Pss:" {
			kb, err := strconv.ParseFloat(f[1], 64)
			if err != nil {
				b.Fatal(err)
			}
			return kb * 1024 / 1e6
		}
	}
	b.Fatal("no Pss in smaps_rollup")
	return 0
}

// child finds the process of the given name below pid.
func child(b *testing.B, pid int, name string) int {
	b.Helper()
	exes, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		b.Fatal(err)
	}
	for _, exe := range exes {
		target, err := os.Readlink(exe)
		if err != nil || filepath.Base(target) != name || filepath.Dir(target) != bin {
			continue
		}
		id, err := strconv.Atoi(filepath.Base(filepath.Dir(exe)))
		if err != nil {
			b.Fatal(err)
		}
		return id
	}
	b.Fatalf("process %d has no child %s", pid, name)
	return 0
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}
