// Package policy decides whether something may be done, and does nothing itself.
package policy

// Rule is a remembered approval: commands whose words begin with Prefix need no question.
type Rule struct {
	ID     string
	Prefix []string
}

// Place is where something is to be done: all that a decision depends on besides what is to be done.
type Place struct {
	Root       string // workspace or scratch directory: absolute, symbolic links resolved; "" is none
	Identity   string // what Root was known by when its trust was looked up; "" is not known
	Trust      Trust
	Access     Access
	Level      Level
	Scratch    bool     // Root is a session's private scratch directory
	RunUnknown bool     // unknown commands run in the sandbox without asking
	Domains    []string // granted hosts; "*.example.org" covers all below example.org
	Rules      []Rule
	Outside    []OutsideRule
	// A setting of a repository that the command may work in which names a program for git to start; "" is none.
	GitProgram string
	Sh         bool // there is no bash: command lines run in sh, whichever shell that is
}

// Request is one thing to be done: exactly one of Command, Read, Write and Outside is set.
type Request struct {
	Command string // a shell command line
	Read    string // a path that a file tool wants to read: absolute, symbolic links resolved
	Write   string // a path that a file tool wants to change, likewise
	Outside *Outside
	Dir     string // the command's working directory, likewise
	Place   Place
}

// Decision is what policy says to a request, in words for a person and a model.
type Decision struct {
	Verdict Verdict
	Class   Class
	Profile Profile
	Cause   Cause
	Reason  string   // why
	Instead string   // what would change the verdict; may be empty
	RuleID  string   // the remembered rule that allowed it
	Prefix  []string // what "session" and "always" would remember; nil: only "once" may be offered
	Domains []string // hosts the command names, as far as they are known

	// What Grant and Approved rely on, out of reach of others.
	request   Request
	made      Verdict
	profile   Profile
	named     []string
	onlyGit   bool
	remembers bool
}
