package e2e

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"

	"github.com/openvibez/openvibez/e2e/openaitest"
	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// openaiHome is an installation whose OpenAI provider talks to a scripted server.
func openaiHome(b *testing.B) (*home, *openaitest.Server) {
	b.Helper()
	out, err := exec.Command("go", "build", "-o", filepath.Join(bin, "openvibez-provider-openai"), "github.com/openvibez/openvibez/plugins/openai").CombinedOutput()
	if err != nil {
		b.Fatalf("build the plugin: %v\n%s", err, out)
	}
	srv := openaitest.StartWith(b, openaitest.Config{Key: "sk-bench"})
	return newHome(b, "BENCH_API_KEY=sk-bench"), srv
}

// BenchmarkOpenAI compares an answer of 20,000 deltas through host and plugin with openai-go in a process of its own,
// and weighs the two processes afterwards.
func BenchmarkOpenAI(b *testing.B) {
	h, srv := openaiHome(b)
	p := h.start()
	h.must("provider", "add", "openai", "--name", "bench", "--url", srv.URL, "--key-env", "BENCH_API_KEY", "--set", "api=responses")
	hosts, runs := h.client()
	prompt := "count " + strconv.Itoa(deltas)
	plugin := 0
	var ours, theirs []float64
	for b.Loop() {
		for i := range 6 {
			before := 0.0
			if plugin != 0 {
				before = cpu(b, p.cmd.Process.Pid) + cpu(b, plugin)
			}
			follow(b, hosts, runs, &apiv1.SendRequest{
				ClientRequestId: fmt.Sprintf("openai-%d-%d", i, time.Now().UnixNano()), Provider: "bench", Model: openaitest.Plain, Text: prompt,
			}, false)
			if i == 0 {
				plugin = child(b, p.cmd.Process.Pid, "openvibez-provider-openai")
				continue
			}
			ours = append(ours, cpu(b, p.cmd.Process.Pid)+cpu(b, plugin)-before)
			theirs = append(theirs, clientCPU(b, "responses "+srv.URL+" "+prompt))
		}
		time.Sleep(5 * time.Second)
		b.ReportMetric(pss(b, p.cmd.Process.Pid)+pss(b, plugin), "host+plugin-pss-MB")
	}
	b.ReportMetric(median(ours), "host+plugin-cpu-s")
	b.ReportMetric(median(theirs), "openai-go-cpu-s")
	b.ReportMetric(median(ours)/median(theirs), "host+plugin/openai-go")
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
		hosts, runs := h.client()
		ask := func(i int) float64 {
			begin := time.Now()
			follow(b, hosts, runs, &apiv1.SendRequest{
				ClientRequestId: fmt.Sprintf("token-%d-%d", i, time.Now().UnixNano()), Provider: "bench", Model: openaitest.Plain, Text: "hello",
			}, true)
			return time.Since(begin).Seconds() * 1000
		}
		ask(-1)
		for i := range 60 {
			raw = append(raw, rawFirstToken(b, srv.URL))
			warm = append(warm, ask(i))
			time.Sleep(20 * time.Millisecond)
		}
		for i := range 10 {
			h.must("stop")
			<-p.gone
			p = h.start()
			hosts, runs = h.client()
			time.Sleep(300 * time.Millisecond)
			cold = append(cold, ask(100+i))
		}
	}
	b.ReportMetric(median(raw), "raw-ms")
	b.ReportMetric(median(warm)-median(raw), "warm-over-raw-ms")
	b.ReportMetric(median(cold)-median(raw), "cold-over-raw-ms")
	b.ReportMetric(0, "ns/op")
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
