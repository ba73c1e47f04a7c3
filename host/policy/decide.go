package policy

import (
	"path/filepath"
	"slices"
	"strings"
)

// finding is what is known about a request before anybody's trust comes into it.
type finding struct {
	// For each class that something in it belongs to, why. A command line can belong to several.
	why reasons
	// Nothing but git changes anything, so that .git may be written.
	onlyGit bool
	// The hosts it names, and whether there may be others.
	domains []string
	others  bool
	// The words of each command, as far as they are literal, and what a remembered approval of them all would begin with:
	// nil where there is no one such thing.
	argvs [][]string
	offer []string
	code  bool // it runs code of the workspace
	git   bool // git runs in it
	// What it throws away that nothing brings back: that is asked whatever is allowed or remembered.
	discards string
	// It can't be done at all, whoever agrees.
	impossible bool
}

// reasons holds one for each class, and nothing for the classes that do not apply.
type reasons [ClassDangerous + 1]string

func (r reasons) has(c Class) bool { return r[c] != "" }

// only tells whether nothing but these classes applies.
func (r reasons) only(classes ...Class) bool {
	for c, why := range r {
		if why != "" && !slices.Contains(classes, Class(c)) {
			return false
		}
	}
	return true
}

// Decide says whether something may be done. It reads nothing but its argument and takes bounded time.
func Decide(r Request) Decision {
	if words := malformed(r); words != "" {
		return Decision{Cause: CauseImpossible, Reason: words, request: r}
	}
	if r.Outside != nil {
		return outside(r)
	}
	if r.Place.Root == "" {
		return Decision{
			Cause:  CauseNoWorkspace,
			Reason: "This session has no workspace, and no scratch directory to work in.", Instead: "Choose a workspace for the session.",
			request: r,
		}
	}
	var f finding
	switch {
	case r.Command != "":
		f = examine(r)
	case r.Read != "":
		f = reading(r)
	default:
		f = writing(r)
	}
	return judge(r, f)
}

// malformed says what is wrong with a request that no caller should make.
func malformed(r Request) string {
	set := 0
	for _, s := range []string{r.Command, r.Read, r.Write} {
		if s != "" {
			set++
		}
	}
	if r.Outside != nil {
		set++
	}
	if set != 1 {
		return "There is nothing to do."
	}
	if r.Outside != nil {
		return r.Outside.malformed()
	}
	for _, path := range []string{r.Read, r.Write, r.Dir, r.Place.Root} {
		if path != "" && (!filepath.IsAbs(path) || strings.ContainsRune(path, 0)) {
			return "A path is not absolute: " + quote(path) + "."
		}
	}
	if r.Command != "" && r.Dir == "" {
		return "The command has no working directory."
	}
	return ""
}

// judge applies the matrix: of all the classes that a request belongs to, the strictest decides.
func judge(r Request, f finding) Decision {
	place := r.Place
	d := Decision{Verdict: Allow, Class: ClassRead, Profile: ProfileRO, Domains: f.domains, request: r, named: f.domains, onlyGit: f.onlyGit}
	cells := rowOf(place)
	var rule string
	for _, class := range []Class{ClassRead, ClassBuild, ClassGit, ClassNetwork, ClassUnknown, ClassDangerous} {
		why := f.why[class]
		if why == "" {
			continue
		}
		c := cells[class]
		verdict := c.verdict
		if verdict == Ask && f.discards == "" && c.holds(place, f) {
			verdict = Allow
		}
		if verdict == Ask && f.discards == "" && class != ClassUnknown && class != ClassDangerous && c.profile != ProfileHost {
			changing := f.code && place.Trust != TrustTrusted // tomorrow the same words may run other code
			if id := covering(place.Rules, f); id != "" && !changing && (class != ClassNetwork || f.others) {
				verdict, rule = Allow, id
			}
		}
		if verdict <= d.Verdict {
			d.Verdict, d.Class, d.Reason = verdict, class, why
		}
		d.Profile = wider(d.Profile, c.profile, f)
	}
	if f.discards != "" && d.Verdict > Deny {
		d.Verdict = Ask
		if d.Class != ClassDangerous {
			d.Reason = f.discards
		}
	}
	if d.Verdict == Allow {
		d.RuleID = rule
	}
	if f.impossible {
		d.Verdict = Deny
	}
	d.explain(place, f)
	d.protect(place)
	d.made, d.profile = d.Verdict, d.Profile
	return d
}

func (c cell) holds(p Place, f finding) bool {
	switch c.orAllow {
	case ifOnlyGit:
		return f.onlyGit
	case ifGranted:
		return granted(p.Domains, f)
	case ifRunUnknown:
		return p.RunUnknown
	}
	return false
}

// wider is the profile that lets both happen. Git's own files stay read-only where anything but git runs.
func wider(a, b Profile, f finding) Profile {
	if b == ProfileGit && !f.onlyGit {
		b = ProfileWork
	}
	order := []Profile{ProfileRO, ProfileGit, ProfileWork, ProfileNet, ProfileHost}
	if slices.Index(order, b) > slices.Index(order, a) {
		return b
	}
	return a
}

// protect makes up for what the sandbox can't do on this system.
func (d *Decision) protect(p Place) {
	switch p.Level {
	case LevelFull:
		return
	case LevelReduced:
		if d.Verdict == Allow && !(d.Class == ClassRead && p.Trust == TrustTrusted) {
			d.Verdict, d.RuleID, d.Cause = Ask, "", CauseReduced
			d.Reason += " Protection is reduced on this system, so it asks."
			d.Instead = "`openvibez doctor` says what the sandbox lacks."
		}
		d.Prefix = nil
	default:
		d.Prefix = nil
		if d.Verdict == Deny {
			return
		}
		d.RuleID = ""
		if d.Class != ClassRead && !(p.Access == AccessRoot && p.Trust == TrustTrusted) {
			d.Verdict, d.Cause = Deny, CauseNoSandbox
			d.Reason += " This system has no sandbox to hold it."
			d.Instead = "`openvibez doctor` says what the sandbox needs; in root mode it would ask."
			return
		}
		d.Verdict, d.Profile, d.Cause = Ask, ProfileHost, CauseNoSandbox
		d.Reason += " This system has no sandbox: it would run unprotected."
		d.Instead = "`openvibez doctor` says what the sandbox needs."
	}
}
