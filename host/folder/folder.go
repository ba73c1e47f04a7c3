// Package folder tells directories apart, whatever they are called.
package folder

import "fmt"

// ID is what makes a directory the one it is. Device numbers may change with a restart of the machine, so they count only
// where it is not known when the directory was made; numbers of inodes are used again.
type ID struct{ Device, Inode, Born int64 }

// Same tells whether both are of one directory.
func (i ID) Same(other ID) bool {
	if i.Born != 0 && other.Born != 0 {
		return i.Inode == other.Inode && i.Born == other.Born
	}
	return i.Inode == other.Inode && i.Device == other.Device
}

// String is the same for one directory for as long as the machine runs.
func (i ID) String() string {
	if i.Born != 0 {
		return fmt.Sprintf("%d born %d", i.Inode, i.Born)
	}
	return fmt.Sprintf("%d on %d", i.Inode, i.Device)
}
