//go:build !unix

package tool

import (
	"io/fs"
	"os"
)

// keepOwner has nothing to do: the directory says who owns what is in it.
func keepOwner(*os.Root, string, fs.FileInfo) {}
