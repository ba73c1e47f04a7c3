package policy

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Outside is a call of a tool that is not ours: a server that a person has configured offers it, and only that server knows
// what it does. What the server says about its own tool, such as that it only reads, decides nothing.
type Outside struct {
	Server, Tool string
	// Arguments are the JSON that the tool is given.
	Arguments string
}

// OutsideRule is a remembered approval: this tool of this server needs no question.
type OutsideRule struct {
	ID           string
	Server, Tool string
}

const maxToolName = 256

// malformed says what is wrong with a call that no caller should make.
func (o *Outside) malformed() string {
	for _, name := range []string{o.Server, o.Tool} {
		if name == "" || len(name) > maxToolName || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
			return "It names no tool of a server."
		}
	}
	return ""
}

// outside asks about a call, unless a person has said otherwise. It can't be held to a profile: the server has its own
// sandbox and may reach what it likes from there. So nothing is remembered where things are only to be read, or where
// nothing confines the server.
func outside(r Request) Decision {
	place, o := r.Place, r.Outside
	d := Decision{
		Verdict: Ask, Class: ClassOutside, Cause: CauseOutside, request: r,
		Reason:  "It calls " + quote(o.Tool) + " of " + quote(o.Server) + ", and only that server knows what this does.",
		Instead: "Remember this tool.",
	}
	only := place.Access == AccessReadOnly || place.Trust == TrustReadOnly
	switch {
	case place.Access == AccessRoot && place.Trust == TrustUntrusted:
		d.deny(CauseRootUntrusted, "Root mode is only for trusted workspaces, and this one is not.", "Trust the workspace, or set the session to scoped.")
	case place.Access == AccessReadOnly && place.Trust == TrustUntrusted:
		d.deny(CauseReadOnlySession, d.Reason[:len(d.Reason)-1]+", and this session only reads a workspace that is not trusted.",
			"Set the session to scoped, or trust the workspace.")
	case place.Level == LevelNone && (place.Access != AccessRoot || place.Trust != TrustTrusted):
		d.deny(CauseNoSandbox, d.Reason+" This system has no sandbox to hold it.", "`openvibez doctor` says what the sandbox needs; in root mode it would ask.")
	case only || place.Level != LevelFull:
		d.Instead = ""
	default:
		d.remembers = true
		at := slices.IndexFunc(place.Outside, func(k OutsideRule) bool { return k.Server == o.Server && k.Tool == o.Tool })
		if at >= 0 {
			d.Verdict, d.RuleID, d.Instead = Allow, place.Outside[at].ID, ""
		}
	}
	d.made = d.Verdict
	return d
}

func (d *Decision) deny(c Cause, reason, instead string) {
	d.Verdict, d.Cause, d.Reason, d.Instead = Deny, c, reason, instead
}

// Remembers tells whether "session" and "always" may be offered for a tool from outside.
func (d Decision) Remembers() bool { return d.remembers }
