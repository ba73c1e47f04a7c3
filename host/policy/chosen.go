package policy

import (
	"fmt"
	"slices"
)

// Chosen is permission for a command line that a person typed in a terminal together with the sandbox to run it in.
// Nothing that a model wrote may come here, and there is none outside of a sandbox.
func Chosen(command, dir, root string, p Profile, domains []string) (Grant, error) {
	r := Request{Command: command, Dir: dir, Place: Place{Root: root, Trust: TrustTrusted, Access: AccessScoped}}
	if words := malformed(r); words != "" {
		return Grant{}, fmt.Errorf("run this: %s", words)
	}
	if !slices.Contains([]Profile{ProfileRO, ProfileWork, ProfileGit, ProfileNet}, p) {
		return Grant{}, fmt.Errorf("there is no sandbox profile %q: use ro, work, git or net", p)
	}
	if len(domains) > 0 && p != ProfileNet {
		return Grant{}, fmt.Errorf("only the profile net reaches hosts, %s does not", p)
	}
	return Grant{ok: true, request: r, profile: p, domains: slices.Clone(domains), git: p == ProfileGit, typed: true}, nil
}
