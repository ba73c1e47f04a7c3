package store

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

const (
	// maxTerms bounds what one search looks for; more words hardly narrow it.
	maxTerms = 32
	// prefixLetters is the shortest beginning of a word that is looked up as one; there is an index of those of three
	// and four letters.
	prefixLetters, indexedLetters = 3, 4
	// maxWords is how many words a longer beginning may stand for to be looked up by them, which gives the newest
	// without finding all.
	maxWords = 40
	// Where it stands for more, the texts with its first letters are looked through, unless after some less than one in
	// so many of them has it.
	firstSifted, oneIn = 50, 30
)

// term is a word or phrase to look for; last is the last word of it, of which only the beginning is known if open.
type term struct {
	text, last string
	open       bool
}

// fts gives the term as FTS5 understands it, whatever a person typed.
func (t term) fts() string {
	quoted := quoteTerm(t.text)
	if t.open {
		quoted += "*"
	}
	return quoted
}

func quoteTerm(text string) string { return `"` + strings.ReplaceAll(text, `"`, `""`) + `"` }

// termsOf takes apart what a person typed. What the index keeps nothing of is left out.
func termsOf(query string) []term {
	var terms []term
	for rest := strings.TrimSpace(clean(query)); rest != "" && len(terms) < maxTerms; rest = strings.TrimSpace(rest) {
		var t term
		t.text, rest = cutTerm(rest)
		if strings.HasPrefix(rest, "*") || strings.HasSuffix(t.text, "*") {
			t.open = true
			rest, t.text = strings.TrimLeft(rest, "*"), strings.TrimRight(t.text, "*")
		}
		if t.last = lastWord(t.text); t.last != "" {
			t.open = t.open && longEnough(t.last)
			terms = append(terms, t)
		}
	}
	return terms
}

// match makes one expression of all terms. Where that would be slow because many words begin so, there is also one that
// finds more, and the beginnings that have to occur in what it finds.
func (v view) match(terms []term) (exact, wide string, beginnings []string, err error) {
	all, wider := make([]string, len(terms)), make([]string, len(terms))
	for i, t := range terms {
		all[i] = t.fts()
		wider[i] = all[i]
		if !t.open || t.text != t.last || utf8.RuneCountInString(t.last) <= indexedLetters {
			continue
		}
		words, err := v.wordsThatBegin(t.last)
		if err != nil {
			return "", "", nil, err
		}
		switch n := len(words); {
		case n > maxWords:
			beginning := fold(t.last)
			wider[i] = quoteTerm(firstLetters(beginning)) + "*"
			if !slices.Contains(beginnings, beginning) {
				beginnings = append(beginnings, beginning)
			}
		case n > 0:
			all[i] = "(" + strings.Join(words, " OR ") + ")"
			wider[i] = all[i]
		}
	}
	return strings.Join(all, " AND "), strings.Join(wider, " AND "), beginnings, nil
}

// firstLetters are those of a beginning by which there is an index.
func firstLetters(beginning string) string {
	letters := []rune(beginning)
	return string(letters[:min(indexedLetters, len(letters))])
}

// wordsThatBegin gives the words of the index that begin so, quoted, at most one more than maxWords. It skips from word
// to word without looking where they occur.
func (v view) wordsThatBegin(beginning string) ([]string, error) {
	low := fold(beginning)
	var words []string
	err := v.each(func(scan func(...any) error) error {
		var word string
		err := scan(&word)
		words = append(words, quoteTerm(word))
		return err
	}, `WITH RECURSIVE word (term) AS (
			SELECT (SELECT term FROM search_words WHERE term >= ?1 LIMIT 1)
			UNION ALL SELECT (SELECT term FROM search_words WHERE term >= word.term || char(1) LIMIT 1) FROM word WHERE word.term < ?2
		)
		SELECT term FROM word WHERE term >= ?1 AND term < ?2 LIMIT ?3`, low, low+"\U0010ffff", maxWords+1)
	if err != nil {
		return nil, fmt.Errorf("search: find the words that begin with %s: %w", beginning, err)
	}
	return words, nil
}

// fold writes a word as the index does: in small letters, without accents.
func fold(word string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(word) {
		if !unicode.Is(unicode.Mn, r) {
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return norm.NFC.String(b.String())
}

// cutTerm takes the first word or phrase off a query.
func cutTerm(query string) (term, rest string) {
	quotes := func(r rune) bool { return r == '"' || r == '“' || r == '”' || r == '„' }
	if after := strings.TrimLeftFunc(query, quotes); after != query {
		end := strings.IndexFunc(after, quotes)
		if end < 0 {
			return after, ""
		}
		return after[:end], strings.TrimLeftFunc(after[end:], quotes)
	}
	end := strings.IndexFunc(query, func(r rune) bool { return unicode.IsSpace(r) || quotes(r) })
	if end < 0 {
		return query, ""
	}
	return query[:end], query[end:]
}

// wordsOf are the runs of characters that the index keeps.
func wordsOf(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return !unicode.In(r, unicode.L, unicode.N, unicode.Co, unicode.M) })
}

// lastWord is the last of the words of a text; empty if there is none.
func lastWord(text string) string {
	words := wordsOf(text)
	if len(words) == 0 {
		return ""
	}
	return words[len(words)-1]
}

// longEnough says whether a beginning is worth looking up: shorter ones fit too much, unless each character is a
// syllable or word.
func longEnough(beginning string) bool {
	letters := 0
	for _, r := range beginning {
		const firstIdeograph = 0x2e80
		if letters++; r >= firstIdeograph {
			return true
		}
	}
	return letters >= prefixLetters
}

// searchQuery is a search as the database is asked.
type searchQuery struct {
	match string
	// Where there are beginnings, wide finds more, fast, and those among it are taken in which all of them occur.
	wide       string
	beginnings []string
	// low and below bound the ids of entries.
	low, below int64
	limit      int
	// whole wants the whole text of each hit, not a piece of it.
	whole bool
	where strings.Builder
	args  []any
	runs  bool
}

func (q *searchQuery) and(condition string, args ...any) {
	q.where.WriteString(" AND " + condition)
	q.args = append(q.args, args...)
}

// narrow adds what a request wants besides words.
func (q *searchQuery) narrow(v view, req *apiv1.SearchSessionsRequest) error {
	if req.Provider != "" {
		var id string
		err := v.one("SELECT id FROM providers WHERE id = ?1 OR name = ?1 ORDER BY id = ?1 DESC LIMIT 1", []any{req.Provider}, &id)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("find provider %s: %w", req.Provider, err)
		}
		// One that was removed is still found by its id.
		q.runs = true
		q.and("r.provider_id = ?", cmp.Or(id, req.Provider))
	}
	if req.WorkspaceId != "" {
		q.and("s.workspace_id = ?", req.WorkspaceId)
	}
	if req.SessionId != "" {
		var low, high sql.NullInt64
		if err := v.one("SELECT min(id), max(id) FROM entries WHERE session_id = ?", []any{req.SessionId}, &low, &high); err != nil {
			return fmt.Errorf("find session %s: %w", req.SessionId, err)
		}
		q.low, q.below = low.Int64, min(q.below, high.Int64+1)
		q.and("e.session_id = ?", req.SessionId)
	}
	if req.SinceMs > 0 || req.UntilMs > 0 {
		return q.within(v, req.SinceMs, req.UntilMs)
	}
	return nil
}

// within keeps to a span of time. Ids grow with time, but for those of copies.
func (q *searchQuery) within(v view, since, until int64) error {
	until = cmp.Or(until, math.MaxInt64-clockSlack)
	q.and("e.created_ms BETWEEN ? AND ?", since, until)
	const native = "SELECT id FROM entries WHERE kind IN (10, 11) AND copied = 0 AND created_ms "
	var low, high, copyLow, copyHigh sql.NullInt64
	for _, bound := range []struct {
		query string
		args  []any
		into  *sql.NullInt64
	}{
		{native + ">= ? ORDER BY created_ms LIMIT 1", []any{since - clockSlack}, &low},
		{native + "<= ? ORDER BY created_ms DESC LIMIT 1", []any{until + clockSlack}, &high},
		{"SELECT min(id) FROM entries WHERE copied <> 0", nil, &copyLow},
		{"SELECT max(id) FROM entries WHERE copied <> 0", nil, &copyHigh},
	} {
		if err := v.one(bound.query, bound.args, bound.into); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("find entries by their time: %w", err)
		}
	}
	if !low.Valid {
		low.Int64 = math.MaxInt64
	}
	if copyLow.Valid {
		low.Int64, high.Int64 = min(low.Int64, copyLow.Int64), max(high.Int64, copyHigh.Int64)
	}
	q.low = max(q.low, low.Int64)
	if high.Int64 < q.below-1 {
		q.below = high.Int64 + 1
	}
	return nil
}

// run finds the newest hits.
func (q *searchQuery) run(v view) ([]hit, error) {
	if len(q.beginnings) == 0 {
		return q.look(v, q.match, q.whole, q.limit, nil)
	}
	var hits []hit
	looked, few := 0, false
	_, err := q.look(v, q.wide, true, -1, func(h hit) bool {
		looked++
		if h.keep(q.beginnings) {
			if !q.whole {
				h.marked = excerpt(h.marked)
			}
			hits = append(hits, h)
		}
		few = looked >= firstSifted && len(hits)*oneIn < looked
		return len(hits) < q.limit && !few
	})
	if err != nil || !few {
		return hits, err
	}
	// So few that finding all does not take long.
	return q.look(v, q.match, q.whole, q.limit, nil)
}

// look asks the database for the newest. The index gives them in that order; each is joined to its rows, so that nothing
// is sorted and no more is read than it takes. more, if there is one, is shown each and says whether to go on.
func (q *searchQuery) look(v view, match string, whole bool, limit int, more func(hit) bool) ([]hit, error) {
	show := "snippet(search, 0, ?1, ?2, '…', 24)"
	if whole {
		show = "highlight(search, 0, ?1, ?2)"
	}
	join := ""
	if q.runs {
		join = " CROSS JOIN runs r ON r.id = e.run_id"
	}
	query := "SELECT e.id, e.session_id, e.run_id, e.seq, e.kind, e.created_ms, " + show + `
		FROM search CROSS JOIN entries e ON e.id = search.rowid CROSS JOIN sessions s ON s.id = e.session_id` + join + `
		WHERE search MATCH ?3 AND search.rowid >= ?4 AND search.rowid < ?5 AND s.deleted_ms = 0` + q.where.String() + `
		ORDER BY search.rowid DESC LIMIT ` + fmt.Sprint(limit)
	var hits []hit
	err := v.each(func(scan func(...any) error) error {
		var h hit
		if err := scan(&h.id, &h.session, &h.run, &h.seq, &h.kind, &h.created, &h.marked); err != nil {
			return err
		}
		if more == nil {
			hits = append(hits, h)
		} else if !more(h) {
			return errEnough
		}
		return nil
	}, query, append([]any{foundBegin, foundEnd, match, q.low, q.below}, q.args...)...)
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return hits, nil
}
