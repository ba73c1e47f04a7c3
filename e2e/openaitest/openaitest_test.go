package openaitest_test

import (
	"strings"
	"testing"

	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/responses"

	"github.com/openvibez/openvibez/e2e/openaitest"
)

// TestOpenAIsOwnLibraryUnderstands: what the server says is what OpenAI's library expects.
func TestOpenAIsOwnLibraryUnderstands(t *testing.T) {
	server := openaitest.StartWith(t, openaitest.Config{Key: "sk-secret", Looks: 1})
	client := responses.NewResponseService(option.WithBaseURL(server.URL), option.WithAPIKey("sk-secret"), option.WithMaxRetries(0))
	ask := func(text string) responses.ResponseNewParams {
		return responses.ResponseNewParams{Model: openaitest.Model, Input: responses.ResponseNewParamsInputUnion{OfString: param.NewOpt(text)}}
	}
	stream := client.NewStreaming(t.Context(), ask(`tool now {"zone":"CET"}`))
	var text, kinds string
	for stream.Next() {
		ev := stream.Current()
		switch ev.Type {
		case "response.output_text.delta":
			text += ev.Delta
		case "response.completed":
			for _, item := range ev.Response.Output {
				kinds += item.Type + " "
			}
			if ev.Response.Usage.InputTokensDetails.CachedTokens != 4 || ev.Response.Output[1].Name != "now" {
				t.Errorf("completed with %s", ev.Response.RawJSON())
			}
		}
	}
	if err := stream.Err(); err != nil || text != "I will look.\n" || kinds != "message function_call " {
		t.Errorf("%v, %q, %s", err, text, kinds)
	}

	whole, err := client.New(t.Context(), ask("hello"))
	if err != nil || whole.OutputText() != "Hello from the scripted OpenAI." {
		t.Errorf("%v, %v", err, whole)
	}
	later := ask("hello")
	later.Background = param.NewOpt(true)
	work, err := client.New(t.Context(), later)
	for range 2 {
		if err != nil || work.Status != "queued" && work.Status != "in_progress" {
			t.Fatalf("%v, %v", err, work)
		}
		work, err = client.Get(t.Context(), work.ID, responses.ResponseGetParams{})
	}
	if err != nil || work.OutputText() != "Hello from the scripted OpenAI." || server.Status(work.ID) != "completed" {
		t.Errorf("%v, %v", err, work)
	}

	stream = client.NewStreaming(t.Context(), ask("cut"))
	for stream.Next() {
		text += stream.Current().Delta
	}
	if stream.Err() == nil || !strings.Contains(text, "These") {
		t.Errorf("%v after %q", stream.Err(), text)
	}
	stranger := responses.NewResponseService(option.WithBaseURL(server.URL), option.WithMaxRetries(0))
	if _, err := stranger.New(t.Context(), ask("hello")); err == nil {
		t.Error("no key is wanted")
	}
	if n := len(server.Requests()); n != 7 {
		t.Errorf("%d requests are known", n)
	}
}
