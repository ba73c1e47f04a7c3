package plugin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// filePrefix begins the name of every plugin's file; the plugin's id follows.
const filePrefix = "openvibez-provider-"

// file is a plugin's program as it lies on disk. Two files that compare equal are the same version.
type file struct {
	id       string
	path     string
	modified time.Time
	size     int64
	// It came with the host.
	builtIn bool
	// When the system last noted a change; nobody can choose that.
	changed time.Time
	// Why it can't be started, for people; "" if nothing speaks against it.
	problem string

	// Of an installed one: the SHA-256 of its program and of its manifest, in hex, and whether a person agreed to run
	// this version unconfined.
	sha256, manifest  string
	unconfinedAllowed bool
	// It runs from its author's directory; with debug, without confinement and for as long as it is developed.
	development, debug bool
	directory          string
}

// mark names a version in a way that outlasts the host.
func (f file) mark() string {
	if f.manifest != "" {
		return f.manifest
	}
	return fmt.Sprintf("%s %d %d", f.path, f.size, f.modified.UnixNano())
}

// find lists the plugins in all directories; of two with the same id the first counts.
func (m *Manager) find() []file {
	files := m.inDevelopment()
	seen := map[string]bool{}
	for _, f := range files {
		seen[f.id] = true
	}
	l, lockErr := m.installs.read()
	if lockErr != nil {
		m.log.Error("installed plugins are left out", "error", lockErr)
		l = &lock{}
	}
	for _, dir := range m.dirs {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			m.log.Warn("can't look for plugins", "dir", dir, "error", err)
		}
		for _, e := range entries {
			id, ok := strings.CutPrefix(e.Name(), filePrefix)
			if runtime.GOOS == "windows" {
				id, ok = strings.CutSuffix(id, ".exe")
			}
			if !ok || !validID(id) || seen[id] {
				continue
			}
			if f, ok := m.inspect(dir, id); ok {
				if l.Off[id] {
					f.problem = switchedOffWords(id)
				}
				seen[id] = true
				files = append(files, f)
			}
		}
	}
	for id := range l.Plugins {
		if f, ok := m.installs.file(id, l); ok && !seen[id] {
			files = append(files, f)
		}
	}
	return files
}

// locate finds one plugin, or says in words why it can't be started.
func (m *Manager) locate(id string) (file, error) {
	if f, ok := m.developed(id); ok {
		if f.problem != "" {
			return f, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_PLUGIN, "%s", f.problem)
		}
		return f, nil
	}
	l, lockErr := m.installs.read()
	f, ok := m.shipped(id)
	switch {
	case ok && lockErr == nil && l.Off[id]:
		f.problem = switchedOffWords(id)
	case !ok && lockErr != nil:
		return file{}, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_PLUGIN, "%w", lockErr)
	case !ok:
		f, ok = m.installs.file(id, l)
	}
	if !ok {
		return file{}, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_PLUGIN,
			"the plugin %q is not installed: there is no %s in %s. Install it with `openvibez plugin install`, or choose another provider",
			id, fileName(id), strings.Join(m.dirs, " or "))
	}
	if f.problem != "" {
		return f, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_PLUGIN, "%s", f.problem)
	}
	return f, nil
}

// inspect looks at the file of a plugin in dir; ok tells whether there is one.
func (m *Manager) inspect(dir, id string) (file, bool) {
	path, err := filepath.Abs(filepath.Join(dir, fileName(id)))
	if err != nil {
		return file{}, false
	}
	f := file{id: id, path: path, builtIn: dir == m.dirs[0]}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(path); err != nil {
			return file{}, false
		}
		f.problem = fmt.Sprintf("%s is a link to a file that is not there; build or install the plugin again", path)
		return f, true
	}
	if err != nil {
		f.problem = fmt.Sprintf("%s can't be looked at: %v", path, err)
		return f, true
	}
	if info.IsDir() {
		return file{}, false
	}
	f.modified, f.size, f.changed = info.ModTime(), info.Size(), changedAt(info)
	if runtime.GOOS != "windows" && info.Mode()&0o111 == 0 {
		f.problem = fmt.Sprintf("%s is not executable; run: chmod +x %s", path, path)
	}
	return f, true
}

func fileName(id string) string {
	if runtime.GOOS == "windows" {
		return filePrefix + id + ".exe"
	}
	return filePrefix + id
}

// validID tells whether id has only lower-case letters, digits and dashes, and is at most 64 bytes long.
func validID(id string) bool {
	for _, c := range []byte(id) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return id != "" && len(id) <= 64
}

// described gives the file that the plugin's description is of.
func (p *plugin) described() file {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.describedBy
}
