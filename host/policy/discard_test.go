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

// TestHalves: a line that mixes git and other commands is offered as two, each of which is allowed.
func TestHalves(t *testing.T) {
	for line, want := range map[string]string{
		"go test ./... && git commit -am x":                  "go test ./...|git commit -am x",
		"git add -A && git commit -m 'a && b'; make; go vet": "git add -A && git commit -m 'a && b'|make; go vet",
		"npm test 2>&1 | tail -5 && git add . && git stash":  "npm test 2>&1 | tail -5|git add . && git stash",
		"make && git add . && make test":                     "",
		"cd sub && make && git add .":                        "",
		"make || git stash":                                  "",
		"if make; then git add .; fi":                        "",
	} {
		first, second, ok := halves(line)
		if got := strings.Trim(first+"|"+second, "|"); got != want || ok != (want != "") {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
		d := at(line, TrustTrusted, AccessScoped, LevelFull)
		if d.Verdict != Ask || strings.Contains(d.Instead, "two lines") != ok {
			t.Errorf("%q: %s, instead: %q", line, d.Verdict, d.Instead)
		}
		for _, half := range []string{first, second} {
			if half != "" && at(half, TrustTrusted, AccessScoped, LevelFull).Verdict != Allow {
				t.Errorf("%q is offered and not allowed", half)
			}
		}
	}
}
