package store

import (
	"cmp"
	"slices"
	"strings"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// hit is a text that was found, with marks in it.
type hit struct {
	id                   int64
	session, run, marked string
	seq, kind, created   int64
	score                float64
}

// keep tells whether words with all of the beginnings occur in a whole text, in which all words with their first letters
// are marked. Marks on those that only begin like that are taken away.
func (h *hit) keep(beginnings []string) bool {
	seen := map[string]bool{}
	var b strings.Builder
	for rest := h.marked; rest != ""; {
		plain, after, _ := strings.Cut(rest, foundBegin)
		found, next, _ := strings.Cut(after, foundEnd)
		b.WriteString(plain)
		marks := false
		for _, word := range wordsOf(found) {
			word, alike := fold(word), false
			for _, beginning := range beginnings {
				if strings.HasPrefix(word, beginning) {
					seen[beginning], marks = true, true
				}
				alike = alike || strings.HasPrefix(word, firstLetters(beginning))
			}
			marks = marks || !alike
		}
		if marks {
			found = foundBegin + found + foundEnd
		}
		b.WriteString(found)
		rest = next
	}
	h.marked = b.String()
	return len(seen) == len(beginnings)
}

// best puts hits with whole texts in order: those in which what was found is frequent and the rest is little come first
// (BM25; since every word occurs in every hit, none is rarer than another), newer ones before older ones alike.
func best(hits []hit) []hit {
	const k, b = 1.2, 0.75
	average := 1.0
	for _, h := range hits {
		average += float64(len(h.marked)) / float64(len(hits))
	}
	for i := range hits {
		h := &hits[i]
		times := map[string]float64{}
		for p := range strings.SplitSeq(h.marked, foundBegin) {
			if word, _, ok := strings.Cut(p, foundEnd); ok {
				times[strings.ToLower(word)]++
			}
		}
		for _, n := range times {
			h.score += n * (k + 1) / (n + k*(1-b+b*float64(len(h.marked))/average))
		}
		h.marked = excerpt(h.marked)
	}
	slices.SortStableFunc(hits, func(x, y hit) int { return cmp.Compare(y.score, x.score) })
	return hits
}

// excerpt cuts a piece out of a marked text, around what was found first.
func excerpt(marked string) string {
	const before, all = 60, 200
	begin := max(strings.Index(marked, foundBegin), 0)
	from := 0
	if begin > before {
		from = begin - before
		if blank := strings.IndexAny(marked[from:begin], " \n"); blank >= 0 {
			from += blank + 1
		}
	}
	text := strings.ToValidUTF8(marked[from:min(len(marked), from+all)], "")
	if len(marked) > from+all {
		if blank := strings.LastIndexAny(text, " \n"); blank > len(text)/2 {
			text = text[:blank]
		}
		text += "…"
	}
	if from > 0 {
		text = "…" + text
	}
	return text
}

// searchPieces takes a marked text apart.
func searchPieces(marked string) []*apiv1.SearchPiece {
	var all []*apiv1.SearchPiece
	add := func(text string, found bool) {
		if text != "" {
			all = append(all, &apiv1.SearchPiece{Text: text, Found: found})
		}
	}
	for marked != "" {
		plain, rest, _ := strings.Cut(marked, foundBegin)
		found, after, _ := strings.Cut(rest, foundEnd)
		add(plain, false)
		add(found, true)
		marked = after
	}
	return all
}

// searchHits gives hits with their sessions.
func (v view) searchHits(hits []hit) ([]*apiv1.SearchHit, error) {
	sessions := map[string]*apiv1.Session{}
	var all []*apiv1.SearchHit
	for _, h := range hits {
		if sessions[h.session] == nil {
			row, err := v.session(h.session)
			if err != nil {
				return nil, err
			}
			sessions[h.session] = row.proto()
		}
		all = append(all, &apiv1.SearchHit{
			Session: sessions[h.session], Seq: h.seq, RunId: h.run, User: h.kind == kindUser, CreatedMs: h.created, Pieces: searchPieces(h.marked),
		})
	}
	return all, nil
}
