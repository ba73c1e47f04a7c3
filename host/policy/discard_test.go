package policy

import (
	"strings"
	"testing"
)

// TestLost: what can't be brought back is asked, whatever is remembered, granted or let run without asking.
func TestLost(t *testing.T) {
	place := Place{
		Root: root, Trust: TrustTrusted, Access: AccessScoped, Level: LevelFull, RunUnknown: true, Domains: []string{"example.org"},
		Rules: []Rule{{"1", []string{"git", "push"}}, {"2", []string{"git", "branch"}}, {"3", []string{"rm"}}, {"4", []string{"git"}}, {"5", []string{"rsync"}}},
	}
	lost := 0
	for _, row := range table(t, "bypass.txt", 5) {
		if row[3] != "own: can't be brought back" {
			continue
		}
		lost++
		for _, line := range []string{row[4], "true && " + row[4], "(" + row[4] + ")"} {
			d := Decide(Request{Command: line, Dir: root, Place: place})
			if d.Verdict == Allow || d.Prefix != nil {
				t.Errorf("%q: %s, remembered as %q", line, d.Verdict, d.Prefix)
			}
		}
	}
	if lost < 70 {
		t.Errorf("only %d lines that throw something away", lost)
	}
	for command, want := range map[string]Verdict{
		"git push":                                      Allow,
		"git push -u origin main":                       Allow,
		"git push https://example.org/x main":           Allow,
		"git push -f":                                   Ask,
		"git push https://example.org/x +main":          Ask,
		"git push https://example.org/x :main":          Ask,
		"git push https://example.org/x --mir":          Ask,
		"frobnicate | while read f; do rm $f; done":     Ask,
		"xargs rm < list":                               Ask,
		`find . -name x -exec sh -c 'rm "$1"' _ {} ';'`: Ask,
		"git checkout-index -f -a":                      Ask,
		"git filter-branch --tree-filter 'rm x'":        Ask,
		"frobnicate":                                    Allow,
	} {
		d := Decide(Request{Command: command, Dir: root, Place: place})
		if d.Verdict != want {
			t.Errorf("%q: %s (%s), want %s", command, d.Verdict, d.Reason, want)
		}
		if d.Verdict == Ask && !strings.Contains(d.Reason, "brought back") {
			t.Errorf("%q asks without saying why: %s", command, d.Reason)
		}
	}
}
