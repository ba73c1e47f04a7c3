package e2e

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"

	"github.com/openvibez/openvibez/e2e/openaitest"
	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// openaiHome is an installation whose OpenAI provider talks to a scripted server.
func openaiHome(b *testing.B) (*home, *openaitest.Server) {
	b.Helper()
	srv := openaitest.StartWith(b, openaitest.Config{Key: "sk-bench"})
	return newHome(b, "BENCH_API_KEY=sk-bench"), srv
}

// BenchmarkOpenAI compares an answer of 20,000 deltas through host and plugin with openai-go in a process of its own.
func BenchmarkOpenAI(b *testing.B) {
	h, srv := openaiHome(b)
	p := h.start()
	h.must("provider", "add", "openai", "--name", "bench", "--url", srv.URL, "--key-env", "BENCH_API_KEY", "--set", "api=responses")
	hosts, runs := h.client()
	prompt := "count " + strconv.Itoa(deltas)
	plugin := 0
	// What the plugin's way to the network costs is seen where nobody makes anything of the answer.
	h.must("provider", "add", "scripted", "--name", "drain", "--url", srv.URL, "--key-env", "BENCH_API_KEY", "--no-test")
	spent := func(i int, what string) float64 {
		before := cpu(b, p.cmd.Process.Pid)
		follow(b, hosts, runs, &apiv1.SendRequest{
			ClientRequestId: fmt.Sprintf("%d-%d", i, time.Now().UnixNano()), Provider: "drain", Model: "scripted", Text: what,
		})
		return cpu(b, p.cmd.Process.Pid) - before
	}
	drain := fmt.Sprintf(`drain {"model":%q,"stream":true,"store":false,"input":[{"role":"user","content":%q}]}`, openaitest.Plain, prompt)
	var ours, host, theirs, broker []float64
	for b.Loop() {
		for i := range 6 {
			before, hostBefore := 0.0, cpu(b, p.cmd.Process.Pid)
			if plugin != 0 {
				before = hostBefore + cpu(b, plugin)
			}
			follow(b, hosts, runs, &apiv1.SendRequest{
				ClientRequestId: fmt.Sprintf("openai-%d-%d", i, time.Now().UnixNano()), Provider: "bench", Model: openaitest.Plain, Text: prompt,
			})
			if i == 0 {
				plugin = child(b, p.cmd.Process.Pid, "openvibez-provider-openai")
				spent(i, drain)
				continue
			}
			ours = append(ours, cpu(b, p.cmd.Process.Pid)+cpu(b, plugin)-before)
			host = append(host, cpu(b, p.cmd.Process.Pid)-hostBefore)
			broker = append(broker, spent(i, drain)-spent(i, "say nothing"))
			theirs = append(theirs, clientCPU(b, "responses "+srv.URL+" "+prompt))
		}
	}
	b.ReportMetric(median(ours), "host+plugin-cpu-s")
	b.ReportMetric(median(theirs), "openai-go-cpu-s")
	b.ReportMetric(median(ours)/median(theirs), "host+plugin/openai-go")
	b.ReportMetric(median(host)/median(theirs), "host/openai-go")
	// A part of what the host does.
	b.ReportMetric(median(broker)/median(theirs), "broker/openai-go")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkFirstToken compares the time from a message to the first word of its answer with that of a bare HTTP request,
// with the plugin running and with one that has to be started.
func BenchmarkFirstToken(b *testing.B) {
	h, srv := openaiHome(b)
	p := h.start()
	h.must("provider", "add", "openai", "--name", "bench", "--url", srv.URL, "--key-env", "BENCH_API_KEY", "--set", "api=responses")
	var warm, cold, raw []float64
	for b.Loop() {
		w := watch(b, h)
		w.firstWord(b)
		for range 60 {
			raw = append(raw, rawFirstToken(b, srv.URL))
			warm = append(warm, w.firstWord(b))
			time.Sleep(300 * time.Millisecond)
		}
		for range 10 {
			h.must("stop")
			<-p.gone
			p = h.start()
			w := watch(b, h)
			time.Sleep(time.Second)
			cold = append(cold, w.firstWord(b))
		}
	}
	b.ReportMetric(median(raw), "raw-ms")
	b.ReportMetric(median(warm)-median(raw), "warm-over-raw-ms")
	b.ReportMetric(median(cold)-median(raw), "cold-over-raw-ms")
	b.ReportMetric(0, "ns/op")
}

// watcher follows one session, as an open window does.
type watcher struct {
	runs    apiv1.RunServiceClient
	session string
	stream  *connect.ServerStreamForClient[apiv1.WatchResponse]
}

// watch makes a session that has no messages yet and follows it.
func watch(b *testing.B, h *home) *watcher {
	b.Helper()
	hosts, runs := h.client()
	made, err := h.sessions().CreateSession(b.Context(), &apiv1.CreateSessionRequest{Title: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	stream, err := hosts.Watch(b.Context(), &apiv1.WatchRequest{SessionId: made.Session.Id, AfterRev: made.Session.Rev})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = stream.Close() })
	if !stream.Receive() {
		b.Fatal(stream.Err())
	}
	return &watcher{runs, made.Session.Id, stream}
}

// firstWord sends a message and tells how many milliseconds its answer's first word took. It returns when the answer
// has ended.
func (w *watcher) firstWord(b *testing.B) float64 {
	b.Helper()
	begin := time.Now()
	sent, err := w.runs.Send(b.Context(), &apiv1.SendRequest{
		SessionId: w.session, ClientRequestId: strconv.FormatInt(begin.UnixNano(), 10), Provider: "bench", Model: openaitest.Plain, Text: "hello",
	})
	if err != nil {
		b.Fatal(err)
	}
	took := 0.0
	for w.stream.Receive() {
		for _, c := range w.stream.Msg().Changes {
			if e := c.GetEntry(); took == 0 && e.GetRunId() == sent.Run.Id && (e.GetChunk() != nil || e.GetText() != nil) {
				took = time.Since(begin).Seconds() * 1000
			}
			if r := c.GetRun(); r.GetId() == sent.Run.Id && r.EndedMs != 0 {
				if r.State != apiv1.RunState_RUN_STATE_COMPLETED || took == 0 {
					b.Fatalf("the answer ended as %v: %v", r.State, r.Error)
				}
				return took
			}
		}
	}
	b.Fatalf("watch: %v", w.stream.Err())
	return 0
}

// rawFirstToken is how long the server takes to say its first word to a bare client.
func rawFirstToken(b *testing.B, url string) float64 {
	b.Helper()
	body := fmt.Sprintf(`{"model":%q,"stream":true,"store":false,"input":[{"role":"user","content":"hello"}]}`, openaitest.Plain)
	begin := time.Now()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url+"/responses", strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer sk-bench")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	var took float64
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if took == 0 && bytes.Contains(lines.Bytes(), []byte("response.output_text.delta")) {
			took = time.Since(begin).Seconds() * 1000
		}
	}
	if took == 0 {
		b.Fatalf("the server said nothing: %s", res.Status)
	}
	return took
}

// responsesClient reads one answer with openai-go's Responses API.
func responsesClient(url, prompt string) error {
	client := openai.NewClient(option.WithBaseURL(url), option.WithAPIKey("sk-bench"), option.WithMaxRetries(0))
	stream := client.Responses.NewStreaming(context.Background(), responses.ResponseNewParams{
		Model: openaitest.Plain,
		Input: responses.ResponseNewParamsInputUnion{OfString: openai.String(prompt)},
		Store: openai.Bool(false),
	})
	n := 0
	for stream.Next() {
		if stream.Current().Type == "response.output_text.delta" {
			n++
		}
	}
	if err := stream.Err(); err != nil {
		return err
	}
	if n != deltas {
		return fmt.Errorf("%d deltas came", n)
	}
	return nil
}

// clientCPU runs a client in a process of its own and tells the CPU seconds its answer cost.
func clientCPU(b *testing.B, order string) float64 {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "OPENVIBEZ_BENCH_CLIENT="+order)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		b.Fatalf("openai-go client: %v", err)
	}
	s, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	if err != nil {
		b.Fatal(err)
	}
	return s
}
