package sandbox

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"
)

// defaultMaxOutput is kept of each stream.
const defaultMaxOutput = 64 << 10

// Output is what a command printed, as far as it is kept.
type Output struct {
	// Text is the beginning and the end, with a line between that says how many bytes are left out. Bytes that are no
	// text are shown as \xNN. Binary output is not shown at all, only named.
	Text string
	// Total is how many bytes came.
	Total  int64
	Binary bool
}

// A capture keeps the head and the tail of a stream.
type capture struct {
	also io.Writer

	mu    sync.Mutex
	limit int // of each half
	head  []byte
	tail  []byte // a ring once it is full
	next  int
	total int64
}

func newCapture(limit int, also io.Writer) *capture {
	if limit <= 0 {
		limit = defaultMaxOutput
	}
	return &capture{limit: max(limit/2, 1), also: also}
}

func (c *capture) Write(b []byte) (int, error) {
	if c.also != nil {
		// Somebody who stopped listening does not stop the command.
		if _, err := c.also.Write(b); err != nil {
			c.also = nil
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(b)
	c.total += int64(n)
	if room := c.limit - len(c.head); room > 0 {
		k := min(room, len(b))
		c.head = append(c.head, b[:k]...)
		b = b[k:]
	}
	if len(b) > c.limit {
		b = b[len(b)-c.limit:]
	}
	if room := c.limit - len(c.tail); room > 0 {
		k := min(room, len(b))
		c.tail = append(c.tail, b[:k]...)
		b = b[k:]
	}
	for len(b) > 0 {
		k := copy(c.tail[c.next:], b)
		c.next = (c.next + k) % c.limit
		b = b[k:]
	}
	return n, nil
}

func (c *capture) output() Output {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := Output{Total: c.total}
	tail := append(bytes.Clone(c.tail[c.next:]), c.tail[:c.next]...)
	left := c.total - int64(len(c.head)+len(tail))
	if isBinary(c.head) || isBinary(tail) {
		o.Binary = true
		o.Text = fmt.Sprintf("[binary output, %d bytes, not shown]", c.total)
		return o
	}
	if left == 0 {
		o.Text = visible(append(bytes.Clone(c.head), tail...))
		return o
	}
	// No character is cut in two: what is cut off counts as left out.
	head := c.head
	for i := 1; i <= min(utf8.UTFMax-1, len(head)); i++ {
		if b := head[len(head)-i]; utf8.RuneStart(b) {
			if b >= utf8.RuneSelf && !utf8.FullRune(head[len(head)-i:]) {
				head, left = head[:len(head)-i], left+int64(i)
			}
			break
		}
	}
	for i := 0; i < utf8.UTFMax-1 && len(tail) > 0 && !utf8.RuneStart(tail[0]); i++ {
		tail, left = tail[1:], left+1
	}
	o.Text = fmt.Sprintf("%s\n[… %d of %d bytes left out …]\n%s", strings.TrimSuffix(visible(head), "\n"), left, c.total, visible(tail))
	return o
}

// isBinary tells of what no terminal should get: text has no zero bytes, and little that is not UTF-8.
func isBinary(b []byte) bool {
	if bytes.IndexByte(b, 0) >= 0 {
		return true
	}
	wrong := 0
	for rest := b; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		if r == utf8.RuneError && n == 1 {
			wrong++
		}
		rest = rest[n:]
	}
	return wrong > 16 && wrong > len(b)/10
}

// visible writes bytes that are no UTF-8 as \xNN.
func visible(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var s strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&s, `\x%02x`, b[0])
		} else {
			s.Write(b[:n])
		}
		b = b[n:]
	}
	return s.String()
}
