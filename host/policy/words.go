package policy

import "strconv"

// quote shows text from elsewhere so that it can't pass for something else.
func quote(s string) string {
	const most = 60
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strconv.QuoteToGraphic(s)
}

// explain says why in the place's own words, and what would change it.
func (d *Decision) explain(p Place, f finding) {
	what := d.Reason
	readOnly := p.Access == AccessReadOnly && p.Trust != TrustReadOnly
	switch {
	case f.impossible:
		d.Cause = CauseImpossible
		d.Reason = what
	case d.Verdict == Deny && p.Trust == TrustReadOnly:
		d.Cause = CauseReadOnlyWorkspace
		d.Reason = what + ", and this workspace is only to be read."
		d.Instead = "Set the workspace's trust to trusted."
	case d.Verdict == Deny && readOnly && p.Trust == TrustUntrusted:
		d.Cause = CauseReadOnlySession
		d.Reason = what + ", and this session only reads a workspace that is not trusted."
		d.Instead = "Set the session to scoped, or trust the workspace."
	case d.Verdict == Deny && readOnly:
		d.Cause = CauseReadOnlySession
		d.Reason = what + ", and this session is read-only."
		d.Instead = "Set the session to scoped."
	case d.Verdict == Deny && p.Access == AccessRoot:
		d.Cause = CauseRootUntrusted
		d.Reason = "Root mode is only for trusted workspaces, and this one is not."
		d.Instead = "Trust the workspace, or set the session to scoped."
	case d.Verdict == Deny:
		d.Cause = CauseUntrusted
		d.Reason = what + ", and this workspace is not trusted."
		d.Instead = "Trust the workspace: then it would ask."
	case d.Verdict == Ask && d.Profile == ProfileHost:
		d.Cause = CauseHost
		d.Reason = what + ": in root mode that runs outside the sandbox, so it asks each time."
		d.Instead = "Set the session to scoped to have it run in the sandbox."
	case d.Verdict == Ask && f.discards != "":
		d.Reason = what + ", which can't be brought back."
		d.Instead = "Keep a copy first, or name what goes one by one."
		if f.why.has(ClassGit) {
			d.Instead = "Commit or stash first. `git switch` changes branches without a question."
		}
		return // never remembered
	case d.Verdict == Ask && d.Class == ClassNetwork:
		d.Cause = CauseNotGranted
		d.Reason = what + ", which is not granted."
		d.Instead = "Grant the hosts it needs to this workspace."
	case d.Verdict == Ask && d.Class == ClassGit && p.Trust == TrustTrusted && !f.onlyGit:
		d.Cause = CauseGitMixed
		d.Reason = what + " and runs other commands in the same line: git's own files stay read-only to those."
		d.Instead = "Run the git commands on a line of their own."
		if first, second, ok := halves(d.request.Command); ok {
			d.Instead = "Run it as two lines, which need no question: first " + first + " and, if that went well, " + second
		}
	case d.Verdict == Ask && d.Class == ClassUnknown && p.Access == AccessReadOnly:
		d.Cause = CauseUnknown
		d.Reason = what + ". It would run where nothing can be changed."
		d.Instead = "Write it plainly, with nothing computed at run time."
	case d.Verdict == Ask && d.Class == ClassUnknown:
		d.Cause = CauseUnknown
		d.Reason = what + "."
		d.Instead = "Let the workspace run unknown commands in the sandbox without asking, or write it plainly."
	case d.Verdict == Ask && p.Trust == TrustUntrusted:
		d.Cause = CauseUntrusted
		d.Reason = what + ", and this workspace is not trusted."
		d.Instead = "Trust the workspace."
		if f.offer != nil {
			d.Instead = "Trust the workspace, or remember this command."
		}
	default:
		if d.Verdict != Allow {
			d.Cause = byClass(d.Class, f)
		}
		d.Reason = what + "."
	}
	// Known hosts are granted, not remembered by the command that reaches them.
	if d.Verdict == Ask && d.Profile != ProfileHost && d.Class != ClassUnknown && d.Class != ClassDangerous && (d.Class != ClassNetwork || f.others) {
		d.Prefix = f.offer
	}
}
