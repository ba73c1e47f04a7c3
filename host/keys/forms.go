package keys

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/url"
	"slices"
	"strings"
)

// shortest is the length below which a secret is looked for only as it is: other forms of it would be found in anything.
const shortest = 8

// Forms are all the ways in which secrets are usually written, to find them wherever they turn up. Nil knows none.
type Forms struct {
	// The longest first: one may be the beginning of another.
	patterns [][]byte
}

// FormsOf gives the forms of some secrets; "" is none.
func FormsOf(secrets ...string) *Forms {
	seen := map[string]bool{}
	for _, s := range secrets {
		if s != "" {
			seen[s] = true
		}
		if len(s) < shortest {
			continue
		}
		for _, form := range otherForms(s) {
			if len(form) >= shortest {
				seen[form] = true
			}
		}
	}
	f := &Forms{}
	for form := range seen {
		f.patterns = append(f.patterns, []byte(form))
	}
	slices.SortFunc(f.patterns, func(a, b []byte) int {
		if d := len(b) - len(a); d != 0 {
			return d
		}
		return bytes.Compare(a, b)
	})
	return f
}

func otherForms(s string) []string {
	forms := []string{url.QueryEscape(s), url.PathEscape(s), hex.EncodeToString([]byte(s)), strings.ToUpper(hex.EncodeToString([]byte(s)))}
	for _, f := range forms[:2] {
		forms = append(forms, lowerEscapes(f))
	}
	if text, err := json.Marshal(s); err == nil {
		inner := string(text[1 : len(text)-1])
		forms = append(forms, inner, strings.ReplaceAll(inner, "/", `\/`))
	}
	var plain bytes.Buffer
	enc := json.NewEncoder(&plain)
	enc.SetEscapeHTML(false)
	if enc.Encode(s) == nil {
		inner := strings.Trim(strings.TrimSpace(plain.String()), `"`)
		forms = append(forms, inner, strings.ReplaceAll(inner, "/", `\/`))
	}
	// In the middle of something longer, base64 has three ways to write it. What its neighbours have a part in is left out.
	for before := range 3 {
		raw := append(make([]byte, before), s...)
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := enc.EncodeToString(raw)
			from, until := (before*8+5)/6, len(raw)*8/6
			forms = append(forms, text[from:until])
		}
	}
	return forms
}

// lowerEscapes writes percent escapes with small letters.
func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:], bytes.ToLower(b[i+1:i+3]))
		}
	}
	return string(b)
}

// Any tells whether there is anything to find.
func (f *Forms) Any() bool { return f != nil && len(f.patterns) > 0 }

// Censor takes the secrets out of a text.
func (f *Forms) Censor(text string) string {
	if !f.Any() {
		return text
	}
	for _, p := range f.patterns {
		if strings.Contains(text, string(p)) {
			text = strings.ReplaceAll(text, string(p), Removed)
		}
	}
	return text
}

// Flow takes secrets out of what comes in pieces, however they are split. It holds back no more than what may be the
// beginning of one.
type Flow struct {
	forms *Forms
	held  []byte
}

// Flow begins.
func (f *Forms) Flow() *Flow { return &Flow{forms: f} }

// Next takes a piece and gives what may be shown now.
func (l *Flow) Next(piece []byte) []byte {
	if !l.forms.Any() {
		return piece
	}
	text := piece
	if len(l.held) > 0 {
		text = append(l.held, piece...)
	}
	text = l.forms.censor(text)
	keep := l.forms.begun(text)
	show := text[:len(text)-keep]
	l.held = slices.Clone(text[len(text)-keep:])
	return show
}

// Rest gives what was held back: nothing more comes.
func (l *Flow) Rest() []byte {
	rest := l.held
	l.held = nil
	return rest
}

func (f *Forms) censor(text []byte) []byte {
	for _, p := range f.patterns {
		if bytes.Contains(text, p) {
			text = bytes.ReplaceAll(text, p, []byte(Removed))
		}
	}
	return text
}

// begun is how much of the end of a text may be the beginning of a secret.
func (f *Forms) begun(text []byte) int {
	most := 0
	for _, p := range f.patterns {
		for n := min(len(p)-1, len(text)); n > most; n-- {
			if text[len(text)-n] == p[0] && bytes.HasPrefix(p, text[len(text)-n:]) {
				most = n
				break
			}
		}
	}
	return most
}

// Reader takes the secrets out of what is read through it, however the reads split them.
func (f *Forms) Reader(r io.ReadCloser) io.ReadCloser {
	if !f.Any() {
		return r
	}
	return &reading{ReadCloser: r, flow: f.Flow()}
}

type reading struct {
	io.ReadCloser
	flow  *Flow
	ready []byte
	buf   []byte
	err   error
}

func (r *reading) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(r.ready) == 0 && r.err == nil {
		if r.buf == nil {
			r.buf = make([]byte, 16<<10)
		}
		var n int
		n, r.err = r.ReadCloser.Read(r.buf)
		if n > 0 {
			r.ready = r.flow.Next(r.buf[:n])
		}
		if r.err != nil {
			r.ready = append(slices.Clone(r.ready), r.flow.Rest()...)
		}
	}
	if len(r.ready) > 0 {
		n := copy(p, r.ready)
		r.ready = r.ready[n:]
		return n, nil
	}
	return 0, r.err
}
