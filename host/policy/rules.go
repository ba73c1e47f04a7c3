package policy

import (
	"slices"
	"strings"
)

// Covers tells whether a rule with this prefix would have allowed a command, asked in its workspace. It is for previews:
// Decide looks at the real place.
func Covers(prefix []string, command string) bool {
	const root = "/workspace"
	f := examine(Request{Command: command, Dir: root, Place: Place{Root: root}})
	return !f.why.has(ClassUnknown) && !f.why.has(ClassDangerous) && f.begins(prefix)
}

// covering is the rule that a command begins with.
func covering(rules []Rule, f finding) string {
	for _, r := range rules {
		if f.begins(r.Prefix) {
			return r.ID
		}
	}
	return ""
}

// begins tells whether every command begins with these words, but for what may stand beside any.
func (f finding) begins(prefix []string) bool {
	if len(prefix) == 0 || len(f.argvs) == 0 {
		return false
	}
	for _, argv := range f.argvs {
		if len(argv) < len(prefix) || !slices.Equal(argv[:len(prefix)], prefix) {
			return false
		}
	}
	return true
}

// granted tells whether every host is known and granted.
func granted(domains []string, f finding) bool {
	if f.others || len(f.domains) == 0 {
		return false
	}
	for _, host := range f.domains {
		if !slices.ContainsFunc(domains, func(d string) bool { return matches(d, host) }) {
			return false
		}
	}
	return true
}

// matches compares a granted domain with a host. "*.example.org" covers all below it, and not itself.
func matches(domain, host string) bool {
	domain, host = strings.ToLower(domain), strings.ToLower(host)
	if rest, wild := strings.CutPrefix(domain, "*."); wild {
		return strings.HasSuffix(host, "."+rest) && len(host) > len(rest)+1
	}
	return domain == host
}
