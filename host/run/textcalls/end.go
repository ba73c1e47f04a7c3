package textcalls

import (
	"strings"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// broken gives the rest of the reply up; raw keeps it.
func (f *Filter) broken(why string) {
	f.state, f.wrong = inWaste, why
}

func (f *Filter) keep(s string) {
	if f.wrong == "" {
		return
	}
	n := min(len(s), maxValue-len(f.raw))
	f.raw = append(f.raw, s[:n]...)
	f.lost = f.lost || n < len(s)
}

// finish settles what is left at the end of a whole reply, and what is to be asked again.
func (f *Filter) finish() {
	f.release()
	switch {
	case f.wrong != "" && f.corrections < maxCorrections:
		f.correction = askAgain(f.word, string(f.raw), f.wrong)
	case f.wrong != "":
		f.write(string(f.raw))
		f.flush()
		what := "The model wrote a " + f.word + " line that can't be used (" + f.wrong + "). It is shown as it was written."
		if f.lost {
			what += " Its end is left out."
		}
		f.send(&providerv1.Event{Event: &providerv1.Event_Notice{Notice: &providerv1.Notice{
			Level: providerv1.Notice_LEVEL_WARNING, Text: what,
		}}})
	case f.planned && f.calls == 0 && !f.ending && f.corrections < maxCorrections && (!f.said || f.open()):
		f.correction = askOn()
	}
}

// open tells whether the plan has steps to do.
func (f *Filter) open() bool {
	for _, s := range f.plan {
		if s.State != providerv1.Plan_Step_STATE_DONE {
			return true
		}
	}
	return false
}

// release settles what could not be told while more might come.
func (f *Filter) release() {
	switch f.state {
	case atHead:
		if f.held == "" {
			break
		}
		// A quote behind it tells a fence's end and the beginning of an object from prose.
		h := readHead(f.held+`"`, f.fence)
		switch {
		case f.code.n == 0 && h.verdict == closes:
		case f.code.n == 0 && h.verdict == protocol:
			f.word = h.word
			f.raw = append(f.raw[:0], f.held...)
			f.broken(errIncomplete.Error())
		default:
			f.said = f.said || strings.TrimSpace(f.held) != ""
			f.write(f.held)
		}
	case inValue:
		f.broken(errIncomplete.Error())
	case inMessage:
		text, _, _ := readMessage(f.held, true)
		f.write(text)
		f.state = inRest
	}
	f.held = ""
	f.flush()
}

// write adds to the text that is sent.
func (f *Filter) write(s string) {
	if s == "" {
		return
	}
	if f.gap && f.wrote {
		f.text = append(f.text, "\n\n"[f.lines:]...)
	}
	f.gap, f.wrote = false, true
	f.text = append(f.text, s...)
	switch {
	case strings.HasSuffix(s, "\n\n"), s == "\n" && f.lines > 0:
		f.lines = 2
	case strings.HasSuffix(s, "\n"):
		f.lines = 1
	default:
		f.lines = 0
	}
}

func (f *Filter) flush() {
	if len(f.text) > 0 {
		f.out = append(f.out, &providerv1.Event{Event: &providerv1.Event_Text{Text: string(f.text)}})
		f.text = f.text[:0]
	}
}

// send adds an event that is no text.
func (f *Filter) send(ev *providerv1.Event) {
	f.flush()
	f.out = append(f.out, ev)
	f.wrote, f.lines = false, 0
}
