package policy

// cell is what the matrix says to one class of commands. Where grants can change it, orAllow says which.
type cell struct {
	verdict Verdict
	profile Profile
	orAllow condition
}

// condition is what turns asking into allowing.
type condition int

const (
	never condition = iota
	ifOnlyGit
	ifGranted    // the hosts are granted
	ifRunUnknown // the workspace runs unknown commands without asking
)

// row holds one cell for each class, in their order: unknown, read, build, git, network, dangerous.
type row [ClassDangerous + 1]cell

// matrix is the whole policy, for a sandbox that enforces everything.
type matrix struct {
	readOnly, readOnlyUntrusted, scoped, scopedUntrusted, root, rootUntrusted row
}

func full() matrix {
	ro, work, git, net, host := ProfileRO, ProfileWork, ProfileGit, ProfileNet, ProfileHost
	return matrix{
		readOnly: row{
			ClassRead:      {Allow, ro, never},
			ClassBuild:     {Deny, ro, never},
			ClassGit:       {Deny, ro, never},
			ClassNetwork:   {Deny, ro, never},
			ClassUnknown:   {Ask, ro, never},
			ClassDangerous: {Deny, ro, never},
		},
		readOnlyUntrusted: row{
			ClassRead:      {Allow, ro, never},
			ClassBuild:     {Deny, ro, never},
			ClassGit:       {Deny, ro, never},
			ClassNetwork:   {Deny, ro, never},
			ClassUnknown:   {Deny, ro, never},
			ClassDangerous: {Deny, ro, never},
		},
		scoped: row{
			ClassRead:      {Allow, ro, never},
			ClassBuild:     {Allow, work, never},
			ClassGit:       {Ask, git, ifOnlyGit},
			ClassNetwork:   {Ask, net, ifGranted},
			ClassUnknown:   {Ask, work, ifRunUnknown},
			ClassDangerous: {Ask, work, never},
		},
		scopedUntrusted: row{
			ClassRead:      {Allow, ro, never},
			ClassBuild:     {Ask, work, never},
			ClassGit:       {Ask, git, never},
			ClassNetwork:   {Ask, net, ifGranted},
			ClassUnknown:   {Ask, work, never},
			ClassDangerous: {Deny, work, never},
		},
		root: row{
			ClassRead:      {Allow, ro, never},
			ClassBuild:     {Allow, work, never},
			ClassGit:       {Ask, host, never},
			ClassNetwork:   {Ask, host, never},
			ClassUnknown:   {Ask, host, never},
			ClassDangerous: {Ask, host, never},
		},
		rootUntrusted: row{}, // denies everything
	}
}

// rowOf picks the row of a place.
func rowOf(p Place) row {
	m := full()
	trusted := p.Trust == TrustTrusted
	switch {
	case p.Trust == TrustReadOnly:
		return m.readOnly
	case p.Access == AccessRoot && trusted:
		return m.root
	case p.Access == AccessRoot:
		return m.rootUntrusted
	case p.Access == AccessScoped && trusted:
		return m.scoped
	case p.Access == AccessScoped:
		return m.scopedUntrusted
	case trusted:
		return m.readOnly
	}
	return m.readOnlyUntrusted
}
