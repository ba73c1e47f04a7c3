//go:build unix

package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	largeSessions = 10_000
	largeMessages = 1_000_000
	// largeMade is to be changed with what it is made of.
	largeMade = "words that begin alike"
)

// large opens a database of a million messages in ten thousand sessions. It is made once and kept in the temporary
// directory: some 900 MB, in a minute or two.
func large(b *testing.B) *Store {
	b.Helper()
	var scripts []byte
	for n := 1; ; n++ {
		script, err := migrations.ReadFile(fmt.Sprintf("migrations/%04d.sql", n))
		if err != nil {
			break
		}
		scripts = append(scripts, script...)
	}
	scripts = append(scripts, largeMade...)
	sum := sha256.Sum256(scripts)
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("openvibez-bench-%d", os.Getuid()))
	path := filepath.Join(dir, hex.EncodeToString(sum[:6])+".db")
	if fileSize(path) == 0 {
		// That of another schema is of no use any more.
		if err := os.RemoveAll(dir); err != nil {
			b.Fatal(err)
		}
		unfinished := filepath.Join(dir, "unfinished.db")
		if err := fillLarge(openAt(b, unfinished)); err != nil {
			b.Fatal(err)
		}
		if err := os.Rename(unfinished, path); err != nil {
			b.Fatal(err)
		}
	}
	return openAt(b, path)
}

// words are made of syllables and as frequent as words are: few make up most of a text. Of all, one in ten begins like
// many others.
func words(n int) []string {
	r := rand.New(rand.NewPCG(7, 7))
	const heads, tails = "bcdfghjklmnprstvw", "aeiou"
	all, seen := make([]string, 0, n), map[string]bool{}
	for len(all) < n {
		var w strings.Builder
		for range 1 + r.IntN(2) + r.IntN(3) {
			w.WriteByte(heads[r.IntN(len(heads))])
			w.WriteByte(tails[r.IntN(len(tails))])
		}
		if r.IntN(2) == 0 {
			w.WriteByte(heads[r.IntN(len(heads))])
		}
		word := w.String()
		switch len(all) % 20 {
		case 5:
			word = "inte" + word
		case 15:
			word = "inter" + word
		}
		if !seen[word] {
			seen[word] = true
			all = append(all, word)
		}
	}
	return all
}

var largeWords = words(50_000)

// fillLarge writes rows as Send and EndRun would have, in one go.
func fillLarge(s *Store) error {
	zipf := rand.NewZipf(rand.New(rand.NewPCG(1, 1)), 1.15, 2.7, uint64(len(largeWords)-1))
	r := rand.New(rand.NewPCG(2, 2))
	prose := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteString(largeWords[zipf.Uint64()])
			b.WriteByte(' ')
		}
		return b.String()
	}
	ctx := context.Background()
	err := s.write(ctx, false, func(t *tx) error {
		for _, off := range []string{"DROP TRIGGER search_insert", "DROP INDEX entries_rev", "DROP INDEX entries_run"} {
			if _, err := t.exec(off); err != nil {
				return err
			}
		}
		var rows strings.Builder
		const perSession = largeMessages / largeSessions
		for n := range largeSessions {
			session := fmt.Sprintf("s%07d", n)
			born := int64(1_600_000_000_000) + int64(n)*3_600_000
			_, err := t.exec(`INSERT INTO sessions (id, title, provider_id, last_seq, created_ms, active_ms, rev) VALUES (?, ?, ?, ?, ?, ?, ?)`,
				session, prose(4), fmt.Sprint("p", n%3), perSession, born, born, t.next(1))
			if err != nil {
				return err
			}
			rows.Reset()
			for m := 0; m < perSession; m += 2 {
				run := fmt.Sprintf("r%07d%03d", n, m)
				_, err := t.exec(`INSERT INTO runs (id, session_id, client_request_id, request_hash, state, provider_id, model, queue_order, user_seq, last_seq, created_ms, started_ms, updated_ms, ended_ms, rev)
					VALUES (?, ?, ?, x'00', 7, ?, 'm', ?, ?, ?, ?, ?, ?, ?, ?)`, run, session, run, fmt.Sprint("p", n%3), m, m+1, m+2, born, born, born, born, t.next(2))
				if err != nil {
					return err
				}
				for k := range 2 {
					// Every message has a number of its own.
					text, _ := json.Marshal(prose(10+r.IntN(100)) + fmt.Sprint(2025_0000_0000+r.Int64N(1_0000_0000)))
					kind, name := kindUser+k, []string{"user", "text"}[k]
					if rows.Len() > 0 {
						rows.WriteByte(',')
					}
					fmt.Fprintf(&rows, `('%s',%d,%d,'%s',%d,'{"%s":{"text":%s}}',%d,%d)`, session, m+k+1, m+k+1, run, kind, name, text, born+int64(m)*1000, t.next(3))
				}
			}
			if _, err := t.exec("INSERT INTO entries (session_id, seq, last_seq, run_id, kind, entry_json, created_ms, rev) VALUES " + rows.String()); err != nil {
				return err
			}
		}
		script, err := migrations.ReadFile("migrations/0001.sql")
		if err != nil {
			return err
		}
		_, trigger, _ := strings.Cut(string(script), "CREATE TRIGGER search_insert")
		trigger, _, _ = strings.Cut(trigger, "END;")
		for _, on := range []string{
			"CREATE TRIGGER search_insert" + trigger + "END", "CREATE INDEX entries_rev ON entries (session_id, rev)", "CREATE INDEX entries_run ON entries (run_id, seq)",
			"INSERT INTO search (search) VALUES ('rebuild')",
		} {
			if _, err := t.exec(on); err != nil {
				return fmt.Errorf("%s: %w", on, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.emptyLog()
	return s.Close()
}
