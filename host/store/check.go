package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
)

// CheckInvariants verifies what the store promises about its rows, at the cost of reading all of them, and tells all that
// is wrong. Nothing can be written meanwhile.
func (s *Store) CheckInvariants(ctx context.Context) error {
	return s.write(ctx, false, func(t *tx) error {
		var wrong []error
		for _, p := range s.promises() {
			err := t.each(func(scan func(...any) error) error {
				var what string
				if err := scan(&what); err != nil {
					return err
				}
				if what != p.good {
					wrong = append(wrong, fmt.Errorf("%s: %s", p.name, what))
				}
				return nil
			}, p.query)
			if err != nil {
				wrong = append(wrong, fmt.Errorf("%s: %w", p.name, err))
			}
		}
		// Compares the index with the text it was made of.
		if _, err := t.exec("INSERT INTO search (search, rank) VALUES ('integrity-check', 1)"); err != nil {
			wrong = append(wrong, fmt.Errorf("search agrees with the journal: %w", err))
		}
		return errors.Join(wrong...)
	})
}

// promise is something that holds for all rows; its query names what breaks it.
type promise struct{ name, good, query string }

func (s *Store) promises() []promise {
	drawn, buried := s.drawn()
	return []promise{
		{"the file is intact", "ok", "PRAGMA integrity_check(10)"},
		{"rows refer to rows", "", `SELECT "table" || ' row ' || coalesce(rowid, '?') || ' refers to nothing in ' || parent FROM pragma_foreign_key_check`},
		{"sequence numbers have no gaps", "", `
			WITH places AS (
				SELECT session_id, seq, last_seq FROM entries
				UNION ALL SELECT session_id, seq, seq FROM chunks
			), steps AS (
				SELECT session_id, seq, lag(last_seq, 1, 0) OVER (PARTITION BY session_id ORDER BY seq) AS before FROM places
			)
			SELECT 'session ' || session_id || ' goes from ' || before || ' to ' || seq FROM steps WHERE seq <> before + 1`},
		{"a session knows its last entry", "", `
			SELECT 'session ' || id || ' says ' || last_seq FROM sessions
			WHERE last_seq <> coalesce((SELECT max(last_seq) FROM entries WHERE session_id = sessions.id), 0)`},
		{"open text comes last", "", `
			SELECT 'session ' || session_id || ' has chunk ' || seq || ' before entries' FROM chunks
			WHERE seq <= (SELECT last_seq FROM sessions WHERE id = chunks.session_id)`},
		{"open text is one part of a run under way", "", `
			SELECT 'session ' || c.session_id || ' chunk ' || c.seq FROM chunks c LEFT JOIN runs r ON r.id = c.run_id
			WHERE r.id IS NULL OR r.state NOT BETWEEN 2 AND 6 OR r.session_id <> c.session_id
			UNION ALL SELECT 'session ' || session_id FROM chunks GROUP BY session_id HAVING count(DISTINCT run_id || ' ' || kind) > 1`},
		{"chunks are found by their revision", "", `
			WITH laid AS (SELECT session_id, seq, rev, lag(rev, 1, 0) OVER (PARTITION BY session_id ORDER BY seq) AS before FROM chunks)
			SELECT 'session ' || session_id || ' chunk ' || seq FROM laid WHERE rev <= before`},
		{"chunks follow each other", "", `
			WITH laid AS (
				SELECT session_id, seq, start, sum(length(CAST(text AS BLOB))) OVER (PARTITION BY session_id ORDER BY seq) - length(CAST(text AS BLOB)) AS expected FROM chunks
			)
			SELECT 'session ' || session_id || ' chunk ' || seq || ' begins at ' || start || ' instead of ' || expected FROM laid WHERE start <> expected`},
		{"a run has one end", "", `
			SELECT 'run ' || id || ' in state ' || state || ' ended at ' || ended_ms FROM runs WHERE (state >= 7) <> (ended_ms > 0)`},
		{"an ended run is busy with nothing", "", `
			SELECT 'run ' || id FROM runs WHERE ended_ms > 0 AND (status <> '' OR resume_ms <> 0)`},
		{"one run of a session is under way", "", `
			SELECT 'session ' || session_id FROM runs WHERE state BETWEEN 2 AND 6 GROUP BY session_id HAVING count(*) > 1`},
		{"a run waits in the background for work that it has left", "", `
			SELECT 'run ' || r.id || ' in state ' || r.state FROM runs r LEFT JOIN jobs j ON j.run_id = r.id AND j.ended_ms = 0
			WHERE (r.state = 5) <> (j.id IS NOT NULL)`},
		{"a queued run has not begun", "", `SELECT 'run ' || id FROM runs WHERE state = 1 AND started_ms <> 0`},
		{"who has ended or waits is not to pause any more", "", `SELECT 'run ' || id FROM runs WHERE pause_requested <> 0 AND (ended_ms > 0 OR state = 6)`},
		{"a run that continues another is of its session", "", `
			SELECT 'run ' || r.id FROM runs r LEFT JOIN runs o ON o.id = r.continues_run_id
			WHERE r.continues_run_id <> '' AND (o.id IS NULL OR o.session_id <> r.session_id OR o.queue_order >= r.queue_order)`},
		{"one run goes on from another", "", `
			SELECT 'run ' || continues_run_id FROM runs WHERE continues_run_id <> '' AND NOT (state = 9 AND started_ms = 0)
			GROUP BY continues_run_id HAVING count(*) > 1`},
		{"a run has its message and its last entry", "", `
			SELECT 'run ' || id FROM runs
			WHERE NOT EXISTS (SELECT 1 FROM entries e WHERE e.session_id = runs.session_id AND e.seq = runs.user_seq AND e.run_id = runs.id AND e.kind = 10)
			OR last_seq <> (SELECT max(last_seq) FROM entries e WHERE e.run_id = runs.id)`},
		{"who waits for approval has asked", "", `
			SELECT 'run ' || id FROM runs WHERE (state = 3) <> EXISTS (SELECT 1 FROM approvals a WHERE a.run_id = runs.id AND a.state = 1)`},
		{"a run that replaces another is of its session", "", `
			SELECT 'run ' || r.id FROM runs r LEFT JOIN runs o ON o.id = r.replaces_run_id
			WHERE r.replaces_run_id <> '' AND (o.id IS NULL OR o.session_id <> r.session_id OR o.id = r.id)`},
		{"revisions were drawn once, and from the counter", "", `
			WITH drawn AS (
				` + drawn + `
			)
			SELECT 'revision ' || rev || ' is of ' || count(*) || ' rows' FROM drawn GROUP BY rev HAVING count(*) > 1
			UNION ALL SELECT 'revision ' || rev || ' is not drawn yet' FROM drawn
			WHERE rev > (SELECT rev FROM revision) AND rev NOT IN (SELECT rev FROM chunks) OR rev <= 0`},
		{"what is gone is gone", "", buried},
		{"usage is counted once", "", `
			WITH told AS (SELECT run_id, count(*) AS n FROM entries WHERE kind = 22 AND copied = 0 GROUP BY run_id)
			SELECT 'run ' || told.run_id || ' told ' || told.n || ' times what it consumed' FROM told
			WHERE told.n > (SELECT count(*) FROM usage u WHERE u.run_id = told.run_id)`},
		{"a deleted session does nothing", "", `
			SELECT 'run ' || r.id FROM runs r JOIN sessions s ON s.id = r.session_id
			WHERE s.deleted_ms <> 0 AND r.ended_ms = 0 AND r.cancel_requested = 0`},
		{"bodies are JSON of their kind", "", `
			SELECT 'entry ' || id FROM entries WHERE NOT json_valid(entry_json)`},
	}
}

// drawn asks for the revisions of all rows that have one, and buried for the tombstones of rows that are there.
func (s *Store) drawn() (drawn, buried string) {
	all, both := []string{"SELECT rev FROM chunks"}, []string{}
	for _, t := range s.topics {
		where := cmp.Or(t.which, "TRUE")
		all = append(all, "SELECT rev FROM "+t.table+" WHERE "+where)
		if t.key != "" {
			both = append(both, fmt.Sprintf("SELECT 'tombstone of %s ' || id FROM tombstones WHERE topic = %d AND id IN (SELECT %s FROM %s WHERE %s)",
				t.table, t.id, t.key, t.table, where))
		}
	}
	return strings.Join(all, " UNION ALL "), strings.Join(both, " UNION ALL ")
}
