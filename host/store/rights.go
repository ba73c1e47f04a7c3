package store

import (
	"maps"
	"slices"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// rights are what a copy of a session claimed and does not get. Only a person's answer gives them, here and now.
type rights map[apiv1.Right]bool

func (r rights) list() []apiv1.Right { return slices.Sorted(maps.Keys(r)) }

// takeFrom takes the rights out of what a line of an export brings.
func (r rights) takeFrom(i *imported) {
	switch {
	case i.session != nil:
		r.takeFromSession(i.session)
	case i.run != nil:
		if !Final(i.run.State) {
			// takeRun interrupts it.
			r[apiv1.Right_RIGHT_OPEN] = true
		}
	case i.approval != nil:
		if i.approval.State == pending {
			r[apiv1.Right_RIGHT_OPEN] = true
		}
	case i.entry != nil:
		r.takeFromEntry(i.entry)
	}
}

func (r rights) takeFromSession(p *apiv1.Session) {
	switch p.AccessMode {
	case apiv1.AccessMode_ACCESS_MODE_READ_ONLY, apiv1.AccessMode_ACCESS_MODE_SCOPED:
	case apiv1.AccessMode_ACCESS_MODE_UNSPECIFIED:
		p.AccessMode = apiv1.AccessMode_ACCESS_MODE_SCOPED
	default:
		// What later versions call theirs too.
		r.takeRoot(&p.AccessMode)
	}
	if p.WorkspaceId != "" {
		r[apiv1.Right_RIGHT_WORKSPACE] = true
		p.WorkspaceId = ""
	}
	if p.ParentId != "" {
		r[apiv1.Right_RIGHT_PARENT] = true
	}
	p.ParentId, p.ParentSeq = "", 0
}

func (r rights) takeRoot(mode *apiv1.AccessMode) {
	r[apiv1.Right_RIGHT_ROOT] = true
	*mode = apiv1.AccessMode_ACCESS_MODE_SCOPED
}

// takeFromEntry takes what would act, not only tell: what a provider would be sent back as its own, and buttons that undo.
func (r rights) takeFromEntry(e *apiv1.Entry) {
	if turn := e.GetTurn(); len(turn.GetProviderState()) > 0 {
		r[apiv1.Right_RIGHT_PROVIDER_STATE] = true
		turn.ProviderState = nil
	}
	if change := e.GetFileChange(); change != nil {
		change.Undoable = false
	}
}
