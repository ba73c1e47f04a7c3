package tool

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
)

// Line ends, and what a file may begin with that no editor shows.
var (
	lf, crlf = []byte("\n"), []byte("\r\n")
	bom      = []byte("\xef\xbb\xbf")
)

// flat is a text all of whose lines end in LF, as models write, that knows how they really end.
type flat struct {
	text []byte
	// Where in text the lines end that really end in CRLF, in order.
	crlf []int
}

func flatten(text []byte) flat {
	f := flat{text: make([]byte, 0, len(text))}
	for {
		i := bytes.Index(text, crlf)
		if i < 0 {
			f.text = append(f.text, text...)
			return f
		}
		f.text = append(append(f.text, text[:i]...), '\n')
		f.crlf = append(f.crlf, len(f.text)-1)
		text = text[i+2:]
	}
}

// end is how the line really ends whose LF is at i.
func (f flat) end(i int) []byte {
	if n := sort.SearchInts(f.crlf, i); n < len(f.crlf) && f.crlf[n] == i {
		return crlf
	}
	return lf
}

// endNear is how lines end around i: the line that i is in, else the one before it.
func (f flat) endNear(i int) []byte {
	if n := bytes.IndexByte(f.text[i:], '\n'); n >= 0 {
		return f.end(i + n)
	}
	if n := bytes.LastIndexByte(f.text[:i], '\n'); n >= 0 {
		return f.end(n)
	}
	return lf
}

// real gives text[from:until] as it really is.
func (f flat) real(out []byte, from, until int) []byte {
	for from < until {
		n := bytes.IndexByte(f.text[from:until], '\n')
		if n < 0 {
			break
		}
		out = append(append(out, f.text[from:from+n]...), f.end(from+n)...)
		from += n + 1
	}
	return append(out, f.text[from:until]...)
}

// replace puts new in the place of old, once or everywhere. Lines end as those did in whose place they are, and further ones
// as those around.
func (f flat) replace(old, new []byte, all bool) ([]byte, error) {
	old, new = bytes.ReplaceAll(old, crlf, lf), bytes.ReplaceAll(new, crlf, lf)
	switch n := bytes.Count(f.text, old); {
	case n == 0:
		return nil, errors.New("old_text does not stand in it exactly so; read it again and copy what is there")
	case n > 1 && !all:
		return nil, fmt.Errorf("old_text stands in it %d times; take more lines around it, or set replace_all", n)
	}
	var out []byte
	for from := 0; ; {
		n := bytes.Index(f.text[from:], old)
		if n < 0 {
			return f.real(out, from, len(f.text)), nil
		}
		at := from + n
		out = f.real(out, from, at)
		out = f.put(out, new, at, at+len(old))
		from = at + len(old)
		if len(out) > 2*maxEdit {
			return out, nil
		}
	}
}

// put writes what takes the place of text[from:until].
func (f flat) put(out, new []byte, from, until int) []byte {
	end := f.endNear(from)
	for {
		n := bytes.IndexByte(new, '\n')
		if n < 0 {
			return append(out, new...)
		}
		if i := bytes.IndexByte(f.text[from:until], '\n'); i >= 0 {
			end = f.end(from + i)
			from += i + 1
		}
		out = append(append(out, new[:n]...), end...)
		new = new[n+1:]
	}
}

// rewritten is a whole new text as the file has its lines, and its beginning that no editor shows.
func rewritten(before, text []byte) []byte {
	if ends := bytes.Count(before, lf); ends > 0 && bytes.Count(before, crlf)*2 > ends && !bytes.Contains(text, crlf) {
		text = bytes.ReplaceAll(text, lf, crlf)
	}
	if bytes.HasPrefix(before, bom) && !bytes.HasPrefix(text, bom) {
		text = append(bytes.Clone(bom), text...)
	}
	return text
}
