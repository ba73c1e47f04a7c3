package policy

import (
	"errors"
	"slices"
)

// Grant is permission to do one thing in one sandbox profile. Only this package makes one; the zero value grants nothing.
type Grant struct {
	ok      bool
	request Request
	profile Profile
	domains []string
	git     bool
	typed   bool
}

// OK tells whether it grants anything.
func (g Grant) OK() bool { return g.ok }

// Command is the granted command line, for a shell; empty where a file is granted.
func (g Grant) Command() string { return g.request.Command }

// Shell is what the command line was read for, "bash" or "sh"; "" where a person typed it for whichever there is.
func (g Grant) Shell() string {
	switch {
	case g.typed:
		return ""
	case g.request.Place.Sh:
		return "sh"
	}
	return "bash"
}

// Dir is the command's working directory.
func (g Grant) Dir() string { return g.request.Dir }

// Root is the workspace.
func (g Grant) Root() string { return g.request.Place.Root }

// Identity is what the workspace has to be known by when the grant is used; "" if that does not matter.
func (g Grant) Identity() string { return g.request.Place.Identity }

// Profile is the sandbox it has to happen in.
func (g Grant) Profile() Profile { return g.profile }

// Domains are the hosts that may be reached: none unless the profile is "net".
func (g Grant) Domains() []string { return slices.Clone(g.domains) }

// Git tells whether every command that changes something is a literal git command, so that .git may be writable.
func (g Grant) Git() bool { return g.git }

// Read is the path of a file that may be read, or empty.
func (g Grant) Read() string { return g.request.Read }

// Write is the path of a file that may be changed, or empty.
func (g Grant) Write() string { return g.request.Write }

// Outside is the granted call of a tool from outside; false where something else is granted.
func (g Grant) Outside() (Outside, bool) {
	if g.request.Outside == nil {
		return Outside{}, false
	}
	return *g.request.Outside, true
}

// Grant is the permission that the decision is, if it allows.
func (d Decision) Grant() (Grant, bool) {
	if d.Verdict != Allow || d.made != Allow {
		return Grant{}, false
	}
	return d.grant(nil), true
}

// Approved is the permission that follows once a person said yes to what was asked. The hosts that the command names
// are then granted for this one time.
func (d Decision) Approved() (Grant, error) {
	if d.Verdict != Ask || d.made != Ask {
		return Grant{}, errors.New("only what was asked about can be approved")
	}
	return d.grant(d.named), nil
}

// SameGround tells whether a later decision is about the same directory, and with no less trust.
func (d Decision) SameGround(later Decision) bool {
	before, now := d.request.Place, later.request.Place
	return before.Root == now.Root && before.Identity == now.Identity && now.Trust >= before.Trust
}

func (d Decision) grant(named []string) Grant {
	g := Grant{ok: true, request: d.request, profile: d.profile, git: d.onlyGit}
	if d.profile == ProfileNet {
		g.domains = slices.Concat(d.request.Place.Domains, named)
		slices.Sort(g.domains)
		g.domains = slices.Compact(g.domains)
	}
	return g
}
