//go:build unix

package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	openai "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/responses"

	"github.com/openvibez/openvibez/e2e/openaitest"
)

// deltas is how many there are in one answer of the benchmark.
const deltas = 20_000

// TestMain lets the test program be the server of the benchmark too: in a process of its own, its work is not counted.
func TestMain(m *testing.M) {
	if os.Getenv("OPENAITEST_SERVE") == "" {
		os.Exit(m.Run())
	}
	server := openaitest.Run(openaitest.Config{})
	fmt.Println(server.URL)
	_, _ = os.Stdin.Read(make([]byte, 1))
	server.Close()
}

func serveApart(b *testing.B) (url string) {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "OPENAITEST_SERVE=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// BenchmarkDeltas compares what an answer costs through the plugin, both sides and the way to the network included, with
// what OpenAI's library spends on it in one process: processor time, in milliseconds an answer.
func BenchmarkDeltas(b *testing.B) {
	url := serveApart(b)
	prompt := fmt.Sprintf("count %d", deltas)
	client := openai.NewClient(option.WithBaseURL(url), option.WithAPIKey("none"), option.WithMaxRetries(0))
	for _, c := range []struct {
		name string
		run  func(b *testing.B) (length int)
	}{
		{"responses/plugin", throughPlugin(url, withResponses, prompt)},
		{"responses/openai-go", func(b *testing.B) (length int) {
			stream := client.Responses.NewStreaming(b.Context(), responses.ResponseNewParams{
				Model: openaitest.Model, Input: responses.ResponseNewParamsInputUnion{OfString: param.NewOpt(prompt)},
			})
			for stream.Next() {
				if ev := stream.Current(); ev.Type == "response.output_text.delta" {
					length += len(ev.Delta)
				}
			}
			if err := stream.Err(); err != nil {
				b.Fatal(err)
			}
			return length
		}},
		{"chat/plugin", throughPlugin(url, withChat, prompt)},
		{"chat/openai-go", func(b *testing.B) (length int) {
			stream := client.Chat.Completions.NewStreaming(b.Context(), openai.ChatCompletionNewParams{
				Model: openaitest.Model, Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(prompt)},
			})
			for stream.Next() {
				if ev := stream.Current(); len(ev.Choices) > 0 {
					length += len(ev.Choices[0].Delta.Content)
				}
			}
			if err := stream.Err(); err != nil {
				b.Fatal(err)
			}
			return length
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			before := processorTime(b)
			for range b.N {
				if length := c.run(b); length < 5*deltas {
					b.Fatalf("only %d bytes came", length)
				}
			}
			b.ReportMetric(float64((processorTime(b)-before).Microseconds())/1000/float64(b.N), "cpu-ms/answer")
		})
	}
}

func throughPlugin(url, settings, prompt string) func(b *testing.B) int {
	return func(b *testing.B) int {
		p := newPlugin(b, url, settings)
		got := p.run(b.Context(), b, p.ask(openaitest.Model, prompt), nil)
		if got.err != nil {
			b.Fatal(got.err)
		}
		return len(got.text)
	}
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
