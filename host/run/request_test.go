package run

import (
	"testing"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func user(run, text string) *apiv1.Entry {
	return &apiv1.Entry{RunId: run, Body: &apiv1.Entry_User{User: &apiv1.UserMessage{Text: text}}}
}

func text(run, text string) *apiv1.Entry {
	return &apiv1.Entry{RunId: run, Body: &apiv1.Entry_Text{Text: &apiv1.ModelText{Text: text}}}
}

func thought(run, text string) *apiv1.Entry {
	return &apiv1.Entry{RunId: run, Body: &apiv1.Entry_Thought{Thought: &apiv1.ModelText{Text: text}}}
}

func call(run, id string) *apiv1.Entry {
	return &apiv1.Entry{RunId: run, Body: &apiv1.Entry_ToolCall{ToolCall: &providerv1.ToolCall{Id: id, Name: "look", ArgumentsJson: "{}"}}}
}

func output(run, id, content string) *apiv1.Entry {
	return &apiv1.Entry{RunId: run, Body: &apiv1.Entry_ToolOutput{ToolOutput: &apiv1.ToolOutput{
		Result: &providerv1.ToolResult{CallId: id, Content: content},
	}}}
}

func turn(run, provider, state string) *apiv1.Entry {
	return &apiv1.Entry{RunId: run, Body: &apiv1.Entry_Turn{Turn: &apiv1.Turn{ProviderId: provider, ProviderState: []byte(state)}}}
}

// shape writes messages so that a test can state them: role letter, parts, state.
func shape(ms []*providerv1.Message) []string {
	roles := map[providerv1.Role]string{1: "system", 2: "user", 3: "assistant", 4: "tool"}
	var out []string
	for _, m := range ms {
		s := roles[m.Role]
		for _, p := range m.Parts {
			switch b := p.Part.(type) {
			case *providerv1.Part_Text:
				s += " " + b.Text
			case *providerv1.Part_Thought:
				s += " (" + b.Thought + ")"
			case *providerv1.Part_ToolCall:
				s += " call:" + b.ToolCall.Id
			case *providerv1.Part_ToolResult:
				s += " result:" + b.ToolResult.CallId + ":" + b.ToolResult.Content
			case *providerv1.Part_Image:
				s += " image:" + b.Image.Name
			case *providerv1.Part_File:
				s += " file:" + b.File.Name
			}
		}
		if len(m.ProviderState) > 0 {
			s += " state:" + string(m.ProviderState)
		}
		out = append(out, s)
	}
	return out
}

func TestMessages(t *testing.T) {
	withFiles := user("1", "look")
	withFiles.GetUser().Attachments = []*providerv1.Blob{{Name: "a.png", MediaType: "image/png"}, {Name: "b.txt", MediaType: "text/plain"}}
	tests := []struct {
		name    string
		system  string
		journal []*apiv1.Entry
		want    []string
	}{
		{"nothing", "", nil, nil},
		{"system prompt goes first", " be brief\n", []*apiv1.Entry{user("1", "hi")}, []string{"system be brief", "user hi"}},
		{"attachments by kind", "", []*apiv1.Entry{withFiles}, []string{"user look image:a.png file:b.txt"}},
		{
			"a turn is one message and keeps its state", "",
			[]*apiv1.Entry{user("1", "hi"), thought("1", "hm"), text("1", "hello"), turn("1", "p", "S"), user("2", "bye")},
			[]string{"user hi", "assistant (hm) hello state:S", "user bye"},
		},
		{
			"state of another provider is not handed on", "",
			[]*apiv1.Entry{user("1", "hi"), text("1", "hello"), turn("1", "other", "S")},
			[]string{"user hi", "assistant hello"},
		},
		{
			"text cut by a queued message is whole again", "",
			[]*apiv1.Entry{user("1", "hi"), text("1", "hel"), text("1", "lo"), turn("1", "p", "")},
			[]string{"user hi", "assistant hello"},
		},
		{
			"two turns with tools", "",
			[]*apiv1.Entry{
				user("1", "hi"), text("1", "I look"), call("1", "a"), call("1", "b"), turn("1", "p", "S"),
				output("1", "a", "x"), output("1", "b", "y"), text("1", "seen"), turn("1", "p", "T"),
			},
			[]string{"user hi", "assistant I look call:a call:b state:S", "tool result:a:x result:b:y", "assistant seen state:T"},
		},
		{
			"a call without a result gets one", "",
			[]*apiv1.Entry{user("1", "hi"), call("1", "a"), user("2", "again")},
			[]string{"user hi", "assistant call:a", "tool result:a:This call was not carried out.", "user again"},
		},
		{
			"answers of two runs in a row stay apart", "",
			[]*apiv1.Entry{user("1", "hi"), text("1", "cut off"), user("2", "go on"), text("2", "done"), turn("2", "p", "")},
			[]string{"user hi", "assistant cut off", "user go on", "assistant done"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := shape(messages(tt.system, "p", tt.journal))
			if len(got) != len(tt.want) {
				t.Fatalf("got %q, want %q", got, tt.want)
			}
			for i := range got {
				if got[i] != tt.want[i] {
					t.Errorf("message %d: got %q, want %q", i, got[i], tt.want[i])
				}
			}
		})
	}
}
