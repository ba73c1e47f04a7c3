package policy

import (
	"strings"
	"testing"
)

// A tool from outside is asked about everywhere, is never silent unless a person said so, and never where things are only
// to be read or nothing confines its server.
func TestOutside(t *testing.T) {
	known := []OutsideRule{{ID: "r", Server: "files", Tool: "write"}}
	for _, c := range []struct {
		trust         Trust
		access        Access
		level         Level
		want          Verdict
		cause         Cause
		remembers     bool
		knownAsSilent bool
	}{
		{TrustTrusted, AccessScoped, LevelFull, Ask, CauseOutside, true, true},
		{TrustUntrusted, AccessScoped, LevelFull, Ask, CauseOutside, true, true},
		{TrustTrusted, AccessRoot, LevelFull, Ask, CauseOutside, true, true},
		{TrustTrusted, AccessReadOnly, LevelFull, Ask, CauseOutside, false, false},
		{TrustReadOnly, AccessScoped, LevelFull, Ask, CauseOutside, false, false},
		{TrustUntrusted, AccessReadOnly, LevelFull, Deny, CauseReadOnlySession, false, false},
		{TrustUntrusted, AccessRoot, LevelFull, Deny, CauseRootUntrusted, false, false},
		{TrustTrusted, AccessScoped, LevelReduced, Ask, CauseOutside, false, false},
		{TrustTrusted, AccessScoped, LevelNone, Deny, CauseNoSandbox, false, false},
		{TrustTrusted, AccessRoot, LevelNone, Ask, CauseOutside, false, false},
	} {
		r := Request{Outside: &Outside{Server: "files", Tool: "write", Arguments: `{"readOnlyHint":true}`}, Place: Place{Trust: c.trust, Access: c.access, Level: c.level}}
		d := Decide(r)
		if d.Verdict != c.want || d.Cause != c.cause || d.Class != ClassOutside || d.Remembers() != c.remembers || d.Reason == "" {
			t.Errorf("%v %v %v: %+v", c.trust, c.access, c.level, d)
		}
		r.Place.Outside = known
		d = Decide(r)
		if (d.Verdict == Allow) != c.knownAsSilent || c.knownAsSilent && d.RuleID != "r" {
			t.Errorf("%v %v %v, remembered: %v by %q", c.trust, c.access, c.level, d.Verdict, d.RuleID)
		}
		r.Outside = &Outside{Server: "files", Tool: "write_all"}
		if d := Decide(r); d.Verdict == Allow {
			t.Errorf("%v %v %v: another tool of the server is allowed", c.trust, c.access, c.level)
		}
	}
}

func TestOutsideGrant(t *testing.T) {
	o := Outside{Server: "files", Tool: "write", Arguments: `{"path":"a"}`}
	d := Decide(Request{Outside: &o, Place: Place{Trust: TrustTrusted, Access: AccessScoped, Level: LevelFull}})
	if _, ok := d.Grant(); ok {
		t.Error("what is asked about is granted")
	}
	g, err := d.Approved()
	if got, is := g.Outside(); err != nil || !is || got != o || !g.OK() || g.Command() != "" || g.Profile() != "" {
		t.Errorf("the grant is %+v, %v", g, err)
	}
	for _, bad := range []*Outside{{Tool: "x"}, {Server: "x"}, {Server: "a\nb", Tool: "x"}, {Server: "x", Tool: strings.Repeat("x", 300)}} {
		if d := Decide(Request{Outside: bad, Place: Place{Trust: TrustTrusted, Access: AccessScoped, Level: LevelFull}}); d.Verdict != Deny {
			t.Errorf("%+v is %v", bad, d.Verdict)
		}
	}
	if d := Decide(Request{Outside: &o, Command: "ls", Dir: "/w", Place: Place{Root: "/w"}}); d.Verdict != Deny {
		t.Error("two things at once are decided")
	}
}
