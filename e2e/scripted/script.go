package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// script is one turn of the scripted provider.
type script struct {
	ctx    context.Context
	turn   int // how many calls for this run came before
	req    *providerv1.RunRequest
	stream *sdk.Stream
	state  []byte
	ended  bool
}

// command does one line's work; words is what follows its name.
type command func(s *script, words string) error

var commands = map[string]command{
	// say WORDS
	"say": func(s *script, words string) error { s.stream.Text(words + "\n"); return nil },
	// raw WORDS: with \n for a new line, and nothing added
	"raw": func(s *script, words string) error {
		s.stream.Text(strings.ReplaceAll(words, `\n`, "\n"))
		return nil
	},
	// thought WORDS
	"thought": func(s *script, words string) error { s.stream.Thought(words); return nil },
	// text N: N deltas of 4 bytes, as fast as they go
	"text": func(s *script, words string) error {
		for i := range number(words, 0) {
			s.stream.Text(fmt.Sprintf("%03d ", i%1000))
		}
		return nil
	},
	// flood text|notices: without end
	"flood": func(s *script, words string) error {
		for s.ctx.Err() == nil {
			if words == "notices" {
				s.stream.Notice(providerv1.Notice_LEVEL_INFO, "again")
				continue
			}
			s.stream.Text(strings.Repeat("x", 32<<10))
		}
		return s.ctx.Err()
	},
	// shout: prints without end, until it is cancelled
	"shout": func(s *script, _ string) error {
		for s.ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, strings.Repeat("shout ", 100))
		}
		return s.ctx.Err()
	},
	"markdown": markdown,
	// slow N MS: N deltas, MS milliseconds apart
	"slow": func(s *script, words string) error {
		for i := range number(words, 0) {
			s.stream.Text(fmt.Sprintf("%03d ", i%1000))
			if err := s.sleep(number(words, 1)); err != nil {
				return err
			}
		}
		return nil
	},
	// pieces A|B|C: each a delta of its own
	"pieces": func(s *script, words string) error {
		for _, w := range strings.Split(words, "|") {
			s.stream.Text(w)
			if err := s.sleep(10); err != nil {
				return err
			}
		}
		return nil
	},
	// delay MS
	"delay": func(s *script, words string) error { return s.sleep(number(words, 0)) },
	// status WORDS
	"status": func(s *script, words string) error {
		s.stream.Status(providerv1.Status_KIND_WORKING, words)
		return nil
	},
	// notice WORDS
	"notice": func(s *script, words string) error {
		s.stream.Notice(providerv1.Notice_LEVEL_INFO, words)
		return nil
	},
	// plan A|B: the first step is done, the others are open
	"plan": func(s *script, words string) error {
		var steps []*providerv1.Plan_Step
		for i, w := range strings.Split(words, "|") {
			state := providerv1.Plan_Step_STATE_OPEN
			if i == 0 {
				state = providerv1.Plan_Step_STATE_DONE
			}
			steps = append(steps, &providerv1.Plan_Step{Text: strings.TrimSpace(w), State: state})
		}
		s.stream.Plan(steps...)
		return nil
	},
	// action TITLE
	"action": func(s *script, words string) error {
		s.stream.Action(&providerv1.Action{Kind: providerv1.Action_KIND_COMMAND, State: providerv1.Action_STATE_SUCCEEDED, Title: words})
		return nil
	},
	// tool NAME JSON
	"tool": func(s *script, words string) error {
		name, arguments, _ := strings.Cut(words, " ")
		s.stream.ToolCall(&providerv1.ToolCall{Name: name, ArgumentsJson: arguments})
		return nil
	},
	// tool-as ID NAME JSON: a call with an id that the provider chose
	"tool-as": func(s *script, words string) error {
		id, rest, _ := strings.Cut(words, " ")
		name, arguments, _ := strings.Cut(rest, " ")
		s.stream.ToolCall(&providerv1.ToolCall{Id: id, Name: name, ArgumentsJson: arguments})
		return nil
	},
	// usage IN OUT
	"usage": func(s *script, words string) error {
		s.stream.Usage(&providerv1.Usage{InputTokens: int64(number(words, 0)), OutputTokens: int64(number(words, 1))})
		return nil
	},
	// reference REQUEST RESPONSE
	"reference": func(s *script, words string) error {
		request, response, _ := strings.Cut(words, " ")
		s.stream.Reference(request, response)
		return nil
	},
	// question WORDS: asks for a yes or no and says what the answer was
	"question": func(s *script, words string) error { return s.ask("", words) },
	// question-as ID WORDS: the same with an id that the provider chose
	"question-as": func(s *script, words string) error {
		id, words, _ := strings.Cut(words, " ")
		return s.ask(id, words)
	},
	// error CODE [RETRY-MS]: ends the turn with that error
	"error": func(s *script, words string) error {
		name, _, _ := strings.Cut(words, " ")
		code := providerv1.ErrorCode(providerv1.ErrorCode_value["ERROR_CODE_"+strings.ToUpper(name)])
		return sdk.Errorf(code, "the script asked for the error %s", name).WithRetryAfter(time.Duration(number(words, 1)) * time.Millisecond)
	},
	// window N: takes at most N tokens, at four bytes each
	"window": func(s *script, words string) error {
		bytes := 0
		for _, m := range s.req.Messages {
			for _, p := range m.Parts {
				bytes += len(p.GetText()) + len(p.GetToolResult().GetContent())
			}
		}
		if bytes/4 <= number(words, 0) {
			return nil
		}
		err := sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_CONTEXT_TOO_LONG, "the script takes %d tokens, and %d came", number(words, 0), bytes/4)
		err.Proto.ContextTokens = int64(number(words, 0))
		return err
	},
	// refuse PARAMETER: refuses a request that has it, as some models do
	"refuse": func(s *script, words string) error {
		o := s.req.Options.ProtoReflect()
		if field := o.Descriptor().Fields().ByTextName(words); field == nil || !o.Has(field) {
			return nil
		}
		err := sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED_PARAMETER, "the script does not take %s", words)
		err.Proto.Parameter = words
		return err
	},
	// state TEXT: says what state the conversation brought, and keeps TEXT for the next turn
	"state": func(s *script, words string) error {
		came := "none"
		for _, m := range s.req.Messages {
			if len(m.ProviderState) > 0 {
				came = string(m.ProviderState)
			}
		}
		s.stream.Text("state was " + came + "\n")
		s.state = []byte(words)
		return nil
	},
	// history: says how many messages came and whose they are
	"history": func(s *script, _ string) error {
		var roles []string
		for _, m := range s.req.Messages {
			roles = append(roles, strings.ToLower(strings.TrimPrefix(m.Role.String(), "ROLE_")))
		}
		s.stream.Text(fmt.Sprintf("%d messages: %s\n", len(roles), strings.Join(roles, " ")))
		return nil
	},
	// last: says what the last message holds
	"last": func(s *script, _ string) error {
		m := s.req.Messages[len(s.req.Messages)-1]
		for _, p := range m.Parts {
			s.stream.Text("last: " + p.GetText() + "\n")
		}
		return nil
	},
	// results: says what the tools called last came to
	"results": func(s *script, _ string) error {
		for _, p := range s.req.Messages[len(s.req.Messages)-1].Parts {
			if r := p.GetToolResult(); r != nil {
				s.stream.Text(fmt.Sprintf("<%s failed=%v> %s\n", r.Name, r.Failed, r.Content))
			}
		}
		return nil
	},
	// system: says what the system message is
	"system": func(s *script, _ string) error {
		if m := s.req.Messages[0]; m.Role == providerv1.Role_ROLE_SYSTEM {
			s.stream.Text(m.Parts[0].GetText() + "\n")
		}
		return nil
	},
	// tools: says how many there are
	"tools": func(s *script, _ string) error {
		s.stream.Text(fmt.Sprintf("%d tools\n", len(s.req.Tools)))
		return nil
	},
	// fetch PATH: says what the provider answers there
	"fetch": func(s *script, words string) error {
		status, body, err := get(s.ctx, s.req.Connection, words)
		if err != nil {
			return err
		}
		s.stream.Text(status + " " + body + "\n")
		return nil
	},
	// fetch-deaf PATH: the same, and does not hear a cancel
	"fetch-deaf": func(s *script, words string) error {
		_, _, err := get(context.WithoutCancel(s.ctx), s.req.Connection, words)
		return err
	},
	// drain JSON: asks for an answer with it, and says how many bytes that has
	"drain": func(s *script, words string) error {
		req, err := http.NewRequestWithContext(s.ctx, http.MethodPost, s.req.Connection.BaseUrl+"/responses", strings.NewReader(words))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := sdk.HTTPClient(s.req.Connection).Do(req)
		if err != nil {
			return err
		}
		defer func() { _ = res.Body.Close() }()
		n, err := io.Copy(io.Discard, res.Body)
		if err != nil {
			return err
		}
		s.stream.Text(fmt.Sprintf("%s, %d bytes\n", res.Status, n))
		return nil
	},
	// url: says the base URL
	"url": func(s *script, _ string) error { s.stream.Text(s.req.Connection.BaseUrl + "\n"); return nil },
	// settings: says what it is told of its settings
	"settings": func(s *script, _ string) error {
		s.stream.Text(s.req.Connection.SettingsJson + "\n")
		return nil
	},
	// environment: says the names of all variables
	"environment": func(s *script, _ string) error {
		for _, kv := range os.Environ() {
			name, _, _ := strings.Cut(kv, "=")
			s.stream.Text(name + "\n")
		}
		return nil
	},
	// log WORDS
	"log": func(_ *script, words string) error { slog.Info(words); return nil },
	// child: starts a process that outlives its parent, and says its number
	"child": func(s *script, _ string) error {
		c := exec.Command("/bin/sleep", "600")
		if err := c.Start(); err != nil {
			return err
		}
		s.stream.Text(fmt.Sprintf("child %d\n", c.Process.Pid))
		return nil
	},
	// crash: exits with status 3 in mid-answer
	"crash": func(s *script, _ string) error { _ = s.sleep(100); os.Exit(3); return nil },
	// kill: ends itself by SIGKILL
	"kill": func(s *script, _ string) error {
		_ = s.sleep(100)
		self, err := os.FindProcess(os.Getpid())
		if err != nil {
			return err
		}
		_ = self.Kill()
		select {}
	},
	"panic": func(*script, string) error { panic("the script asked for it") },
	// hang: does nothing until it is cancelled
	"hang": func(s *script, _ string) error { <-s.ctx.Done(); return s.ctx.Err() },
	// hang-hard: does nothing, and does not hear a cancel
	"hang-hard": func(*script, string) error { select {} },
	// length: ends at the output limit
	"length": func(s *script, _ string) error {
		s.stream.Done(&providerv1.Done{Reason: providerv1.Done_REASON_LENGTH})
		s.ended = true
		return nil
	},
	// nodone: returns without an end
	"nodone": func(s *script, _ string) error { s.ended = true; return nil },
	// double-done: ends twice and goes on
	"double-done": func(s *script, _ string) error {
		s.stream.Done(nil)
		s.stream.Done(nil)
		s.stream.Text("after the end")
		s.ended = true
		return nil
	},
	// background HANDLE
	"background": func(s *script, words string) error {
		s.stream.Background(words, 20*time.Millisecond)
		s.ended = true
		return nil
	},
}

func (s *script) run() error {
	if s.req.Purpose == providerv1.Purpose_PURPOSE_TITLE {
		s.stream.Text("\"Title of a script.\"\n")
		s.stream.Usage(&providerv1.Usage{InputTokens: 5, OutputTokens: 2})
		s.stream.Done(nil)
		return nil
	}
	if s.req.Purpose == providerv1.Purpose_PURPOSE_SUMMARY {
		if strings.Contains(lastText(s.req.Messages), "no summary") {
			s.stream.Done(nil)
			return nil
		}
		s.stream.Text("A script went before.\n")
		s.stream.Usage(&providerv1.Usage{InputTokens: 50, OutputTokens: 4})
		s.stream.Done(nil)
		return nil
	}
	prompt, tool := lastPrompt(s.req.Messages)
	// Lines behind "when interrupted" are carried out by a run that goes on from one that was.
	if strings.HasPrefix(prompt, "You were interrupted") {
		prompt = whenInterrupted(s.req.Messages, prompt)
	} else {
		prompt, _, _ = strings.Cut(prompt, "\nwhen interrupted\n")
	}
	// Lines behind "after the tool" are carried out when a tool has answered; without them its answer is said.
	before, after, more := strings.Cut(wholeScript(s.req.Messages), "\nafter the tool\n")
	first := 0
	switch {
	case more && tool != nil:
		prompt, tool, first = after, nil, 1
	case more:
		prompt = before
	}
	// A line "then" ends what one turn carries out; the last part serves all turns after it.
	parts := strings.Split(prompt, "\nthen\n")
	if tool != nil && len(parts) == 1 {
		s.stream.Text("the tool said: " + tool.Content + "\n")
		s.stream.Done(nil)
		return nil
	}
	for _, line := range strings.Split(parts[min(s.turn, len(parts)-1)], "\n") {
		line = strings.TrimSpace(line)
		// once COMMAND: only the first time this run comes
		if again, ok := strings.CutPrefix(line, "once "); ok {
			if s.turn > first {
				continue
			}
			line = again
		}
		name, words, _ := strings.Cut(line, " ")
		if name == "" {
			continue
		}
		do, ok := commands[name]
		if !ok {
			do, words = commands["say"], line
		}
		if err := do(s, words); err != nil {
			return err
		}
		if s.ended {
			return nil
		}
	}
	s.stream.Done(&providerv1.Done{ProviderState: s.state})
	return nil
}

// lastPrompt gives the script, and what a tool has answered since, if one has. Results told in words are passed over.
func lastPrompt(messages []*providerv1.Message) (string, *providerv1.ToolResult) {
	var result *providerv1.ToolResult
	for i := len(messages) - 1; i >= 0; i-- {
		for _, p := range messages[i].Parts {
			if r := p.GetToolResult(); r != nil && result == nil {
				result = r
			}
			if text := p.GetText(); messages[i].Role == providerv1.Role_ROLE_USER && text != "" && !told(text) && !strings.HasPrefix(text, "(From the program") {
				return text, result
			}
		}
	}
	return "", result
}

// whenInterrupted is what the script before says to do then; otherwise if it says nothing.
func whenInterrupted(messages []*providerv1.Message, otherwise string) string {
	for _, m := range messages {
		for _, p := range m.Parts {
			if _, then, ok := strings.Cut(p.GetText(), "\nwhen interrupted\n"); ok && m.Role == providerv1.Role_ROLE_USER {
				otherwise = then
			}
		}
	}
	return otherwise
}

// told tells whether a text of the person's role is the host's: a tool's result, or a summary.
func told(text string) bool {
	return strings.HasPrefix(text, "TOOL_RESULT {") || strings.HasPrefix(text, "Summary of what was said")
}

// wholeScript is the script itself, whatever tools have answered since.
func wholeScript(messages []*providerv1.Message) string {
	for i := len(messages) - 1; i >= 0; i-- {
		for _, p := range messages[i].Parts {
			if messages[i].Role == providerv1.Role_ROLE_USER && p.GetText() != "" && !told(p.GetText()) {
				return p.GetText()
			}
		}
	}
	return ""
}

func lastText(messages []*providerv1.Message) (text string) {
	for _, p := range messages[len(messages)-1].Parts {
		text += p.GetText()
	}
	return text
}

func (s *script) sleep(ms int) error {
	select {
	case <-time.After(time.Duration(ms) * time.Millisecond):
		return nil
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

// number gives the i-th word as a number, 0 if it is none.
func number(words string, i int) int {
	fields := strings.Fields(words)
	if i >= len(fields) {
		return 0
	}
	n, _ := strconv.Atoi(fields[i])
	return n
}

// get asks the provider for a path, through the host.
func get(ctx context.Context, c *providerv1.Connection, path string) (status, body string, err error) {
	url := c.BaseUrl + path
	if strings.Contains(path, "://") {
		url = path
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", "", err
	}
	res, err := sdk.HTTPClient(c).Do(req)
	if err != nil {
		return "", "", err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return "", "", err
	}
	if res.StatusCode >= 400 {
		return "", "", sdk.ClassifyHTTP(res, b)
	}
	return res.Status, string(b), nil
}

// ask asks for a yes or no and says what the answer was.
func (s *script) ask(id, words string) error {
	a, err := s.stream.Ask(s.ctx, &providerv1.Question{
		Id: id, Kind: providerv1.Question_KIND_APPROVAL, Text: words, Subject: words,
		Choices: []*providerv1.Question_Choice{{Id: "yes", Text: "Yes", Allows: true}, {Id: "no", Text: "No"}},
	})
	if err != nil {
		return err
	}
	s.stream.Text(strings.TrimSpace("answered "+a.ChoiceId+" "+a.Text) + "\n")
	return nil
}
