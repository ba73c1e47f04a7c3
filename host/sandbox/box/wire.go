package box

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
)

// A wire writes fields one after the other, or reads them back in the same order. Both sides are built together, and a
// command waits for it: JSON takes the helper's first half millisecond.
type wire struct {
	b      []byte
	read   bool
	broken bool
}

var errBroken = errors.New("it is cut short")

// Encode writes s down for the helper.
func (s *Spec) Encode() []byte {
	w := &wire{}
	w.spec(s)
	return w.b
}

// Decode reads what Encode wrote.
func (s *Spec) Decode(b []byte) error {
	w := &wire{b: b, read: true}
	w.spec(s)
	return w.end()
}

// Encode writes r down for the host.
func (r *Report) Encode() []byte {
	w := &wire{}
	w.report(r)
	return w.b
}

// Decode reads what Encode wrote.
func (r *Report) Decode(b []byte) error {
	w := &wire{b: b, read: true}
	w.report(r)
	return w.end()
}

// Encode writes p down for the helper.
func (p *Probe) Encode() []byte {
	w := &wire{}
	w.probe(p)
	return w.b
}

// Decode reads what Encode wrote.
func (p *Probe) Decode(b []byte) error {
	w := &wire{b: b, read: true}
	w.probe(p)
	return w.end()
}

// EncodeFindings writes down what probes found.
func EncodeFindings(found []Finding) []byte {
	w := &wire{}
	w.findings(&found)
	return w.b
}

// DecodeFindings reads what EncodeFindings wrote.
func DecodeFindings(b []byte) ([]Finding, error) {
	var found []Finding
	w := &wire{b: b, read: true}
	w.findings(&found)
	return found, w.end()
}

func (w *wire) end() error {
	if w.broken || len(w.b) > 0 {
		return errBroken
	}
	return nil
}

func (w *wire) spec(s *Spec) {
	w.text((*string)(&s.Walls))
	list(w, &s.Args, w.text)
	list(w, &s.Env, w.text)
	w.text(&s.Dir)
	w.text(&s.Root)
	w.text(&s.Identity)
	w.text(&s.Temp)
	w.text(&s.Home)
	list(w, &s.Binds, func(b *Bind) {
		w.text(&b.Path)
		w.text(&b.From)
		w.flag(&b.Write)
		w.flag(&b.Fresh)
		w.flag(&b.Scrap)
		w.flag(&b.Empty)
		w.flag(&b.Exec)
		w.text(&b.Version)
		w.flag(&b.Optional)
	})
	w.texts(&s.Links)
	w.texts(&s.Files)
	w.flag(&s.Only)
	w.flag(&s.Stdin)
	plugin := s.Plugin != nil
	if w.flag(&plugin); plugin {
		if w.read {
			s.Plugin = &Plugin{}
		}
		w.text(&s.Plugin.Path)
		w.text(&s.Plugin.SHA256)
	}
	w.flag(&s.Reads)
	w.flag(&s.Listen)
	w.number(&s.Limits.Memory)
	w.number(&s.Limits.Processes)
	w.number(&s.Limits.Temp)
	files := int64(s.Limits.Files)
	if w.number(&files); w.read {
		s.Limits.Files = uint64(files)
	}
	w.flag(&s.Limits.Held)
}

func (w *wire) report(r *Report) {
	w.flag(&r.Started)
	w.text(&r.Problem)
	exit := int64(r.Exit)
	w.number(&exit)
	r.Exit = int(exit)
	w.flag(&r.Ended)
}

func (w *wire) probe(p *Probe) {
	for _, s := range []*string{&p.Outside, &p.Secret, &p.Git, &p.Socket, &p.Abstract} {
		w.text(s)
	}
	port, pid := int64(p.Port), int64(p.PID)
	w.number(&port)
	w.number(&pid)
	p.Port, p.PID = int(port), int(pid)
}

func (w *wire) findings(found *[]Finding) {
	list(w, found, func(f *Finding) {
		w.text(&f.Name)
		w.flag(&f.Held)
		w.text(&f.Words)
	})
}

func (w *wire) number(n *int64) {
	if !w.read {
		w.b = binary.AppendVarint(w.b, *n)
		return
	}
	v, size := binary.Varint(w.b)
	if size <= 0 {
		w.broken, w.b = true, nil
		return
	}
	*n, w.b = v, w.b[size:]
}

func (w *wire) flag(is *bool) {
	var n int64
	if *is {
		n = 1
	}
	if w.number(&n); w.read {
		*is = n != 0
	}
}

// size is how many of something follow; never more than there are bytes left.
func (w *wire) size(n int) int {
	v := int64(n)
	w.number(&v)
	if w.read && (v < 0 || v > int64(len(w.b))) {
		w.broken, w.b = true, nil
		return 0
	}
	return int(v)
}

func (w *wire) text(s *string) {
	n := w.size(len(*s))
	if !w.read {
		w.b = append(w.b, *s...)
		return
	}
	*s, w.b = string(w.b[:n]), w.b[n:]
}

func list[T any](w *wire, of *[]T, each func(*T)) {
	n := w.size(len(*of))
	if w.read {
		*of = make([]T, n)
	}
	for i := range *of {
		each(&(*of)[i])
	}
}

func (w *wire) texts(of *map[string]string) {
	names := slices.Sorted(maps.Keys(*of))
	list(w, &names, w.text)
	if w.read {
		*of = make(map[string]string, len(names))
	}
	for _, name := range names {
		text := (*of)[name]
		if w.text(&text); w.read {
			(*of)[name] = text
		}
	}
}
