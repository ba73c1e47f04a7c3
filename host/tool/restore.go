package tool

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io/fs"
	"path/filepath"
)

// Restore takes a change back, if the file is still as the change left it. A file that is as it was before the change
// already is left as it is, without error: whoever was interrupted in the middle of this can do it again.
func Restore(c Change) error {
	p, err := reach(filepath.VolumeName(c.Path)+string(filepath.Separator), "", c.Path, false)
	if errors.Is(err, fs.ErrNotExist) {
		if !c.Existed {
			return nil
		}
		return errors.New("its directory is gone")
	}
	if err != nil {
		return errors.New(plain(err))
	}
	defer p.close()
	now, seen, err := p.content(maxEdit)
	switch {
	case err != nil:
		return errors.New(plain(err))
	case seen == nil && !c.Existed, seen != nil && c.Existed && bytes.Equal(now, c.Before):
		return nil
	case seen == nil:
		return errors.New("it has been deleted since")
	}
	if sum := sha256.Sum256(now); !bytes.Equal(sum[:], c.After) {
		return errors.New("it has been changed since")
	}
	if c.Existed {
		_, err = p.replace(c.Before, fs.FileMode(c.Mode), seen)
	} else {
		err = p.remove(seen)
	}
	if err != nil {
		return errors.New(plain(err))
	}
	return nil
}
