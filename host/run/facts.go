package run

import (
	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/policy"
)

// What policy says, in the API's terms.

func classOf(c policy.Class) apiv1.Class {
	switch c {
	case policy.ClassUnknown:
		return apiv1.Class_CLASS_UNKNOWN
	case policy.ClassRead:
		return apiv1.Class_CLASS_READ
	case policy.ClassBuild:
		return apiv1.Class_CLASS_BUILD
	case policy.ClassGit:
		return apiv1.Class_CLASS_GIT
	case policy.ClassNetwork:
		return apiv1.Class_CLASS_NETWORK
	case policy.ClassDangerous:
		return apiv1.Class_CLASS_DANGEROUS
	case policy.ClassOutside:
		return apiv1.Class_CLASS_OUTSIDE
	}
	return apiv1.Class_CLASS_UNSPECIFIED
}

func profileOf(p policy.Profile) apiv1.Profile {
	switch p {
	case policy.ProfileRO:
		return apiv1.Profile_PROFILE_RO
	case policy.ProfileWork:
		return apiv1.Profile_PROFILE_WORK
	case policy.ProfileGit:
		return apiv1.Profile_PROFILE_GIT
	case policy.ProfileNet:
		return apiv1.Profile_PROFILE_NET
	case policy.ProfileHost:
		return apiv1.Profile_PROFILE_HOST
	}
	return apiv1.Profile_PROFILE_UNSPECIFIED
}

func levelOf(l policy.Level) apiv1.Level {
	switch l {
	case policy.LevelFull:
		return apiv1.Level_LEVEL_FULL
	case policy.LevelReduced:
		return apiv1.Level_LEVEL_REDUCED
	}
	return apiv1.Level_LEVEL_NONE
}

func reasonOf(c policy.Cause) apiv1.Reason {
	switch c {
	case policy.CauseUntrusted:
		return apiv1.Reason_REASON_WORKSPACE_UNTRUSTED
	case policy.CauseReadOnlyWorkspace:
		return apiv1.Reason_REASON_WORKSPACE_READ_ONLY
	case policy.CauseReadOnlySession:
		return apiv1.Reason_REASON_SESSION_READ_ONLY
	case policy.CauseRootUntrusted:
		return apiv1.Reason_REASON_ROOT_UNTRUSTED
	case policy.CauseHost:
		return apiv1.Reason_REASON_OUTSIDE_SANDBOX
	case policy.CauseNotGranted:
		return apiv1.Reason_REASON_NOT_GRANTED
	case policy.CauseGitMixed:
		return apiv1.Reason_REASON_GIT_MIXED
	case policy.CauseGitDiscards:
		return apiv1.Reason_REASON_GIT_DISCARDS
	case policy.CauseGit:
		return apiv1.Reason_REASON_GIT
	case policy.CauseUnknown:
		return apiv1.Reason_REASON_UNKNOWN_COMMAND
	case policy.CauseDangerous:
		return apiv1.Reason_REASON_DANGEROUS
	case policy.CauseImpossible:
		return apiv1.Reason_REASON_IMPOSSIBLE
	case policy.CauseReduced:
		return apiv1.Reason_REASON_PROTECTION_REDUCED
	case policy.CauseNoSandbox:
		return apiv1.Reason_REASON_NO_SANDBOX
	case policy.CauseNoWorkspace:
		return apiv1.Reason_REASON_NO_WORKSPACE
	case policy.CauseOutside:
		return apiv1.Reason_REASON_OUTSIDE_TOOL
	}
	return apiv1.Reason_REASON_UNSPECIFIED
}
