package main

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// prompt is one request, as the template of the scripted models wrote it.
type prompt struct {
	key        string // the last user text, with a "+" for each tool result that followed it
	text       string
	images     int
	structured bool // the answer must fit a schema
}

// piece is one step of an answer: wait, then say something or die.
type piece struct {
	pause time.Duration
	text  string
	die   bool
}

// scripts answers by the whole last user text. A text that is no key is repeated, so that any chat goes on.
var scripts = map[string]string{
	"hello":   "Hello from the scripted model.",
	"hi":      "Hi! I am a scripted model: no thinking happens here, but all of Ollama around me is real.",
	"unicode": "Grüße aus Köln: 日本語, Ω≈ç√, 👩‍👩‍👧‍👦 family, e\u0301 combining, עברית.",
	"empty":   "",
	"markdown": "# A heading\n\nSome *emphasis*, some `code`, and a list:\n\n1. one\n2. two\n\n```go\n" +
		"package main\n\nimport \"fmt\"\n\nfunc main() {\n\tfmt.Println(\"hello\")\n}\n```\n\n" +
		"| a | b |\n|---|---|\n| 1 | 2 |\n\nThe end.",
	"html": "<script>alert(1)</script> & <b>bold</b>",

	"think":      "<think>Two plus two, let me see. That makes four.\n</think>Four.",
	"think-only": "<think>I wonder about this, and wonder on.",
	"think-tool": "<think>I need the shell for this.\n</think>" + call("run_shell", `{"command": "date"}`),

	"weather":      call("get_weather", `{"city": "Paris"}`),
	"two":          "I will look at both.\n" + call("get_weather", `{"city": "Rome"}`) + call("run_shell", `{"command": "ls -la", "timeout": 5}`),
	"two++":        "Both tools answered.",
	"step":         call("run_shell", `{"command": "echo one"}`),
	"step+":        call("run_shell", `{"command": "echo two"}`),
	"step++":       "Two steps done.",
	"unknown-tool": call("no_such_tool", `{"a": 1}`),
	"broken-tool":  `<tool_call>{"name": "get_weather", "arguments": {"city": "Par`,
}

func call(name, arguments string) string {
	return fmt.Sprintf("<tool_call>{\"name\": %q, \"arguments\": %s}</tool_call>", name, arguments)
}

// answer says what the model says to a prompt.
func answer(p prompt) iter.Seq[piece] {
	if text, ok := scripts[p.key]; ok {
		return say(text, 0)
	}
	word, rest, _ := strings.Cut(p.key, " ")
	number, _ := strconv.Atoi(rest)
	switch word {
	case "count":
		return count(number)
	case "slow":
		return say("Slowly, word by word, this answer makes its way to you.", 100*time.Millisecond)
	case "late":
		return chain(one(piece{pause: time.Duration(number) * time.Millisecond}), say("Better late than never.", 0))
	case "endless":
		return endless("tick tock goes the clock, ")
	case "hang":
		return one(piece{pause: 24 * time.Hour})
	case "die":
		return chain(say("These are my last wor", 0), one(piece{pause: 50 * time.Millisecond, die: true}))
	case "die-early":
		return one(piece{die: true})
	case "json":
		if p.structured {
			return say(`{"answer": 42, "unit": "none"}`, 0)
		}
		return say("Forty-two, and no braces, for nobody asked for a format.", 0)
	case "image":
		return say(fmt.Sprintf("I see %d image(s).", p.images), 0)
	case "recall":
		return say("You said: "+strings.Join(p.lines("user"), "; "), 0)
	case "system":
		return say("My orders are: "+strings.Join(p.lines("system"), "; "), 0)
	}
	if results := p.lines("tool"); strings.HasSuffix(p.key, "+") && len(results) > 0 {
		return say("The tool says: "+results[len(results)-1]+".", 0)
	}
	return say("You said: "+p.key+".", 0)
}

// lines are the first lines of the messages of one role.
func (p prompt) lines(role string) []string {
	var found []string
	for line := range strings.Lines(p.text) {
		if rest, ok := strings.CutPrefix(line, "["+role+"] "); ok {
			found = append(found, strings.TrimSpace(rest))
		}
	}
	return found
}

// say cuts a text into pieces of a few runes, as a model would.
func say(text string, pause time.Duration) iter.Seq[piece] {
	return func(yield func(piece) bool) {
		for text != "" {
			n := 0
			for range bytesPerToken {
				_, size := utf8.DecodeRuneInString(text[n:])
				n += size
			}
			if !yield(piece{pause: pause, text: text[:n]}) {
				return
			}
			text = text[n:]
		}
	}
}

func count(to int) iter.Seq[piece] {
	return func(yield func(piece) bool) {
		for i := range to {
			if !yield(piece{text: strconv.Itoa(i+1) + " "}) {
				return
			}
		}
	}
}

func endless(text string) iter.Seq[piece] {
	return func(yield func(piece) bool) {
		for {
			for p := range say(text, 10*time.Millisecond) {
				if !yield(p) {
					return
				}
			}
		}
	}
}

func one(p piece) iter.Seq[piece] {
	return func(yield func(piece) bool) { yield(p) }
}

func chain(first, second iter.Seq[piece]) iter.Seq[piece] {
	return func(yield func(piece) bool) {
		for p := range first {
			if !yield(p) {
				return
			}
		}
		second(yield)
	}
}
