// Package place knows the directories of an instance and the programs that belong to it, and makes nothing by itself.
//
// Promise: nothing of OpenVibez is kept anywhere else than in Dirs. In reading order: dirs.go (where everything lies),
// dirs_unix.go and dirs_windows.go (whose directory it is), programs.go (what lies beside this program).
package place
