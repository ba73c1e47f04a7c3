package textcalls

import "strings"

// verdict is what the beginning of a line is.
type verdict int

const (
	// More must be seen.
	undecided verdict = iota
	// Nothing but space.
	blank
	prose
	// A fence that begins a code block, or ends the one around protocol lines.
	opens
	closes
	// A keyword and the object after it.
	protocol
)

// fence is a run of n backticks or tildes around code; the zero fence is none.
type fence struct {
	mark byte
	n    int
}

// head is what readHead has found.
type head struct {
	verdict verdict
	// Where what follows begins: the prose, the first line of the code, the object.
	at int
	// The fence that opened.
	fence fence
	word  string
	// Marks around the line, as in `TOOL_CALL {}`, that may also stand behind its object.
	marks string
}

// readHead tells what s begins with, at the beginning of a line that is not within a code block; inside is the fence
// around protocol lines, if there is one. It never takes back what it has said of a beginning of s.
func readHead(s string, inside fence) head {
	whole := len(s) >= maxHead
	s = s[:min(len(s), maxHead)]
	start := skipSpace(s, 0)
	h := readBeginning(s, start, inside)
	if h.verdict == undecided && whole {
		h = head{verdict: prose, at: start}
		if start == len(s) {
			h.verdict = blank
		}
	}
	return h
}

func readBeginning(s string, start int, inside fence) head {
	if start == len(s) {
		return head{}
	}
	var f fence
	if s[start] == '`' || s[start] == '~' {
		f = readFence(s, start)
		if start+f.n == len(s) {
			return head{}
		}
	}
	if f.n < 3 {
		h := readWord(s, start)
		if h.verdict == prose {
			h.at = start
		}
		return h
	}
	if f.mark == inside.mark && f.n >= inside.n {
		return head{verdict: closes, at: start + f.n}
	}
	return readOpening(s, start, f)
}

// readOpening tells whether the fence f at start opens around a protocol line: on the same line, or on the next.
func readOpening(s string, start int, f fence) head {
	info := start + f.n
	h := readWord(s, skipBlank(s, info))
	if h.verdict == prose {
		first, _, whole := strings.Cut(s[info:], "\n")
		if f.mark == '`' && strings.IndexByte(first, '`') >= 0 {
			return head{verdict: prose, at: start}
		}
		if !whole {
			return head{}
		}
		line := info + len(first) + 1
		next := skipSpace(s, line)
		if next == len(s) {
			return head{}
		}
		if h = readWord(s, next); h.verdict == prose {
			return head{verdict: opens, at: line, fence: f}
		}
	}
	if h.verdict == protocol && h.fence.n == 0 {
		h.fence = f
	}
	return h
}

// readWord tells whether a keyword stands at i and an object behind it. Between them may stand a colon, marks, space and
// a fence. PLAN and FINAL are also words of prose; theirs must look like JSON.
func readWord(s string, i int) head {
	no := head{verdict: prose}
	m := i
	for m < len(s) && strings.IndexByte("*`#", s[m]) >= 0 {
		m++
	}
	h := head{marks: strings.Trim(s[i:m], "#")}
	if m > i && s[m-1] == '#' {
		m = skipBlank(s, m)
	}
	if m == len(s) {
		return head{}
	}
	for _, w := range words {
		if strings.HasPrefix(s[m:], w) {
			h.word = w
		} else if strings.HasPrefix(w, s[m:]) {
			return head{}
		}
	}
	if h.word == "" {
		return no
	}
	j := m + len(h.word)
	for j < len(s) && s[j] != '{' {
		switch s[j] {
		case ' ', '\t', '\r', '\n', '*', ':':
			j++
		case '`', '~':
			f := readFence(s, j)
			j += f.n
			if j == len(s) {
				return head{}
			}
			if f.n < 3 {
				if f.mark == '~' {
					return no
				}
				continue
			}
			if h.fence.n > 0 {
				return no
			}
			h.fence = f
			for j < len(s) && isAlnum(s[j]) {
				j++
			}
		default:
			return no
		}
	}
	if j == len(s) {
		return head{}
	}
	h.verdict, h.at = protocol, j
	if h.word == wordPlan || h.word == wordFinal {
		k := skipSpace(s, j+1)
		if k == len(s) {
			return head{}
		}
		if strings.IndexByte(`"'}`, s[k]) < 0 {
			return no
		}
	}
	return h
}

// readClose gives where the code block f ends, if the line s ends it; known tells whether that can be told.
func readClose(s string, f fence) (end int, known bool) {
	whole := len(s) >= maxHead
	s = s[:min(len(s), maxHead)]
	i := skipBlank(s, 0)
	n := 0
	for i+n < len(s) && s[i+n] == f.mark {
		n++
	}
	j := skipBlank(s, i+n)
	if j == len(s) {
		return 0, whole
	}
	if n >= f.n && s[j] == '\n' {
		return j + 1, true
	}
	return 0, true
}

func readFence(s string, i int) fence {
	f := fence{mark: s[i]}
	for i+f.n < len(s) && s[i+f.n] == f.mark {
		f.n++
	}
	return f
}

// skipSpace gives where something other than space and newlines begins; skipBlank stops at a newline.
func skipSpace(s string, i int) int {
	for i < len(s) && strings.IndexByte(" \t\r\n", s[i]) >= 0 {
		i++
	}
	return i
}

func skipBlank(s string, i int) int {
	for i < len(s) && strings.IndexByte(" \t\r", s[i]) >= 0 {
		i++
	}
	return i
}

func isAlnum(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
