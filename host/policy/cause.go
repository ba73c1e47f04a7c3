package policy

// Cause is why something is asked or denied, for programs; Decision.Reason has the words. The zero value is none.
type Cause int

// The causes.
const (
	CauseNone Cause = iota
	CauseUntrusted
	// CauseReadOnlyWorkspace and CauseReadOnlySession tell what is only to be read: the directory, or in this session.
	CauseReadOnlyWorkspace
	CauseReadOnlySession
	// CauseRootUntrusted is root mode where the workspace is not trusted.
	CauseRootUntrusted
	// CauseHost is that it would happen outside the sandbox.
	CauseHost
	CauseNotGranted
	CauseGitMixed
	CauseGitDiscards
	CauseUnknown
	CauseDangerous
	// CauseImpossible can't be judged, or done, whoever agrees.
	CauseImpossible
	CauseReduced
	CauseNoSandbox
	CauseNoWorkspace
	CauseOutside
	CauseGit
)

// byClass is the cause where nothing else is: what the request belongs to.
func byClass(c Class, f finding) Cause {
	switch c {
	case ClassUnknown:
		return CauseUnknown
	case ClassDangerous:
		return CauseDangerous
	case ClassNetwork:
		return CauseNotGranted
	case ClassGit:
		if f.discards != "" {
			return CauseGitDiscards
		}
		return CauseGit
	}
	return CauseNone
}
