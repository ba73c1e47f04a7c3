//go:build !linux

package box

import "errors"

// Version has nothing to tell: there are no boxes here.
func Version(int) (string, error) { return "", errors.ErrUnsupported }

// VersionAt has nothing to tell either.
func VersionAt(string) (string, error) { return "", errors.ErrUnsupported }
