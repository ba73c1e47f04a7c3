package textcalls

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

var (
	errIncomplete = errors.New("the JSON is not complete")
	errNoMessage  = errors.New(`it has no text called "message"`)
)

// scan follows JSON byte by byte, as far as it takes to find its end.
type scan struct {
	depth    int
	str, esc bool
	// Of FINAL's object: where the string at hand begins, the one before it, and the member whose value comes.
	start     int
	last, key string
}

func (s *scan) step(c byte) {
	switch {
	case s.esc:
		s.esc = false
	case s.str:
		s.esc, s.str = c == '\\', c != '"'
	case c == '"':
		s.str = true
	case c == '{', c == '[':
		s.depth++
	case c == '}', c == ']':
		s.depth--
	}
}

// decode reads a whole value. Line breaks and other control characters within its strings are taken as they stand.
func decode(value []byte, into any) error {
	if !json.Valid(value) {
		value = escapeControls(value)
	}
	err := json.Unmarshal(value, into)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("it is not valid JSON: %w", err)
	}
	if err != nil {
		return fmt.Errorf("its members are not what they should be: %w", err)
	}
	return nil
}

func escapeControls(value []byte) []byte {
	var out []byte
	var s scan
	for _, c := range value {
		if s.str && c < ' ' {
			out = fmt.Appendf(out, "\\u%04x", c)
			continue
		}
		s.step(c)
		out = append(out, c)
	}
	return out
}

func readPlan(value []byte) ([]*providerv1.Plan_Step, error) {
	var v struct{ Steps []string }
	if err := decode(value, &v); err != nil {
		return nil, err
	}
	if v.Steps == nil {
		return nil, errors.New(`it has no list called "steps"`)
	}
	var steps []*providerv1.Plan_Step
	for _, text := range v.Steps {
		if text = strings.TrimSpace(text); text != "" {
			steps = append(steps, &providerv1.Plan_Step{Text: text, State: providerv1.Plan_Step_STATE_OPEN})
		}
	}
	return steps, nil
}

// SameSteps tells whether two plans have the same steps, done or not.
func SameSteps(a, b []*providerv1.Plan_Step) bool {
	return slices.EqualFunc(a, b, func(a, b *providerv1.Plan_Step) bool { return a.Text == b.Text })
}

// readStep gives the index as the model counts, from 1.
func readStep(value []byte) (int, error) {
	var v struct{ Index *int }
	if err := decode(value, &v); err != nil {
		return 0, err
	}
	if v.Index == nil {
		return 0, errors.New(`it has no number called "index"`)
	}
	return *v.Index, nil
}

// readCall takes arguments that are an object, or a text that holds one. The call has no id yet.
func readCall(value []byte) (*providerv1.ToolCall, error) {
	var members map[string]json.RawMessage
	if err := decode(value, &members); err != nil {
		return nil, err
	}
	var name string
	if err := json.Unmarshal(members["name"], &name); err != nil || name == "" {
		return nil, errors.New(`it has no text called "name"`)
	}
	arguments, ok := members["arguments"]
	if !ok && len(members) > 1 {
		return nil, errors.New(`its arguments must be in an object called "arguments"`)
	}
	var text string
	if json.Unmarshal(arguments, &text) == nil && text != "" {
		arguments = []byte(text)
	}
	if !ok || string(arguments) == "null" {
		arguments = []byte("{}")
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(arguments, &object); err != nil || object == nil {
		return nil, errors.New(`"arguments" is not an object`)
	}
	return &providerv1.ToolCall{Name: name, ArgumentsJson: string(arguments)}, nil
}

// readMessage decodes what comes of a JSON string after its opening quote; with all set nothing more comes. It stops
// before what only later bytes can tell. Like a reader it goes on where a strict parser would give up: at a line break,
// an unknown escape, and a quote that is not followed by what may follow a string.
func readMessage(s string, all bool) (text string, used int, ended bool) {
	var b strings.Builder
	for i := 0; i < len(s); {
		switch s[i] {
		case '"':
			switch ends(s[i+1:]) {
			case 1:
				return b.String(), i + 1, true
			case 0:
				if all {
					return b.String(), len(s), true
				}
				return b.String(), i, false
			}
			b.WriteByte('"')
			i++
		case '\\':
			decoded, n := readEscape(s[i:])
			if n == 0 {
				if all {
					i = len(s)
				}
				return b.String(), i, false
			}
			b.WriteString(decoded)
			i += n
		default:
			n := strings.IndexAny(s[i:], `"\`)
			if n < 0 {
				n = len(s) - i
			}
			b.WriteString(s[i : i+n])
			i += n
		}
	}
	return b.String(), len(s), false
}

// ends tells whether s may follow a string in an object: 1 yes, -1 no, 0 if more must be seen.
func ends(s string) int {
	undecided := 0
	if len(s) >= maxHead {
		s, undecided = s[:maxHead], -1
	}
	i := skipSpace(s, 0)
	if i == len(s) {
		return undecided
	}
	if s[i] == '}' {
		return 1
	}
	if s[i] != ',' {
		return -1
	}
	if i = skipSpace(s, i+1); i == len(s) {
		return undecided
	}
	if s[i] != '"' {
		return -1
	}
	n := strings.IndexAny(s[i+1:], "\"\\\n")
	if n < 0 {
		return undecided
	}
	if i += 1 + n; s[i] != '"' {
		return -1
	}
	if i = skipSpace(s, i+1); i == len(s) {
		return undecided
	}
	if s[i] != ':' {
		return -1
	}
	return 1
}

const escapes, escaped = `"\/bfnrt`, "\"\\/\b\f\n\r\t"

// readEscape decodes the escape s begins with and gives its length, 0 if more must be seen. What is no escape stands for
// itself; half a surrogate pair becomes the replacement character.
func readEscape(s string) (string, int) {
	if len(s) < 2 {
		return "", 0
	}
	if i := strings.IndexByte(escapes, s[1]); i >= 0 {
		return escaped[i : i+1], 2
	}
	if s[1] != 'u' {
		return `\`, 1
	}
	r, known := readHex(s[2:])
	switch {
	case !known:
		return "", 0
	case r < 0:
		return `\u`, 2
	case !utf16.IsSurrogate(r):
		return string(r), 6
	}
	if strings.HasPrefix(`\u`, s[6:]) {
		return "", 0
	}
	if strings.HasPrefix(s[6:], `\u`) {
		low, known := readHex(s[8:])
		if !known {
			return "", 0
		}
		if pair := utf16.DecodeRune(r, low); pair != '\uFFFD' {
			return string(pair), 12
		}
	}
	return "\uFFFD", 6
}

// readHex reads four digits; negative if they are none.
func readHex(s string) (r rune, known bool) {
	for i := range 4 {
		if i == len(s) {
			return 0, false
		}
		d := strings.IndexByte("0123456789abcdefABCDEF", s[i])
		if d < 0 {
			return -1, true
		}
		if d > 15 {
			d -= 6
		}
		r = r<<4 | rune(d)
	}
	return r, true
}
