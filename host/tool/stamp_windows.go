package tool

import "io/fs"

func stampOf(info fs.FileInfo) stamp {
	return stamp{size: info.Size(), mode: info.Mode(), changed: info.ModTime().UnixNano()}
}
