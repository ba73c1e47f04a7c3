package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// answered sends a message and lets it be answered.
func answered(t testing.TB, s *Store, session, text, answer string) *apiv1.Run {
	t.Helper()
	run := started(t, s, session, text)
	chunk(t, s, run.Id, answer)
	return must[*apiv1.Run](t)(s.EndRun(t.Context(), run.Id, End{State: completed, Entries: []*apiv1.Entry{usageEntry(1, 2), turnEntry()}}))
}

// found gives the hits of a search as text, what was looked for in brackets.
func found(t testing.TB, s *Store, req *apiv1.SearchSessionsRequest) (all []string) {
	t.Helper()
	for _, h := range must[*apiv1.SearchSessionsResponse](t)(s.SearchSessions(t.Context(), req)).Hits {
		var b strings.Builder
		for _, p := range h.Pieces {
			if p.Found {
				b.WriteString("[" + p.Text + "]")
			} else {
				b.WriteString(p.Text)
			}
		}
		all = append(all, b.String())
	}
	return all
}

func TestSearch(t *testing.T) {
	s := fresh(t)
	answered(t, s, "", "How do interrupts work?", "An interrupt stops the processor. Café, naïve.")
	answered(t, s, "", "What is C++ like?", "Like C, with foo-bar and 日本語テキスト.")
	answered(t, s, "", `say "hello world" twice`, "hello world, hello world")
	for query, want := range map[string][]string{
		"interrupt":            {"An [interrupt] stops the processor. Café, naïve."},
		"INTERRUPTS work":      {"How do [interrupts] [work]?"},
		"inter*":               {"An [interrupt] stops the processor. Café, naïve.", "How do [interrupts] work?"},
		"interrupt*":           {"An [interrupt] stops the processor. Café, naïve.", "How do [interrupts] work?"},
		"Ínterru*":             {"An [interrupt] stops the processor. Café, naïve.", "How do [interrupts] work?"},
		"in*":                  nil,
		"cafe":                 {"An interrupt stops the processor. [Café], naïve."},
		`"hello world"`:        {"[hello world], [hello world]", `say "[hello world]" twice`},
		`"world hello"`:        {"[hello] world, hello [world]"},
		`“hello world” twice`:  {`say "[hello world]" [twice]`},
		`"stops the proc"*`:    {"An interrupt [stops the processor]. Café, naïve."},
		"foo-bar":              {"Like C, with [foo-bar] and 日本語テキスト."},
		"日*":                   {"Like C, with foo-bar and [日本語テキスト]."},
		"C++ like":             {"[Like] [C], with foo-bar and 日本語テキスト.", "What is [C]++ [like]?"},
		"hello AND":            nil,
		"NOT hello":            nil,
		"hello OR café":        nil,
		"text:hello":           nil,
		"hello ( ) ^ : * - +":  {"[hello] [world], [hello] [world]", `say "[hello] world" twice`},
		`hello "unfinished`:    nil,
		"nothing-of-the-kind":  nil,
		"'; DROP TABLE runs--": nil,
	} {
		t.Run(query, func(t *testing.T) {
			for _, ranked := range []bool{false, true} {
				got := found(t, s, &apiv1.SearchSessionsRequest{Query: query, Ranked: ranked})
				if query == `"world hello"` {
					// FTS5 marks overlapping phrases as it likes.
					if len(got) != 1 {
						t.Errorf("got %q", got)
					}
					continue
				}
				if query == "hello ( ) ^ : * - +" {
					if len(got) != 2 {
						t.Errorf("got %q", got)
					}
					continue
				}
				want := slices.Clone(want)
				if ranked {
					slices.Sort(want)
					slices.Sort(got)
				}
				if !slices.Equal(got, want) {
					t.Errorf("ranked %v:\n got %q\nwant %q", ranked, got, want)
				}
			}
		})
	}
	for _, empty := range []string{"", "  ", "*", `""`, "+ - *", "\x00", strings.Repeat("(", 10000)} {
		_, err := s.SearchSessions(t.Context(), &apiv1.SearchSessionsRequest{Query: empty})
		wantErr(t, err, ErrInvalid, "no word to look for")
	}
}

// Nothing that can be typed is an error of syntax.
func FuzzSearch(f *testing.F) {
	for _, q := range []string{`a"b`, "a* *", "NEAR(a b)", "a AND OR", "-a", "{a}:b", `"a""b"`, "日本*", "\xff\xfe", "a^b^", `"*`, "inter*inter*"} {
		f.Add(q)
	}
	s := fresh(f)
	f.Fuzz(func(t *testing.T, query string) {
		for _, ranked := range []bool{false, true} {
			_, err := s.SearchSessions(t.Context(), &apiv1.SearchSessionsRequest{Query: query, Ranked: ranked})
			if err != nil && len(termsOf(query)) > 0 {
				t.Errorf("%q: %v", query, err)
			}
		}
	})
}

func TestSearchFilters(t *testing.T) {
	s := fresh(t)
	p := must[*apiv1.Provider](t)(s.AddProvider(t.Context(), &apiv1.Provider{Plugin: "echo", Name: "Echo"}))
	_, one, _, err := s.Send(t.Context(), Send{ClientRequestID: "one", Text: "common words in one", ProviderID: p.Id})
	if err != nil {
		t.Fatal(err)
	}
	two := send(t, s, "", "common words in two")
	gone := send(t, s, "", "common words in a deleted one")
	middle := time.Now()
	waitFor(t, func() bool { return time.Now().UnixMilli() > middle.UnixMilli() })
	three := send(t, s, "", "common words in three")
	must[time.Time](t)(s.DeleteSession(t.Context(), gone.SessionId))
	copied := kept(t)(s.BranchSession(t.Context(), one.SessionId, 0, ""))
	all := []string{"[common] words in one", "[common] words in three", "[common] words in two", "[common] words in one"}
	for name, c := range map[string]struct {
		req  *apiv1.SearchSessionsRequest
		want []string
	}{
		"none":              {&apiv1.SearchSessionsRequest{}, all},
		"provider by name":  {&apiv1.SearchSessionsRequest{Provider: "echo"}, []string{all[0], all[3]}},
		"provider by id":    {&apiv1.SearchSessionsRequest{Provider: p.Id}, []string{all[0], all[3]}},
		"unknown provider":  {&apiv1.SearchSessionsRequest{Provider: "nope"}, nil},
		"session":           {&apiv1.SearchSessionsRequest{SessionId: two.SessionId}, []string{all[2]}},
		"copied session":    {&apiv1.SearchSessionsRequest{SessionId: copied.Id}, []string{all[0]}},
		"unknown session":   {&apiv1.SearchSessionsRequest{SessionId: "nope"}, nil},
		"unknown workspace": {&apiv1.SearchSessionsRequest{WorkspaceId: "nope"}, nil},
		"until":             {&apiv1.SearchSessionsRequest{UntilMs: middle.UnixMilli()}, []string{all[0], all[2], all[3]}},
		"since":             {&apiv1.SearchSessionsRequest{SinceMs: middle.UnixMilli() + 1}, []string{all[1]}},
		"never":             {&apiv1.SearchSessionsRequest{SinceMs: 1, UntilMs: 2}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c.req.Query = "common"
			if got := found(t, s, c.req); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	hit := must[*apiv1.SearchSessionsResponse](t)(s.SearchSessions(t.Context(), &apiv1.SearchSessionsRequest{Query: "three"})).Hits[0]
	if hit.Session.Id != three.SessionId || hit.Seq != 1 || hit.RunId != three.Id || !hit.User || hit.CreatedMs == 0 {
		t.Errorf("hit %v", hit)
	}
}

func TestSearchPages(t *testing.T) {
	s := fresh(t)
	session := ""
	for i := range 45 {
		session = send(t, s, session, strings.Repeat("common ", 1+i%5)+fmt.Sprint("n", i)).SessionId
	}
	for _, ranked := range []bool{false, true} {
		var got []string
		req := &apiv1.SearchSessionsRequest{Query: "common", Limit: 10, Ranked: ranked}
		for page := 0; ; page++ {
			res := must[*apiv1.SearchSessionsResponse](t)(s.SearchSessions(t.Context(), req))
			for _, h := range res.Hits {
				got = append(got, fmt.Sprint(h.Seq))
			}
			if req.PageToken = res.NextPageToken; req.PageToken == "" {
				break
			}
			// What comes in later does not move the pages.
			send(t, s, session, "common, and late")
		}
		if len(got) < 45 || len(slices.Compact(slices.Sorted(slices.Values(got)))) != len(got) {
			t.Errorf("ranked %v: %d hits: %v", ranked, len(got), got)
		}
	}
	_, err := s.SearchSessions(t.Context(), &apiv1.SearchSessionsRequest{Query: "common", PageToken: "?"})
	wantErr(t, err, ErrInvalid, "page token")
}

func TestSearchRanked(t *testing.T) {
	s := fresh(t)
	send(t, s, "", "kernel kernel kernel")
	send(t, s, "", "one kernel in a long text about something else entirely, with many, many words that do not matter at all")
	got := found(t, s, &apiv1.SearchSessionsRequest{Query: "kernel", Ranked: true})
	if len(got) != 2 || !strings.HasPrefix(got[0], "[kernel]") {
		t.Errorf("ranked: %q", got)
	}
	long := strings.Repeat("ü some words ", 400) + "needle" + strings.Repeat(" more words ü", 400)
	send(t, s, "", long)
	got = found(t, s, &apiv1.SearchSessionsRequest{Query: "needle", Ranked: true})
	if len(got) != 1 || !strings.Contains(got[0], "[needle]") || len(got[0]) > 300 || !strings.HasPrefix(got[0], "…") || !strings.HasSuffix(got[0], "…") {
		t.Errorf("excerpt: %q", got)
	}
}

// A beginning of more words than are looked up one by one finds the same, whether what it begins is all that has its
// first letters or little of it.
func TestSearchManyWords(t *testing.T) {
	s := fresh(t)
	const n = maxWords + 20
	session := ""
	for i := range n {
		session = send(t, s, session, fmt.Sprintf("an integer and Ínterval%d too", i)).SessionId
	}
	look := func(query string, more int) {
		t.Helper()
		for _, ranked := range []bool{false, true} {
			req := &apiv1.SearchSessionsRequest{Query: query, Ranked: ranked, Limit: 30}
			var seqs []int64
			for {
				res := must[*apiv1.SearchSessionsResponse](t)(s.SearchSessions(t.Context(), req))
				for _, h := range res.Hits {
					seqs = append(seqs, h.Seq)
					for _, p := range h.Pieces {
						if word := fold(p.Text); p.Found && !strings.HasPrefix(word, "interv") && word != "too" {
							t.Errorf("%s: %q is marked", query, p.Text)
						}
					}
				}
				if req.PageToken = res.NextPageToken; req.PageToken == "" {
					break
				}
			}
			if len(seqs) != n+more || len(slices.Compact(slices.Sorted(slices.Values(seqs)))) != n+more {
				t.Errorf("%s, ranked %v: %d hits, expected %d", query, ranked, len(seqs), n+more)
			}
			if !ranked && !slices.IsSortedFunc(seqs, func(a, b int64) int { return int(b - a) }) {
				t.Errorf("%s: not the newest first: %v", query, seqs)
			}
		}
	}
	look("interval*", 0)
	look("INTERV* too", 0)
	look("interv* interva*", 0)
	err := s.write(t.Context(), false, func(tx *tx) error {
		for i := range firstSifted + 10 {
			m := Send{SessionID: session, ClientRequestID: fmt.Sprint("i", i), Text: "only integers"}
			if _, _, err := tx.accept(&m, []byte{1}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	send(t, s, session, "the last interval, too")
	look("interval*", 1)
	look("interv* too", 1)
}
