package policy

import (
	"fmt"
	"slices"
	"strings"
)

// Trust is how far a person trusts what lies in a workspace. The zero value is the safest.
type Trust int

// The degrees of trust.
const (
	TrustUntrusted Trust = iota
	TrustReadOnly
	TrustTrusted
)

// Access is what a session may do in its workspace. The zero value is the safest.
type Access int

// The access modes.
const (
	AccessReadOnly Access = iota
	AccessScoped
	AccessRoot
)

// Level is what the sandbox can enforce on this system. The zero value is nothing.
type Level int

// The levels of protection.
const (
	LevelNone Level = iota
	LevelReduced
	LevelFull
)

// Class says what kind of thing a command does. What can't be proven is unknown, the zero value.
type Class int

// The classes of commands.
const (
	ClassUnknown Class = iota
	ClassRead
	// ClassBuild writes in the workspace, and may run code that lies there.
	ClassBuild
	ClassGit
	ClassNetwork
	ClassDangerous
	// ClassOutside is a tool that is not ours.
	ClassOutside
)

// Verdict is what is to be done with a request. The zero value denies.
type Verdict int

// The verdicts.
const (
	Deny Verdict = iota
	Ask
	Allow
)

// Profile names the sandbox that something runs in.
type Profile string

// The sandbox profiles.
const (
	// ProfileRO shows the workspace and changes nothing.
	ProfileRO Profile = "ro"
	// ProfileWork may change the workspace, but neither its .git nor what editors and tools run by themselves.
	ProfileWork Profile = "work"
	// ProfileGit may change .git too, but neither its hooks nor its configuration.
	ProfileGit Profile = "git"
	// ProfileNet is ProfileWork that reaches the granted hosts.
	ProfileNet Profile = "net"
	// ProfileHost is no sandbox.
	ProfileHost Profile = "host"
)

func trusts() []string   { return []string{"untrusted", "read_only", "trusted"} }
func accesses() []string { return []string{"read-only", "scoped", "root"} }
func levels() []string   { return []string{"none", "reduced", "full"} }
func classes() []string {
	return []string{"unknown", "read", "build", "git", "network", "dangerous", "outside"}
}
func verdicts() []string { return []string{"deny", "ask", "allow"} }

func (t Trust) String() string   { return name(int(t), trusts()) }
func (a Access) String() string  { return name(int(a), accesses()) }
func (l Level) String() string   { return name(int(l), levels()) }
func (c Class) String() string   { return name(int(c), classes()) }
func (v Verdict) String() string { return name(int(v), verdicts()) }

func name(i int, names []string) string {
	if i < 0 || i >= len(names) {
		return fmt.Sprintf("%s(%d)", names[0], i)
	}
	return names[i]
}

// ParseTrust reads "trusted", "read_only" or "untrusted".
func ParseTrust(s string) (Trust, error) {
	i, err := parse("trust", s, trusts())
	return Trust(i), err
}

// ParseAccess reads "read-only", "scoped" or "root".
func ParseAccess(s string) (Access, error) {
	i, err := parse("access mode", s, accesses())
	return Access(i), err
}

// ParseLevel reads "full", "reduced" or "none".
func ParseLevel(s string) (Level, error) {
	i, err := parse("sandbox level", s, levels())
	return Level(i), err
}

// parse takes either of "_" and "-".
func parse(what, s string, names []string) (int, error) {
	same := func(n string) bool { return strings.ReplaceAll(n, "_", "-") == strings.ReplaceAll(s, "_", "-") }
	if i := slices.IndexFunc(names, same); i >= 0 {
		return i, nil
	}
	return 0, fmt.Errorf("there is no %s %q: it is one of %s", what, s, strings.Join(names, ", "))
}
