package openaitest

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// asked is what a request of either API comes down to.
type asked struct {
	model   string
	text    string   // the last the user said
	results []string // of tools, after that
	lines   []string // all that the user said
	system  string
	images  int
	files   int
	schema  bool
	tools   []string
}

// reply is what is said to it, in the terms of neither API.
type reply struct {
	thought []string
	text    []string
	refusal []string
	calls   []call
	reason  string // "length" or "filter"
	failure *apiError
	// How it is said.
	fault fault
	pause time.Duration
	late  time.Duration
}

type call struct{ name, arguments string }

// fault is what goes wrong on the way.
type fault int

const (
	none      fault = iota
	cut             // the connection breaks in the middle
	unended         // the stream ends in order, without the event that ends an answer
	stall           // nothing comes any more
	garble          // an event that is no JSON
	unknown         // events of kinds that nobody knows
	twice           // every event comes twice
	shuffle         // neighbouring events change places
	lost            // some deltas are missing
	renumber        // every event has the number 0
	plainJSON       // no stream, though one was asked for
	hold            // the connection stays open after the end
)

// script answers by the last the user said. What is no key is repeated, so that any chat goes on:
//
//	hello · unicode · think · recall · system · image · json · empty · think-only
//	count N · long MB · slow · late MS · endless
//	tool NAME ARGUMENTS [| NAME ARGUMENTS]…   and then the results are repeated
//	step   calls run_shell twice, one after the other, thinking between
//	refuse · length · filter · failed · error
//	cut · unended · stall · garble · unknown · twice · shuffle · lost · renumber · json-body · hold
//	status CODE [SECONDS] · quota · context · too-large · policy · verify · flaky N   HTTP errors;
//	    flaky answers after N of 503, verify when it is asked without a stream
func script(a asked) reply {
	word, rest, _ := strings.Cut(a.text, " ")
	n, _ := strconv.Atoi(rest)
	if len(a.results) > 0 && word != "step" {
		return reply{text: pieces("The tool says: " + strings.Join(a.results, "; ") + ".")}
	}
	say := func(text string) reply { return reply{text: pieces(text)} }
	broken := func(f fault) reply {
		return reply{text: pieces("These words come, whatever happens to them on their way."), fault: f}
	}
	switch word {
	case "hello":
		return say("Hello from the scripted OpenAI.")
	case "unicode":
		return say("Grüße aus Köln: 日本語, Ω≈ç√, 👩‍👩‍👧‍👦 family, עברית.")
	case "think":
		return reply{thought: []string{"**Adding up**\n\nTwo plus two, let me see.", "**Done**\n\nThat makes four."}, text: pieces("Four.")}
	case "think-only":
		return reply{thought: []string{"I wonder about this, and wonder on."}}
	case "empty":
		return reply{}
	case "recall":
		return say("You said: " + strings.Join(a.lines, "; "))
	case "system":
		return say("My orders are: " + a.system)
	case "image":
		return say(fmt.Sprintf("I see %d image(s) and %d file(s).", a.images, a.files))
	case "json":
		if a.schema {
			return say(`{"answer": 42}`)
		}
		return say("Forty-two, and no braces, for nobody asked for a format.")
	case "count":
		r := reply{}
		for i := range n {
			r.text = append(r.text, strconv.Itoa(i+1)+" ")
		}
		return r
	case "long":
		return reply{text: []string{"It begins. ", strings.Repeat("x", max(n, 1)<<20), " It ends."}}
	case "slow":
		r := say("Slowly, word by word, this answer makes its way to you.")
		r.pause = 50 * time.Millisecond
		return r
	case "late":
		r := say("Better late than never.")
		r.late = time.Duration(n) * time.Millisecond
		return r
	case "endless":
		return reply{text: pieces(strings.Repeat("tick tock goes the clock, ", 100_000)), pause: 10 * time.Millisecond}
	case "tool":
		return reply{text: pieces("I will look.\n"), calls: parseCalls(rest)}
	case "step":
		steps := []string{"one", "two"}
		if len(a.results) < len(steps) {
			return reply{thought: []string{"Step " + steps[len(a.results)] + " is next."}, calls: []call{{"run_shell", `{"command":"echo ` + steps[len(a.results)] + `"}`}}}
		}
		return say("Two steps done: " + strings.Join(a.results, ", ") + ".")
	case "refuse":
		return reply{refusal: pieces("I can't help with that.")}
	case "length":
		return reply{text: pieces("This is cut off in the mid"), reason: "length"}
	case "think-length":
		return reply{thought: []string{"I think and think."}, reason: "length"}
	case "filter":
		return reply{text: pieces("This was said before"), reason: "filter"}
	case "filter-all":
		return reply{reason: "filter"}
	case "failed":
		return reply{text: pieces("It went well until"), failure: &apiError{Code: "server_error", Message: "The model failed to generate a response."}}
	case "limited":
		return reply{failure: &apiError{Code: "rate_limit_exceeded", Message: "Rate limit reached for gpt-scripted on tokens per min. Please try again in 1.5s."}}
	case "error":
		return reply{text: pieces("It went well until"), failure: &apiError{Type: "error", Code: "server_error", Message: "The server had an error while processing your request."}}
	}
	if f, ok := faults[word]; ok {
		return broken(f)
	}
	return say("You said: " + a.text + ".")
}

var faults = map[string]fault{
	"cut": cut, "unended": unended, "stall": stall, "garble": garble, "unknown": unknown, "twice": twice, "shuffle": shuffle,
	"lost": lost, "renumber": renumber, "json-body": plainJSON, "hold": hold,
}

func parseCalls(text string) []call {
	var calls []call
	for one := range strings.SplitSeq(text, "|") {
		name, arguments, _ := strings.Cut(strings.TrimSpace(one), " ")
		if arguments == "" {
			arguments = "{}"
		}
		calls = append(calls, call{name, arguments})
	}
	return calls
}

// pieces cuts a text into deltas of four runes.
func pieces(text string) []string {
	var all []string
	for text != "" {
		n := 0
		for range 4 {
			_, size := utf8.DecodeRuneInString(text[n:])
			n += size
		}
		all = append(all, text[:n])
		text = text[n:]
	}
	return all
}
