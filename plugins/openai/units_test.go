package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// ordered gives the deltas in the order in which they are handled, of events "NUMBER delta".
func ordered(t *testing.T, events ...string) string {
	t.Helper()
	var got []string
	o := newOrder(func(ev *event) (bool, error) {
		got = append(got, ev.Delta)
		return ev.ends(), nil
	})
	for _, text := range events {
		var n int64
		var delta string
		if _, err := fmt.Sscanf(text, "%d %s", &n, &delta); err != nil {
			t.Fatal(err)
		}
		ev := &event{Type: "response.output_text.delta", Sequence: &n, Delta: delta}
		if delta == "end" {
			ev.Type = "response.completed"
		}
		if stop, err := o.take(ev, []byte(text)); stop || err != nil {
			return strings.Join(got, " ")
		}
	}
	if _, err := o.flush(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(got, " ")
}

func TestOrder(t *testing.T) {
	for _, c := range []struct{ name, events, want string }{
		{"in order", "0 a|1 b|2 end", "a b end"},
		{"swapped", "1 b|0 a|3 d|2 c|4 end", "a b c d end"},
		{"twice", "0 a|0 a|1 b|1 b|2 end", "a b end"},
		{"repeated later", "0 a|1 b|2 c|0 a|1 b|2 c|3 end", "a b c end"},
		{"held twice", "0 a|2 c|2 c|1 b|3 end", "a b c end"},
		{"one is missing", "0 a|2 c|3 d|4 end", "a c d end"},
		{"one is missing in a cut stream", "0 a|2 c|3 d", "a c d"},
		{"no order at all", "0 a|0 b|0 c|0 end", "a b c end"},
		{"begins elsewhere", "7 a|8 b|9 end", "a b end"},
		{"the end comes early", "0 a|3 end|2 c", "a end"},
	} {
		if got := ordered(t, strings.Split(c.events, "|")...); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	// Where too much is held back for one that does not come, it goes on without.
	var far []string
	for i := range 100 {
		if i != 3 {
			far = append(far, fmt.Sprintf("%d d%d", i, i))
		}
	}
	if got := ordered(t, far...); len(strings.Fields(got)) != 99 {
		t.Errorf("%s", got)
	}
	// Any order within reach becomes the right one.
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		var events, want []string
		for i := range 60 {
			events = append(events, fmt.Sprintf("%d d%d", i, i))
			want = append(want, fmt.Sprintf("d%d", i))
		}
		for at := 0; at+10 <= len(events); at += 10 {
			random.Shuffle(10, func(i, j int) { events[at+i], events[at+j] = events[at+j], events[at+i] })
		}
		events = slices.Insert(events, 30, events[10:20]...)
		if got := ordered(t, events...); got != strings.Join(want, " ") {
			t.Fatalf("seed %d: %s", seed, got)
		}
	}
}

func TestSchemas(t *testing.T) {
	for schema, want := range map[string]bool{
		`{"type":"object","properties":{},"required":[],"additionalProperties":false}`:                                                                                                                      true,
		`{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}`:                                                                                              true,
		`{"type":"object","properties":{"a":{"type":"string"}},"required":[],"additionalProperties":false}`:                                                                                                 false,
		`{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}`:                                                                                                                           false,
		`{"type":"object","properties":{"a":{"type":"array","items":{"type":"object","properties":{"b":{}}}}},"required":["a"],"additionalProperties":false}`:                                               false,
		`{"type":"object","properties":{"a":{"type":"array","items":{"type":"object","properties":{"b":{}},"required":["b"],"additionalProperties":false}}},"required":["a"],"additionalProperties":false}`: true,
		`{"type":"object","properties":{"a":{"$ref":"#/$defs/x"}},"required":["a"],"additionalProperties":false,"$defs":{"x":{"type":"object"}}}`:                                                           false,
		`{"type":"array","items":{"type":"string"}}`: false,
		`{"anyOf":[{"type":"object"}]}`:              false,
		`nonsense`:                                   false,
	} {
		if got := enforceable([]byte(schema)); got != want {
			t.Errorf("%s: %v", schema, got)
		}
	}
}

func TestSmallTasksAreCheap(t *testing.T) {
	c, err := newClient(&providerv1.Connection{BaseUrl: "https://api.openai.com/v1", SettingsJson: `{"reasoning_effort":"high"}`})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		model, asked string
		purpose      providerv1.Purpose
		want         string
	}{
		{"gpt-5.4", "", providerv1.Purpose_PURPOSE_CHAT, "high"},
		{"gpt-5.4", "", providerv1.Purpose_PURPOSE_TITLE, "low"},
		{"gpt-5.4", "medium", providerv1.Purpose_PURPOSE_SUMMARY, "medium"},
		{"gpt-4o", "", providerv1.Purpose_PURPOSE_TITLE, ""},
		{"gpt-4o", "", providerv1.Purpose_PURPOSE_CHAT, ""},
	} {
		got := (&openAI{}).extrasFor(c, &providerv1.RunRequest{Model: x.model, Purpose: x.purpose, Options: &providerv1.Options{ReasoningEffort: x.asked}})
		if got.effort != x.want || got.summary != reasons(x.model) {
			t.Errorf("%v: effort %q, summary %v", x, got.effort, got.summary)
		}
	}
}
