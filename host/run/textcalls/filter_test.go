package textcalls

import (
	"fmt"
	"strings"
	"testing"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func textEvent(s string) *providerv1.Event {
	return &providerv1.Event{Event: &providerv1.Event_Text{Text: s}}
}

func doneEvent() *providerv1.Event {
	return &providerv1.Event{Event: &providerv1.Event_Done{Done: &providerv1.Done{}}}
}

// told is what a filter has made of a reply, so that tests can state it: text as it is, other events in brackets.
type told struct {
	strings.Builder
}

func (b *told) add(events []*providerv1.Event) {
	for _, ev := range events {
		switch body := ev.Event.(type) {
		case *providerv1.Event_Text:
			b.WriteString(body.Text)
		case *providerv1.Event_Plan:
			b.WriteString("[plan")
			for _, s := range body.Plan.Steps {
				mark := " "
				if s.State == providerv1.Plan_Step_STATE_DONE {
					mark = " +"
				}
				b.WriteString(mark + s.Text)
			}
			b.WriteString("]")
		case *providerv1.Event_ToolCall:
			fmt.Fprintf(b, "[%s %s]", body.ToolCall.Name, body.ToolCall.ArgumentsJson)
		case *providerv1.Event_Notice:
			b.WriteString("[notice]")
		}
	}
}

// tell feeds pieces to f, ends the reply and gives what came of it.
func tell(f *Filter, pieces ...string) string {
	var b told
	for _, p := range pieces {
		b.add(f.Feed(textEvent(p)))
	}
	b.add(f.Feed(doneEvent()))
	if f.correction != nil {
		said := f.correction[len(f.correction)-1].Parts[0].GetText()
		if strings.Contains(said, "Go on") {
			b.WriteString("[go on]")
		} else {
			b.WriteString("[again]")
		}
	}
	return b.String()
}

var replies = []struct {
	name, reply, want string
}{
	{"nothing", "", ""},
	{"prose", "Hello.\n\n  Two  \n\n\n", "Hello.\n\n  Two  \n\n\n"},
	{"only space", "\n \n", "\n \n"},
	{"a lot of space", strings.Repeat(" \n", 400) + "x", strings.Repeat(" \n", 400) + "x"},
	{"final", `FINAL {"message":"Done."}`, "Done."},
	{"final with prose", "So:\nFINAL {\"message\":\"Done.\"}\n\nBye.\n", "So:\n\nDone.\n\nBye.\n"},
	{"two finals", `FINAL {"message":"a"} FINAL {"message":"b"}`, "a\n\nb"},
	{"call", `TOOL_CALL {"name":"look","arguments":{"at":"it"}}`, `[look {"at":"it"}]`},
	{"call between prose", "I look.\n\nTOOL_CALL {\"name\":\"look\",\"arguments\":{}}\n\nWait.", "I look.\n[look {}]Wait."},
	{"prose on the same line", `TOOL_CALL {"name":"look","arguments":{}} and wait`, "[look {}]and wait"},
	{"keyword within a line", `I write TOOL_CALL {"name":"look","arguments":{}}`, `I write TOOL_CALL {"name":"look","arguments":{}}`},
	{"several calls", "TOOL_CALL {\"name\":\"a\",\"arguments\":{}}\nTOOL_CALL {\"name\":\"b\",\"arguments\":{}}\n", "[a {}][b {}]"},
	{"on one line", `STEP_DONE {"index":1} TOOL_CALL {"name":"a","arguments":{}}TOOL_CALL {"name":"b","arguments":{}}`, "[plan +old new][a {}][b {}]"},
	{"call, then step", "TOOL_CALL {\"name\":\"a\",\"arguments\":{}}\nSTEP_DONE {\"index\":2,\"note\":\"fine\"}", "[a {}][plan old +new]"},
	{"plan", "PLAN {\"steps\":[\"one\",\" \",\"two \"]}\nSTEP_DONE {\"index\":2}\nTOOL_CALL {\"name\":\"a\",\"arguments\":{}}", "[plan one two][plan one +two][a {}]"},
	{"the same plan again", "STEP_DONE {\"index\":1}\nPLAN {\"steps\":[\"old\",\"new\"]}\nFINAL {\"message\":\"x\"}", "[plan +old new]x"},
	{"steps that are not there", "STEP_DONE {\"index\":0}\nSTEP_DONE {\"index\":-1}\nSTEP_DONE {\"index\":3}\nFINAL {\"message\":\"x\"}", "x"},
	{"plan alone", `PLAN {"steps":["one"]}`, "[plan one][go on]"},
	{"plan and prose", "PLAN {\"steps\":[\"one\"]}\nI start.", "[plan one]I start.[go on]"},
	{"last step and prose", "STEP_DONE {\"index\":1}\nSTEP_DONE {\"index\":2}\nThat was it.", "[plan +old new][plan +old +new]That was it."},
	{"call and final", "TOOL_CALL {\"name\":\"a\",\"arguments\":{}}\nFINAL {\"message\":\"x\"}", "[a {}]x"},

	{"words of prose", "FINALLY, the PLAN.\nFINAL result: 7\nPLAN: {a, b}\nFINAL\n{x}\nTOOL_CALL is a line.\nTOOL_CALLS {\"name\":\"a\"}\n", "FINALLY, the PLAN.\nFINAL result: 7\nPLAN: {a, b}\nFINAL\n{x}\nTOOL_CALL is a line.\nTOOL_CALLS {\"name\":\"a\"}\n"},
	{"keywords with nothing behind", "PLAN\n\nFINAL", "PLAN\n\nFINAL"},
	{"not JSON and then a call", "FINAL\nTOOL_CALL {\"name\":\"a\",\"arguments\":{}}", "FINAL\n[a {}]"},
	{"lower case", `final {"message":"x"}`, `final {"message":"x"}`},
	{"unicode around", "Größe 😀\nTOOL_CALL {\"name\":\"a\",\"arguments\":{\"ü\":\"\\u00fc😀\\ud83d\\ude00\"}}\n終", "Größe 😀\n[a {\"ü\":\"\\u00fc😀\\ud83d\\ude00\"}]終"},

	{"fence around", "I look:\n```json\nTOOL_CALL {\"name\":\"a\",\"arguments\":{}}\n```\nWait.", "I look:\n[a {}]Wait."},
	{"fence around several", "```\nPLAN {\"steps\":[\"x\"]}\n\nNow.\nTOOL_CALL {\"name\":\"a\",\"arguments\":{}}\n```", "[plan x]Now.\n[a {}]"},
	{"fence around the object", "TOOL_CALL\n```json\n{\"name\":\"a\",\"arguments\":{}}\n```\n", "[a {}]"},
	{"fence on the line", "```TOOL_CALL {\"name\":\"a\",\"arguments\":{}}```", "[a {}]"},
	{"tildes", "~~~~text\n\n  TOOL_CALL {\"name\":\"a\",\"arguments\":{}}\n~~~~\nx", "[a {}]x"},
	{"marks", "**TOOL_CALL** {\"name\":\"a\",\"arguments\":{}}\n`TOOL_CALL {\"name\":\"b\",\"arguments\":{}}`\n**FINAL:** {\"message\":\"x\"}\n### FINAL\n{\"message\":\"y\"}", "[a {}][b {}]x\n\ny"},
	{"code stays code", "```\nx := 1\nFINAL {\"message\":\"no\"}\n``` \nFINAL {\"message\":\"yes\"}", "```\nx := 1\nFINAL {\"message\":\"no\"}\n``` \n\nyes"},
	{"code within code", "````md\n```\nFINAL {\"message\":\"no\"}\n```\n````\nFINAL {\"message\":\"yes\"}", "````md\n```\nFINAL {\"message\":\"no\"}\n```\n````\n\nyes"},
	{"empty code", "```go\n```\nTOOL_CALL {\"name\":\"a\",\"arguments\":{}}", "```go\n```\n[a {}]"},
	{"inline code at the beginning", "```x``` is\nTOOL_CALL {\"name\":\"a\",\"arguments\":{}}", "```x``` is\n[a {}]"},
	{"code that is open at the end", "```go\n``", "```go\n``"},
	{"fence alone", "```", "```"},

	{"several lines", "TOOL_CALL {\n  \"name\": \"a\",\n  \"arguments\": {\n    \"b\": [1, \"}\"]\n  }\n}\nx", "[a {\n    \"b\": [1, \"}\"]\n  }]x"},
	{"a brace too many", "TOOL_CALL {\"name\":\"a\",\"arguments\":{}}}\nx", "[a {}]x"},
	{"line breaks within a string", "TOOL_CALL {\"name\":\"a\",\"arguments\":{\"b\":\"1\n2\t\\\"\"}}", "[a {\"b\":\"1\\u000a2\\u0009\\\"\"}]"},
	{"arguments as text", `TOOL_CALL {"name":"a","arguments":"{\"b\":1}"}`, `[a {"b":1}]`},
	{"no arguments", `TOOL_CALL {"name":"a"}`, `[a {}]`},
	{"null arguments", `TOOL_CALL {"name":"a","arguments":null}`, `[a {}]`},
	{"a large number", `TOOL_CALL {"name":"a","arguments":{"n":12345678901234567890}}`, `[a {"n":12345678901234567890}]`},

	{"escapes", `FINAL {"message":"caf\u00e9 \ud83d\ude00 \"q\" \\ \/ \n\t\u20AC"}`, "café 😀 \"q\" \\ / \n\t€"},
	{"half a pair", `FINAL {"message":"\ud83d x \ude00 \ud83d\n\ud83d\u0041\ud83d\ud83d\ude00"}`, "\uFFFD x \uFFFD \uFFFD\n\uFFFDA\uFFFD😀"},
	{"no escapes", `FINAL {"message":"\d \u12 \uD8zz C:\Windows"}`, `\d \u12 \uD8zz C:\Windows`},
	{"open quotes", `FINAL {"message":"He said "hi", "bye" and went."}`, `He said "hi", "bye" and went.`},
	{"line break in the message", "FINAL {\"message\":\"a\n\nb\"}", "a\n\nb"},
	{"keyword in the message", "FINAL {\"message\":\"a\nTOOL_CALL {\\\"name\\\":\\\"x\\\"}\"}", "a\nTOOL_CALL {\"name\":\"x\"}"},
	{"message among others", "FINAL {\"ok\":true,\"list\":[{\"message\":\"no\"}],\"message\" : \"yes\" , \"x\":{\"message\":\"no\"}}\nz", "yes\n\nz"},
	{"empty message", `FINAL {"message":""}`, ""},
	{"final without an end", `FINAL {"message":"so fa`, "so fa"},
	{"final without a brace", `FINAL {"message":"all"`, "all"},
	{"final cut in an escape", `FINAL {"message":"so\ud83d\ud`, "so"},

	{"broken call", "I look.\nTOOL_CALL {\"name\":\"a\",}\nTOOL_CALL {\"name\":\"b\",\"arguments\":{}}", "I look.\n[again]"},
	{"a call before a broken one", "TOOL_CALL {\"name\":\"b\",\"arguments\":{}}\nTOOL_CALL {name: a}", "[b {}][again]"},
	{"call without an end", `TOOL_CALL {"name":"a","arguments":{`, "[again]"},
	{"final that has just begun", `FINAL {`, "[again]"},
	{"final without a message", `FINAL {"text":"x"}`, "[again]"},
	{"a message that is no text", `FINAL {"message":{"a":"b"}}`, "[again]"},
	{"single quotes", `FINAL {'message': 'x'}`, "[again]"},
	{"call without a name", `TOOL_CALL {"arguments":{}}`, "[again]"},
	{"other names for arguments", `TOOL_CALL {"name":"a","parameters":{}}`, "[again]"},
	{"arguments that are no object", `TOOL_CALL {"name":"a","arguments":[1]}`, "[again]"},
	{"steps that are no list", `PLAN {"steps":"one"}`, "[again]"},
	{"plan without steps", `PLAN {}`, "[again]"},
	{"step without an index", `STEP_DONE {"note":"x"}`, "[again]"},
	{"an invented result", "TOOL_RESULT {\"name\":\"a\",\"content\":\"x\"}\nFINAL {\"message\":\"x\"}", "[again]"},
	{"an invented result after a call", "TOOL_CALL {\"name\":\"a\",\"arguments\":{}}\nTOOL_RESULT {\"name\":\"a\",\"content\":\"x\"}\nFINAL {\"message\":\"x\"}", "[a {}]"},
}

func newTestFilter() *Filter {
	return &Filter{plan: []*providerv1.Plan_Step{
		{Text: "old", State: providerv1.Plan_Step_STATE_OPEN}, {Text: "new", State: providerv1.Plan_Step_STATE_OPEN},
	}}
}

func TestFilter(t *testing.T) {
	for _, tt := range replies {
		t.Run(tt.name, func(t *testing.T) {
			if got := tell(newTestFilter(), tt.reply); got != tt.want {
				t.Fatalf("%q\ncame to %q\nwant    %q", tt.reply, got, tt.want)
			}
			for i := range len(tt.reply) {
				if got := tell(newTestFilter(), tt.reply[:i], tt.reply[i:]); got != tt.want {
					t.Fatalf("split at %d: %q + %q\ncame to %q\nwant    %q", i, tt.reply[:i], tt.reply[i:], got, tt.want)
				}
			}
			if got := tell(newTestFilter(), strings.Split(tt.reply, "")...); got != tt.want {
				t.Errorf("rune by rune it came to %q", got)
			}
			var single []string
			for i := range len(tt.reply) {
				single = append(single, tt.reply[i:i+1])
			}
			if got := tell(newTestFilter(), single...); got != tt.want {
				t.Errorf("byte by byte it came to %q", got)
			}
		})
	}
}

func TestFilterMayNotAskAgain(t *testing.T) {
	for _, tt := range []struct{ name, reply, want string }{
		{"broken", "a\nTOOL_CALL {\"name\":1}\nFINAL {\"message\":\"x\"}\n", "a\nTOOL_CALL {\"name\":1}\nFINAL {\"message\":\"x\"}\n[notice]"},
		{"incomplete", "```\nTOOL_CALL {\"name\"", "```\nTOOL_CALL {\"name\"[notice]"},
		{"plan alone", `PLAN {"steps":["one"]}`, "[plan one]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for i := range len(tt.reply) {
				f := &Filter{corrections: maxCorrections}
				if got := tell(f, tt.reply[:i], tt.reply[i:]); got != tt.want {
					t.Fatalf("split at %d it came to %q, want %q", i, got, tt.want)
				}
			}
		})
	}
}

func TestFilterCut(t *testing.T) {
	for reply, want := range map[string]string{
		"so far\n\n":                        "so far\n\n",
		"so far\nTOOL_":                     "so far\nTOOL_",
		"so far\nTOOL_CALL {\"name\":\"a\"": "so far\n",
		"FINAL {":                           "",
		"FINAL {\"message\":\"so f\\u00":    "so f",
	} {
		f := &Filter{}
		var b told
		b.add(f.Feed(textEvent(reply)))
		b.add(f.Cut())
		if got := b.String(); got != want || f.correction != nil {
			t.Errorf("%q cut off came to %q, want %q", reply, got, want)
		}
		f = &Filter{}
		b.Reset()
		b.add(f.Feed(textEvent(reply)))
		b.add(f.Feed(&providerv1.Event{Event: &providerv1.Event_Error{Error: &providerv1.Error{}}}))
		if got := b.String(); got != want || f.correction != nil {
			t.Errorf("%q before an error came to %q, want %q", reply, got, want)
		}
	}
}

func TestFilterStreams(t *testing.T) {
	f := &Filter{}
	steps := []struct{ in, out string }{
		{"He", "He"},
		{"llo\n", "llo\n"},
		{"FIN", ""},
		{"AL {\"message", ""},
		{"\":\"So", "\nSo"},
		{" it", " it"},
		{" is\\", " is"},
		{"n", "\n"},
		{"a\"", "a"},
		{"}", ""},
	}
	for _, s := range steps {
		var b told
		b.add(f.Feed(textEvent(s.in)))
		if got := b.String(); got != s.out {
			t.Errorf("%q came to %q at once, want %q", s.in, got, s.out)
		}
	}
}

func TestFilterPassesOtherEvents(t *testing.T) {
	f := &Filter{}
	events := []*providerv1.Event{
		{Event: &providerv1.Event_Thought{Thought: "TOOL_CALL {"}},
		{Event: &providerv1.Event_Usage{Usage: &providerv1.Usage{InputTokens: 1}}},
		{Event: &providerv1.Event_ToolCall{ToolCall: &providerv1.ToolCall{Id: "1", Name: "own"}}},
		doneEvent(),
	}
	for _, ev := range events {
		if got := f.Feed(ev); len(got) != 1 || got[0] != ev {
			t.Errorf("%v came to %v", ev, got)
		}
	}
}

func TestFilterIsBounded(t *testing.T) {
	begin := `TOOL_CALL {"name":"a","arguments":{"b":"`
	for _, again := range []bool{true, false} {
		f := &Filter{}
		if !again {
			f.corrections = maxCorrections
		}
		var b told
		b.add(f.Feed(textEvent(begin)))
		for range 64 {
			b.add(f.Feed(textEvent(strings.Repeat("x", 1<<17))))
		}
		b.add(f.Feed(textEvent(`"}}`)))
		b.add(f.Feed(doneEvent()))
		if cap(f.raw) > 4*maxValue || len(f.held) > maxHead {
			t.Errorf("it holds %d bytes and %d", cap(f.raw), len(f.held))
		}
		if again {
			said := f.correction[1].Parts[0].GetText()
			if !strings.Contains(said, "longer than 1048576 bytes") || b.Len() > 0 {
				t.Errorf("said %q, sent %d bytes", said, b.Len())
			}
			if quote := f.correction[0].Parts[0].GetText(); len(quote) > maxQuote+8 {
				t.Errorf("the model is shown %d bytes again", len(quote))
			}
			continue
		}
		if got := b.String(); len(got) != maxValue+len("[notice]") || !strings.HasPrefix(got, begin) {
			t.Errorf("sent %d bytes", len(got))
		}
	}
	t.Run("a message has no bound", func(t *testing.T) {
		f := &Filter{}
		n := 0
		f.Feed(textEvent(`FINAL {"message":"`))
		for range 32 {
			for _, ev := range f.Feed(textEvent(strings.Repeat("y", 1<<17))) {
				n += len(ev.GetText())
			}
		}
		if n != 32<<17 || len(f.held) > 0 {
			t.Errorf("%d bytes came through, %d are held", n, len(f.held))
		}
	})
	t.Run("nor can space hold it up", func(t *testing.T) {
		f := &Filter{}
		var b told
		for range 10 * maxHead {
			b.add(f.Feed(textEvent("\n")))
			if len(f.held) > maxHead {
				t.Fatalf("%d bytes are held", len(f.held))
			}
		}
		b.add(f.Feed(doneEvent()))
		if b.Len() != 10*maxHead {
			t.Errorf("%d bytes came through", b.Len())
		}
	})
}

func FuzzFilter(f *testing.F) {
	for i, tt := range replies {
		f.Add(tt.reply, uint8(i))
	}
	const protocolLine = `TOOL_CALL {"name":"fuzz","arguments":{"a":[1,"\u00e9}"]}}`
	f.Fuzz(func(t *testing.T, s string, size uint8) {
		whole := tell(&Filter{}, s)
		step := int(size)%7 + 1
		var pieces []string
		for rest := s; rest != ""; {
			n := min(step, len(rest))
			pieces = append(pieces, rest[:n])
			rest = rest[n:]
		}
		if got := tell(&Filter{}, pieces...); got != whole {
			t.Fatalf("%q in pieces of %d came to %q, as a whole to %q", s, step, got, whole)
		}
		plain := true
		for _, w := range words {
			plain = plain && !strings.Contains(s, w)
		}
		if !plain {
			return
		}
		if whole != s {
			t.Fatalf("%q came to %q", s, whole)
		}
		// After prose that leaves no code open, a protocol line is carried out and never shown.
		if strings.Contains(s, "``") || strings.Contains(s, "~~") {
			return
		}
		got := tell(&Filter{}, s+"\n"+protocolLine+"\n"+s)
		if strings.Contains(got, wordCall) || strings.Count(got, "[fuzz ") != 1+strings.Count(s, "[fuzz ")*2 {
			t.Fatalf("after %q the line came to %q", s, got)
		}
	})
}

// BenchmarkFilterProse is what plain text costs: deltas of 4 bytes, a line break after each twentieth.
func BenchmarkFilterProse(b *testing.B) {
	var deltas []*providerv1.Event
	for i := range 20 {
		deltas = append(deltas, textEvent("abc "))
		if i == 19 {
			deltas[i] = textEvent("abc\n")
		}
	}
	for _, bench := range []struct {
		name   string
		deltas []*providerv1.Event
	}{{"line", deltas[:19]}, {"lines", deltas}} {
		b.Run(bench.name, func(b *testing.B) {
			f := &Filter{}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				f.Feed(bench.deltas[i])
				if i++; i == len(bench.deltas) {
					i = 0
				}
			}
		})
	}
}
