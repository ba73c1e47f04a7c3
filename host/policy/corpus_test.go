package policy

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

const root = "/src/ws"

// at decides about a command in a workspace.
func at(command string, trust Trust, access Access, level Level) Decision {
	return Decide(Request{Command: command, Dir: root, Place: Place{Root: root, Trust: trust, Access: access, Level: level}})
}

// table reads a corpus: fields between tabs, the command last.
func table(t testing.TB, name string, fields int) [][]string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for i, line := range strings.Split(string(data), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		row := strings.SplitN(line, "\t", fields)
		if len(row) != fields {
			t.Fatalf("%s:%d has %d fields, not %d", name, i+1, len(row), fields)
		}
		row[fields-1] = strings.NewReplacer("␤", "\n", "␍", "\r").Replace(row[fields-1])
		rows = append(rows, row)
	}
	return rows
}

func TestBypasses(t *testing.T) {
	rows := table(t, "bypass.txt", 5)
	if len(rows) < 150 {
		t.Errorf("only %d bypasses", len(rows))
	}
	for _, row := range rows {
		readOnly, scoped, class, source, command := row[0], row[1], row[2], row[3], row[4]
		if readOnly == "allow" {
			t.Errorf("%s: %q may not be expected to be allowed in read-only", source, command)
		}
		if scoped == "allow" && class != "build" && class != "git" {
			t.Errorf("%s: %q may not be expected to be allowed as %s", source, command, class)
		}
		d := at(command, TrustTrusted, AccessReadOnly, LevelFull)
		if d.Verdict.String() != readOnly {
			t.Errorf("%s: %q in read-only: %s, want %s (%s)", source, command, d.Verdict, readOnly, d.Reason)
		}
		d = at(command, TrustTrusted, AccessScoped, LevelFull)
		if got := fmt.Sprint(d.Verdict, " ", d.Class); got != scoped+" "+class {
			t.Errorf("%s: %q in scoped: %s, want %s %s (%s)", source, command, got, scoped, class, d.Reason)
		}
		if d.Verdict == Allow && d.Profile == ProfileHost {
			t.Errorf("%s: %q would run outside the sandbox", source, command)
		}
		for _, place := range []struct {
			trust  Trust
			access Access
			most   Verdict
		}{
			{TrustUntrusted, AccessReadOnly, Deny},
			{TrustUntrusted, AccessScoped, Ask},
			{TrustUntrusted, AccessRoot, Deny},
			{TrustReadOnly, AccessScoped, Ask},
			{TrustReadOnly, AccessRoot, Ask},
		} {
			if d := at(command, place.trust, place.access, LevelFull); d.Verdict > place.most {
				t.Errorf("%s: %q, %s, %s: %s", source, command, place.trust, place.access, d.Verdict)
			}
		}
		for _, level := range []Level{LevelNone, LevelReduced} {
			if d := at(command, TrustTrusted, AccessScoped, level); d.Verdict == Allow {
				t.Errorf("%s: %q is allowed with the sandbox level %s", source, command, level)
			}
		}
	}
}

func TestBenign(t *testing.T) {
	rows := table(t, "benign.txt", 2)
	if len(rows) < 100 {
		t.Errorf("only %d commands", len(rows))
	}
	silent := 0
	for _, row := range rows {
		class, command := row[0], row[1]
		d := at(command, TrustTrusted, AccessScoped, LevelFull)
		if d.Verdict == Allow {
			silent++
		}
		if class == "ask" {
			if d.Verdict != Ask {
				t.Errorf("%q: %s %s, want ask (%s)", command, d.Verdict, d.Class, d.Reason)
			}
			continue
		}
		if d.Verdict != Allow || d.Class.String() != class {
			t.Errorf("%q: %s %s, want allow %s (%s)", command, d.Verdict, d.Class, class, d.Reason)
		}
		if ro := at(command, TrustTrusted, AccessReadOnly, LevelFull); (ro.Verdict == Allow) != (class == "read") {
			t.Errorf("%q in read-only: %s (%s)", command, ro.Verdict, ro.Reason)
		}
		if _, ok := d.Grant(); !ok {
			t.Errorf("%q is allowed and grants nothing", command)
		}
	}
	if share := 100 * float64(silent) / float64(len(rows)); share < 92 {
		t.Errorf("%.1f %% of %d ordinary commands run without asking; 92 are wanted", share, len(rows))
	} else {
		t.Logf("%.1f %% of %d ordinary commands run without asking", share, len(rows))
	}
}

// TestQuestions counts what a person would be asked in an ordinary hour: many questions teach to say yes.
func TestQuestions(t *testing.T) {
	rows := table(t, "agent.txt", 3)
	asked := 0
	for _, row := range rows {
		d := at(row[2], TrustTrusted, AccessScoped, LevelFull)
		if d.Verdict.String() != row[0] || d.Class.String() != row[1] {
			t.Errorf("%q: %s %s, want %s %s (%s)", row[2], d.Verdict, d.Class, row[0], row[1], d.Reason)
		}
		if d.Verdict == Ask {
			asked++
		}
	}
	if len(rows) != 113 || asked > 8 {
		t.Errorf("%d of %d ordinary commands ask; 8 of 113 are borne", asked, len(rows))
	}
	t.Logf("%d of %d ordinary commands ask", asked, len(rows))
}
