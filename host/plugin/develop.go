package plugin

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
)

// Develop has a plugin run from path, its author's build of what is in directory, until stop is called; it goes before an installed plugin of
// that id, and before one that came with the host. Needs no signature. With debug it is not confined, and neither
// watched nor stopped, so that a debugger can hold it.
func (m *Manager) Develop(id, path, directory string, debug bool) (stop func(), err error) {
	if !validID(id) {
		return nil, fmt.Errorf("%.40q is no plugin's name; names have lower-case letters, digits and dashes", id)
	}
	if !filepath.IsAbs(path) {
		return nil, fmt.Errorf("%s is no absolute path", path)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if f, ok := m.development[id]; ok {
		return nil, fmt.Errorf("the plugin %s is being developed already, from %s: end that first", id, f.directory)
	}
	m.touch()
	m.development[id] = file{id: id, path: path, development: true, debug: debug, directory: directory}
	return func() {
		m.mu.Lock()
		delete(m.development, id)
		m.mu.Unlock()
		m.touch()
		m.halt(id)
	}, nil
}

// developed gives a plugin that runs from its author's directory, as its file is now.
func (m *Manager) developed(id string) (file, bool) {
	m.mu.Lock()
	f, ok := m.development[id]
	m.mu.Unlock()
	if !ok {
		return file{}, false
	}
	info, err := os.Stat(f.path)
	switch {
	case err != nil:
		f.problem = fmt.Sprintf("%s is not there: %v", f.path, reason(err))
	case runtime.GOOS != "windows" && info.Mode()&0o111 == 0:
		f.problem = f.path + " is not executable"
	default:
		f.modified, f.size = info.ModTime(), info.Size()
	}
	return f, true
}

func (m *Manager) inDevelopment() []file {
	m.mu.Lock()
	ids := slices.Collect(maps.Keys(m.development))
	m.mu.Unlock()
	var files []file
	for _, id := range ids {
		if f, ok := m.developed(id); ok {
			files = append(files, f)
		}
	}
	return files
}
