//go:build unix

package store

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// cpu is the time this process has spent computing, system calls included.
func cpu(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measure reports CPU time per unit, of which each iteration has so many.
func measure(b *testing.B, unit string, per int, f func(i int)) {
	b.Helper()
	before := cpu(b)
	b.ResetTimer()
	for i := range b.N {
		f(i)
	}
	b.StopTimer()
	b.ReportMetric(float64(cpu(b)-before)/1e3/float64(b.N*per), "cpu-µs/"+unit)
}

// One answer of 20,000 deltas of 4 bytes, flushed as 50 ms of a stream would be, sealed at its end.
func BenchmarkStream(b *testing.B) {
	for _, perFlush := range []int{10, 20, 100, 1000} {
		b.Run(fmt.Sprint(perFlush, "-deltas-a-flush"), func(b *testing.B) {
			s := openAt(b, filepath.Join(b.TempDir(), "db"))
			flush := strings.Repeat("abc ", perFlush)
			measure(b, "delta", 20000, func(i int) {
				run := started(b, s, "", "go")
				for range 20000 / perFlush {
					if err := s.AppendChunk(context.Background(), run.Id, apiv1.Chunk_KIND_TEXT, flush); err != nil {
						b.Fatal(err)
					}
				}
				if _, err := s.EndRun(context.Background(), run.Id, End{State: completed, Entries: []*apiv1.Entry{usageEntry(1, 2), turnEntry()}}); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

// The same with one reader who follows.
func BenchmarkStreamAndWatch(b *testing.B) {
	s := openAt(b, filepath.Join(b.TempDir(), "db"))
	flush := strings.Repeat("abc ", 100)
	measure(b, "delta", 20000, func(i int) {
		run := started(b, s, "", "go")
		rev := s.Rev()
		for range 200 {
			if err := s.AppendChunk(context.Background(), run.Id, apiv1.Chunk_KIND_TEXT, flush); err != nil {
				b.Fatal(err)
			}
			_, next, err := s.Changes(context.Background(), ChangesQuery{After: rev, SessionID: run.SessionId})
			if err != nil {
				b.Fatal(err)
			}
			rev = next
		}
		if _, err := s.EndRun(context.Background(), run.Id, End{State: completed}); err != nil {
			b.Fatal(err)
		}
	})
}

var vocabulary = func() []string {
	words := make([]string, 5000)
	for i := range words {
		words[i] = fmt.Sprintf("w%xord%d", i*7919, i)
	}
	return words
}()

func prose(zipf *rand.Zipf, n int) string {
	var b strings.Builder
	for range n {
		b.WriteString(vocabulary[zipf.Uint64()])
		b.WriteByte(' ')
	}
	return b.String()
}

// filled makes a session of so many messages, half of them answers.
func filled(b *testing.B, messages int) (*Store, string) {
	b.Helper()
	s := openAt(b, filepath.Join(b.TempDir(), "db"))
	zipf := rand.NewZipf(rand.New(rand.NewPCG(1, 1)), 1.2, 1, uint64(len(vocabulary)-1))
	first := send(b, s, "", "begin")
	err := s.write(context.Background(), false, func(t *tx) error {
		session := first.SessionId
		for i := range messages / 2 {
			if i%5000 == 4999 {
				p, err := t.newSession(&apiv1.Session{})
				if err != nil {
					return err
				}
				if messages > 10000 {
					session = p.ID
				}
			}
			m := Send{SessionID: session, ClientRequestID: fmt.Sprint("f", i), Text: prose(zipf, 20)}
			_, run, err := t.accept(&m, []byte{1})
			if err != nil {
				return err
			}
			run.StartedMS = 1
			if err := t.end(&run, End{State: completed, Entries: []*apiv1.Entry{{Body: &apiv1.Entry_Text{Text: &apiv1.ModelText{Text: prose(zipf, 100)}}}}}, apiv1.Author_AUTHOR_END); err != nil {
				return err
			}
			if err := t.saveRun(&run); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return s, first.SessionId
}

func BenchmarkLastPage(b *testing.B) {
	s, session := filled(b, 10000)
	for _, limit := range []int32{60, 100} {
		b.Run(fmt.Sprint(limit), func(b *testing.B) {
			measure(b, "page", 1, func(int) {
				res, err := s.ListEntries(context.Background(), &apiv1.ListEntriesRequest{SessionId: session, Limit: limit})
				if err != nil || len(res.Entries) != int(limit) {
					b.Fatal(len(res.GetEntries()), err)
				}
			})
		})
	}
}

func BenchmarkHistory(b *testing.B) {
	s, session := filled(b, 1000)
	runs, err := s.SessionRuns(context.Background(), session)
	if err != nil {
		b.Fatal(err)
	}
	measure(b, "history", 1, func(int) {
		if _, err := s.History(context.Background(), session, runs[len(runs)-1].Id); err != nil {
			b.Fatal(err)
		}
	})
}

func BenchmarkListSessions(b *testing.B) {
	s := openAt(b, filepath.Join(b.TempDir(), "db"))
	err := s.write(context.Background(), false, func(t *tx) error {
		for i := range 5000 {
			t.now++
			if _, err := t.newSession(&apiv1.Session{Title: fmt.Sprint("session ", i)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	for _, limit := range []int{100, 5000} {
		b.Run(fmt.Sprint(limit), func(b *testing.B) {
			measure(b, "list", 1, func(int) {
				req := &apiv1.ListSessionsRequest{Limit: int32(min(limit, 1000))}
				for n := 0; n < limit; {
					res, err := s.ListSessions(context.Background(), req)
					if err != nil || len(res.Sessions) == 0 {
						b.Fatal(len(res.GetSessions()), err)
					}
					n += len(res.Sessions)
					req.PageToken = res.NextPageToken
				}
			})
		})
	}
}

// From nothing to the first list, with ten thousand sessions and a million messages.
func BenchmarkRestart(b *testing.B) {
	s := large(b)
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	var took []time.Duration
	for b.Loop() {
		begin := time.Now()
		again, err := Open(context.Background(), Config{Path: s.path})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := again.Recover(context.Background()); err != nil {
			b.Fatal(err)
		}
		if _, err := again.ListSessions(context.Background(), &apiv1.ListSessionsRequest{}); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begin))
		if err := again.Close(); err != nil {
			b.Fatal(err)
		}
	}
	report(b, took)
}

func BenchmarkSend(b *testing.B) {
	s := openAt(b, filepath.Join(b.TempDir(), "db"))
	measure(b, "send", 1, func(int) { send(b, s, "", "a message of a few words") })
}

func BenchmarkSend10MB(b *testing.B) {
	s := openAt(b, filepath.Join(b.TempDir(), "db"))
	text := strings.Repeat("ten bytes ", 1<<20)
	measure(b, "send", 1, func(int) { send(b, s, "", text) })
}

func BenchmarkNothingChanged(b *testing.B) {
	s := openAt(b, filepath.Join(b.TempDir(), "db"))
	run := send(b, s, "", "hi")
	rev := s.Rev()
	measure(b, "look", 1, func(int) {
		if _, _, err := s.Changes(context.Background(), ChangesQuery{After: rev, SessionID: run.SessionId}); err != nil {
			b.Fatal(err)
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "db")
	measure(b, "open", 1, func(int) {
		if err := openAt(b, path).Close(); err != nil {
			b.Fatal(err)
		}
	})
}

// report gives percentiles of what each call took, in milliseconds.
func report(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	for _, p := range []int{50, 95, 100} {
		b.ReportMetric(float64(took[(len(took)-1)*p/100].Microseconds())/1e3, fmt.Sprintf("p%d-ms", p))
	}
}

// Searches in a million messages, over words of all frequencies.
func BenchmarkSearch(b *testing.B) {
	s := large(b)
	long := func(i int) string {
		for len(largeWords[i]) <= 4 {
			i++
		}
		return largeWords[i]
	}
	ranks := []int{0, 1, 3, 8, 20, 60, 200, 700, 2000, 8000, 40000}
	kinds := map[string]func(i int) *apiv1.SearchSessionsRequest{
		"word": func(i int) *apiv1.SearchSessionsRequest { return &apiv1.SearchSessionsRequest{Query: largeWords[i]} },
		"prefix3": func(i int) *apiv1.SearchSessionsRequest {
			return &apiv1.SearchSessionsRequest{Query: long(i)[:3] + "*"}
		},
		"prefix5": func(i int) *apiv1.SearchSessionsRequest {
			return &apiv1.SearchSessionsRequest{Query: long(i)[:5] + "*"}
		},
		// More words begin so than are looked up one by one.
		"prefix-of-many": func(i int) *apiv1.SearchSessionsRequest {
			many := []string{"inter", "intern", "interk", "20251", "202599", "20257", "inter"}
			return &apiv1.SearchSessionsRequest{Query: many[i%len(many)] + "*"}
		},
		"prefix4": func(i int) *apiv1.SearchSessionsRequest {
			return &apiv1.SearchSessionsRequest{Query: long(i)[:4] + "*"}
		},
		"two-words": func(i int) *apiv1.SearchSessionsRequest {
			return &apiv1.SearchSessionsRequest{Query: largeWords[i] + " " + largeWords[i/2+5]}
		},
		"phrase": func(i int) *apiv1.SearchSessionsRequest {
			return &apiv1.SearchSessionsRequest{Query: `"` + largeWords[i/4] + " " + largeWords[i/8] + `"`}
		},
		"ranked": func(i int) *apiv1.SearchSessionsRequest {
			return &apiv1.SearchSessionsRequest{Query: largeWords[i], Ranked: true}
		},
		"provider": func(i int) *apiv1.SearchSessionsRequest {
			return &apiv1.SearchSessionsRequest{Query: largeWords[i], Provider: "p1"}
		},
		"session": func(i int) *apiv1.SearchSessionsRequest {
			return &apiv1.SearchSessionsRequest{Query: largeWords[i], SessionId: "s0001234"}
		},
		"a-month-long-ago": func(i int) *apiv1.SearchSessionsRequest {
			return &apiv1.SearchSessionsRequest{Query: largeWords[i], SinceMs: 1_605_000_000_000, UntilMs: 1_608_000_000_000}
		},
	}
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			for n := 0; b.Loop(); n++ {
				begin := time.Now()
				if _, err := s.SearchSessions(context.Background(), kinds[name](ranks[n%len(ranks)])); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(begin))
			}
			report(b, took)
		})
	}
}
