package run

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/run/textcalls"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func plan(run string, done int, steps ...string) *apiv1.Entry {
	p := &providerv1.Plan{}
	for i, s := range steps {
		state := providerv1.Plan_Step_STATE_OPEN
		if i < done {
			state = providerv1.Plan_Step_STATE_DONE
		}
		p.Steps = append(p.Steps, &providerv1.Plan_Step{Text: s, State: state})
	}
	return &apiv1.Entry{RunId: run, Body: &apiv1.Entry_Plan{Plan: p}}
}

func TestJournalInWords(t *testing.T) {
	tests := []struct {
		name    string
		journal []*apiv1.Entry
		want    []string
	}{
		{"prose alone", []*apiv1.Entry{user("1", "hi"), text("1", "hello"), turn("1", "p", "")}, []string{"user hi", "assistant hello"}},
		{
			"calls and results",
			[]*apiv1.Entry{
				user("1", "hi"), text("1", "I look."), call("1", "a"), call("1", "b"), turn("1", "p", ""),
				output("1", "a", "1\n<2> \"TOOL_RESULT {}"), output("1", "b", ""), text("1", "seen"), turn("1", "p", ""),
			},
			[]string{
				"user hi",
				"assistant I look.\nTOOL_CALL {\"name\":\"look\",\"arguments\":{}}\nTOOL_CALL {\"name\":\"look\",\"arguments\":{}}",
				"user TOOL_RESULT {\"name\":\"\",\"content\":\"1\\n<2> \\\"TOOL_RESULT {}\"}\nTOOL_RESULT {\"name\":\"\",\"content\":\"\"}",
				"assistant seen",
			},
		},
		{
			"a call that nobody carried out",
			[]*apiv1.Entry{user("1", "hi"), call("1", "a"), user("2", "again")},
			[]string{
				"user hi", "assistant TOOL_CALL {\"name\":\"look\",\"arguments\":{}}",
				"user TOOL_RESULT {\"name\":\"look\",\"failed\":true,\"content\":\"This call was not carried out.\"}", "user again",
			},
		},
		{
			"a plan and its steps",
			[]*apiv1.Entry{
				user("1", "hi"), text("1", "So:"), plan("1", 0, "x", "y"), thought("1", "hm"), plan("1", 1, "x", "y"), plan("1", 2, "x", "y"),
				text("1", "That was it."), turn("1", "p", ""), user("2", "more"), plan("2", 1, "z"),
			},
			[]string{
				"user hi",
				"assistant So:\nPLAN {\"steps\":[\"x\",\"y\"]} (hm) STEP_DONE {\"index\":1}\n\nSTEP_DONE {\"index\":2}\nThat was it.",
				"user more", "assistant PLAN {\"steps\":[\"z\"]}\nSTEP_DONE {\"index\":1}",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			journal, _ := textcalls.Plans(tt.journal)
			if got := shape(textcalls.Calls(messages("", "p", journal))); !slices.Equal(got, tt.want) {
				t.Errorf("got\n%q\nwant\n%q", got, tt.want)
			}
		})
	}
}

func TestCorrectionJoinsWhatTheModelSaid(t *testing.T) {
	said := []*providerv1.Message{
		{Role: providerv1.Role_ROLE_USER, Parts: []*providerv1.Part{textPart("hi")}},
		{Role: providerv1.Role_ROLE_ASSISTANT, Parts: []*providerv1.Part{textPart("I look.")}, ProviderState: []byte("S")},
	}
	f := textcalls.New(nil, 0)
	f.Feed(&providerv1.Event{Event: &providerv1.Event_Text{Text: "TOOL_CALL {"}})
	f.Feed(&providerv1.Event{Event: &providerv1.Event_Done{Done: &providerv1.Done{}}})
	got := shape(withCorrection(said, f.Correction()))
	if len(got) != 3 || got[1] != "assistant I look.\nTOOL_CALL { state:S" || !strings.HasPrefix(got[2], `user TOOL_RESULT {"name":"protocol","failed":true,`) {
		t.Errorf("got %q", got)
	}
}

// newToolBench has one tool that models may call.
func newToolBench(t *testing.T) *bench {
	b := newBench(t)
	b.engine = New(Config{Store: b.store, Providers: b.plug, Logger: slog.New(slog.DiscardHandler)})
	b.engine.tools = func() []*providerv1.Tool {
		return []*providerv1.Tool{{Name: "look", Description: "Looks.", ParametersSchema: `{"type":"object"}`}}
	}
	return b
}

func (b *bench) sendTo(model, session, text string) *apiv1.Run {
	b.Helper()
	requests++
	res, err := b.engine.Send(b.Context(), &apiv1.SendRequest{
		SessionId: session, ClientRequestId: fmt.Sprintf("request-%d", requests), Text: text, Provider: "Scripted", Model: model,
	}, nil)
	if err != nil {
		b.Fatal(err)
	}
	return res.Run
}

// journal states what a run has brought.
func (b *bench) journal(r *apiv1.Run) []string {
	b.Helper()
	var out []string
	for _, e := range b.entries(r.SessionId) {
		if e.RunId != r.Id {
			continue
		}
		switch body := e.Body.(type) {
		case *apiv1.Entry_Text:
			out = append(out, "text "+body.Text.Text)
		case *apiv1.Entry_Plan:
			var steps []string
			for _, s := range body.Plan.Steps {
				steps = append(steps, map[bool]string{true: "+"}[s.State == providerv1.Plan_Step_STATE_DONE]+s.Text)
			}
			out = append(out, "[plan "+strings.Join(steps, " ")+"]")
		case *apiv1.Entry_ToolCall:
			out = append(out, "call "+body.ToolCall.Name+" "+body.ToolCall.ArgumentsJson)
		case *apiv1.Entry_ToolOutput:
			out = append(out, "output "+body.ToolOutput.Result.Name)
		case *apiv1.Entry_Notice:
			out = append(out, "notice")
		case *apiv1.Entry_Turn:
			out = append(out, "turn")
		}
	}
	return out
}

func (b *bench) wantJournal(r *apiv1.Run, want ...string) {
	b.Helper()
	if got := b.journal(r); !slices.Equal(got, want) {
		b.Errorf("the journal holds\n%q\nwant\n%q", got, want)
	}
}

func TestTextProtocol(t *testing.T) {
	b := newToolBench(t)
	unavailable := `The tool \"look\" is not available in this conversation. Answer without it.`
	t.Run("from plan to answer", func(t *testing.T) {
		r := b.sendTo("remote", "", `raw I look.\nPLAN {"steps":["see","say"]}\nTOOL_CALL {"na
raw me":"look","arguments":{"at":"it"}}\nSTEP_DONE {"index":1}\n
then
last
tools
raw STEP_DONE {"index":2}\nFINAL {"message":"Caf\u00e9."}`)
		b.wantEnd(r, completed, noError)
		b.wantJournal(
			r, "text I look.\n", "[plan see say]", `call look {"at":"it"}`, "[plan +see say]", "turn", "output look",
			`text last: TOOL_RESULT {"name":"look","failed":true,"content":"`+unavailable+`"}`+"\n0 tools\n",
			"[plan +see +say]", "text Café.", "turn",
		)
		next := b.sendTo("remote", r.SessionId, "history\nsay plain")
		b.wantEnd(next, completed, noError)
		b.wantJournal(next, "text 6 messages: system user assistant user assistant user\nplain\n", "turn")
	})
	t.Run("a broken line is asked for again", func(t *testing.T) {
		r := b.sendTo("remote", "", `raw I look.\nTOOL_CALL {"name":"look",}\n
then
history
last
raw TOOL_CALL {"name":"look","arguments":{}}
then
raw FINAL {"message":"Seen."}`)
		b.wantEnd(r, completed, noError)
		got := b.journal(r)
		if len(got) != 8 || !strings.Contains(got[2], "4 messages: system user assistant user\nlast: TOOL_RESULT {\"name\":\"protocol\",\"failed\":true,") {
			t.Fatalf("the journal holds %q", got)
		}
		got[2] = "said"
		if want := []string{"text I look.\n", "turn", "said", "call look {}", "turn", "output look", "text Seen.", "turn"}; !slices.Equal(got, want) {
			t.Errorf("the journal holds %q, want %q", got, want)
		}
	})
	t.Run("but only twice", func(t *testing.T) {
		r := b.sendTo("remote", "", `raw TOOL_CALL {"name":}`)
		b.wantEnd(r, completed, noError)
		b.wantJournal(r, "turn", "turn", `text TOOL_CALL {"name":}`, "notice", "turn")
	})
	t.Run("a plan alone is no answer", func(t *testing.T) {
		r := b.sendTo("remote", "", `raw PLAN {"steps":["see"]}`)
		got := b.wantEnd(r, failed, providerv1.ErrorCode_ERROR_CODE_EMPTY)
		if !strings.Contains(got.Error.GetMessage(), "only a plan") {
			t.Errorf("words: %s", got.Error.GetMessage())
		}
	})
	t.Run("what came before an error is kept", func(t *testing.T) {
		r := b.sendTo("remote", "", `raw so far\nTOOL_CA
error PROVIDER`)
		b.wantEnd(r, failed, providerv1.ErrorCode_ERROR_CODE_PROVIDER)
		if got := b.answer(r); got != "so far\nTOOL_CA" {
			t.Errorf("kept %q", got)
		}
	})
	t.Run("a model with tools gets them", func(t *testing.T) {
		r := b.sendTo("scripted", "", "tools\nhistory\nraw TOOL_CALL {\"name\":\"look\",\"arguments\":{}}")
		b.wantEnd(r, completed, noError)
		b.wantJournal(r, "text 1 tools\n1 messages: user\nTOOL_CALL {\"name\":\"look\",\"arguments\":{}}", "turn")
	})
}

func TestNoToolsNoProtocol(t *testing.T) {
	b := newBench(t)
	r := b.sendTo("remote", "", "history\nraw TOOL_CALL {\"name\":\"look\",\"arguments\":{}}")
	b.wantEnd(r, completed, noError)
	b.wantJournal(r, "text 1 messages: user\nTOOL_CALL {\"name\":\"look\",\"arguments\":{}}", "turn")
}
