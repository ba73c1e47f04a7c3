package textcalls

import (
	"crypto/rand"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Bounds of the text protocol: a protocol line's JSON, what is looked at to tell such a line from prose, and how often
// in one run a model is asked to write a broken line again.
const (
	maxValue       = 1 << 20
	maxHead        = 256
	maxCorrections = 2
)

// The protocol's keywords. No one is the beginning of another.
const (
	wordPlan   = "PLAN"
	wordCall   = "TOOL_CALL"
	wordStep   = "STEP_DONE"
	wordFinal  = "FINAL"
	wordResult = "TOOL_RESULT"
)

var words = []string{wordPlan, wordCall, wordStep, wordFinal, wordResult}

// Filter takes the text protocol out of one turn of a model that has no tools of its own: its lines become the events
// that other models send, and the prose around them stays text. protocol.md is what the model is told of it.
//
// A line is the protocol's if it begins with a keyword that a JSON object follows; a code fence may stand around either.
// Within any other code block nothing is: there it is shown, not said. Anything else is prose and comes through byte
// for byte, save blank space next to a protocol line.
//
// A line that is the protocol's and can't be used is broken. What follows it in the reply counts for nothing, lest a
// call is carried out without the one before it. The model is asked to write it again; where it may not be asked any
// more, the rest of the reply is shown as it is, with a notice. So is a model's own TOOL_RESULT broken, except after a
// call: then the reply ends where the invention begins. A STEP_DONE for a step that no plan has is passed over.
type Filter struct {
	// The plan as it stands, of this turn or an earlier one.
	plan []*providerv1.Plan_Step
	// How often this run's model has been asked again.
	corrections int
	// After the end: what the next request says in addition; nil where the reply was in order.
	correction []*providerv1.Message

	state state
	// What can't be told yet: the beginning of a line, or of an escape within FINAL's message.
	held string
	// The state atHead follows a protocol line, whose blank space goes with it.
	after bool
	// The code block around prose, and the fence around protocol lines.
	code, fence fence
	// What may stand directly behind a value and goes with it.
	trail string

	word  string
	raw   []byte
	begin int
	scan  scan
	wrong string
	lost  bool

	calls                 int
	planned, said, ending bool

	out []*providerv1.Event
	// Text of the event to come.
	text []byte
	// What text was sent since the last other event: any, and how many newlines it ends with. The next text is another
	// paragraph if gap is set.
	wrote bool
	lines int
	gap   bool
}

// New makes the filter of one turn. plan is the plan as it stands, and corrections says how often this run's model has been
// asked to write a line again.
func New(plan []*providerv1.Plan_Step, corrections int) *Filter {
	return &Filter{plan: plan, corrections: corrections}
}

// Correction is, after the end, what the next request says in addition; nil where the reply was in order.
func (f *Filter) Correction() []*providerv1.Message { return f.correction }

// Planned tells whether the turn has brought a plan or a step.
func (f *Filter) Planned() bool { return f.planned }

// state is what the next byte of text belongs to.
type state int

const (
	// The beginning of a line, or what follows a protocol line.
	atHead state = iota
	// A line of prose.
	inLine
	// The JSON after a keyword.
	inValue
	// The text of FINAL's message, and what follows it in the object.
	inMessage
	inRest
	// Directly behind a value.
	inTrail
	// What does not count any more.
	inWaste
)

// Feed gives the events that ev comes to. They are good until the next call.
func (f *Filter) Feed(ev *providerv1.Event) []*providerv1.Event {
	f.out = f.out[:0]
	switch body := ev.Event.(type) {
	case *providerv1.Event_Text:
		if f.state != inLine || strings.IndexByte(body.Text, '\n') >= 0 {
			f.take(body.Text)
			f.flush()
			return f.out
		}
		f.wrote, f.lines = true, 0
	case *providerv1.Event_Done:
		f.finish()
	case *providerv1.Event_Error, *providerv1.Event_Background:
		f.release()
	case *providerv1.Event_ToolCall:
		f.calls++
		f.wrote = false
	}
	f.out = append(f.out, ev)
	return f.out
}

// Cut gives what is left of a reply that broke off. Half a protocol line counts for nothing.
func (f *Filter) Cut() []*providerv1.Event {
	f.out = f.out[:0]
	f.release()
	return f.out
}

// take works through text.
func (f *Filter) take(s string) {
	for s != "" {
		switch f.state {
		case atHead:
			s = f.head(s)
		case inLine:
			i := strings.IndexByte(s, '\n') + 1
			if i == 0 {
				f.write(s)
				return
			}
			f.write(s[:i])
			f.state, s = atHead, s[i:]
		case inValue:
			s = f.value(s)
		case inMessage:
			s = f.message(s)
		case inRest:
			i := 0
			for i < len(s) && f.scan.depth > 0 {
				f.scan.step(s[i])
				i++
			}
			if s = s[i:]; f.scan.depth == 0 {
				f.state = inTrail
			}
		case inTrail:
			if s = strings.TrimLeft(s, f.trail); s != "" {
				f.state, f.after = atHead, true
			}
		case inWaste:
			f.keep(s)
			return
		}
	}
}

// head looks whether a line is the protocol's, and gives what follows what it has settled.
func (f *Filter) head(s string) string {
	s = f.held + s
	f.held = ""
	if f.after {
		s = strings.TrimLeft(s, " \t\r\n")
	}
	if s == "" {
		return ""
	}
	if f.code.n > 0 {
		end, known := readClose(s, f.code)
		switch {
		case !known:
			f.held = s
			return ""
		case end > 0:
			f.write(s[:end])
			f.code = fence{}
			return s[end:]
		}
		f.state = inLine
		return s
	}
	h := readHead(s, f.fence)
	switch h.verdict {
	case undecided:
		f.held = s
		return ""
	case blank:
		f.write(s[:h.at])
	case prose:
		f.write(s[:h.at])
		f.state, f.after, f.said = inLine, false, true
	case opens:
		f.write(s[:h.at])
		f.code, f.after, f.said = h.fence, false, true
	case closes:
		f.fence, f.after = fence{}, true
	case protocol:
		if h.fence.n > 0 {
			f.fence = h.fence
		}
		f.word, f.trail = h.word, "}"+h.marks
		f.raw = append(f.raw[:0], s[:h.at]...)
		f.state, f.after, f.begin, f.scan = inValue, false, h.at, scan{}
		if h.word == wordResult {
			f.state = inWaste
			if f.calls == 0 {
				f.wrong = "the program writes these lines, not you"
			}
		}
	}
	return s[h.at:]
}

// value gathers a line's JSON, and gives what follows it.
func (f *Filter) value(s string) string {
	n := min(len(s), maxValue-len(f.raw))
	i := len(f.raw)
	f.raw = append(f.raw, s[:n]...)
	for ; i < len(f.raw); i++ {
		c, within := f.raw[i], f.scan.str
		f.scan.step(c)
		switch {
		case f.scan.depth == 0:
			rest := s[n-(len(f.raw)-i-1):]
			f.raw = f.raw[:i+1]
			f.state = inTrail
			f.parsed(f.raw[f.begin:])
			return rest
		case f.word != wordFinal || f.scan.depth != 1:
		case !within && f.scan.str:
			f.scan.start = i + 1
			if f.scan.key == "message" {
				f.state, f.ending, f.gap = inMessage, true, true
				return s[n-(len(f.raw)-i-1):]
			}
		case within && !f.scan.str:
			f.scan.last = string(f.raw[f.scan.start:i])
		case within:
		case c == ':':
			f.scan.key = f.scan.last
		case c == ',':
			f.scan.key = ""
		}
	}
	if len(f.raw) == maxValue {
		f.broken(fmt.Sprintf("it is longer than %d bytes", maxValue))
	}
	return s[n:]
}

// message passes FINAL's message on as it comes, and gives what follows it.
func (f *Filter) message(s string) string {
	s = f.held + s
	text, used, ended := readMessage(s, false)
	f.write(text)
	f.held = s[used:]
	if !ended {
		return ""
	}
	f.held = ""
	f.scan = scan{depth: 1}
	f.state, f.gap = inRest, true
	return s[used:]
}

// parsed makes an event of a whole line.
func (f *Filter) parsed(value []byte) {
	var err error
	switch f.word {
	case wordPlan:
		var steps []*providerv1.Plan_Step
		if steps, err = readPlan(value); err == nil {
			f.planned = true
			if len(steps) > 0 && !SameSteps(f.plan, steps) {
				f.plan = steps
				f.send(&providerv1.Event{Event: &providerv1.Event_Plan{Plan: &providerv1.Plan{Steps: f.plan}}})
			}
		}
	case wordStep:
		var index int
		if index, err = readStep(value); err == nil {
			f.planned = true
			f.stepDone(index - 1)
		}
	case wordCall:
		var call *providerv1.ToolCall
		if call, err = readCall(value); err == nil {
			call.Id = "call-" + strings.ToLower(rand.Text()[:12])
			f.calls++
			f.send(&providerv1.Event{Event: &providerv1.Event_ToolCall{ToolCall: call}})
		}
	case wordFinal:
		err = errNoMessage
	}
	if err != nil {
		f.broken(err.Error())
	}
}

func (f *Filter) stepDone(i int) {
	if i < 0 || i >= len(f.plan) || f.plan[i].State == providerv1.Plan_Step_STATE_DONE {
		return
	}
	p := proto.CloneOf(&providerv1.Plan{Steps: f.plan})
	p.Steps[i].State = providerv1.Plan_Step_STATE_DONE
	f.plan = p.Steps
	f.send(&providerv1.Event{Event: &providerv1.Event_Plan{Plan: p}})
}
