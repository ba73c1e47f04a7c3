package plugin

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// lockName is the file that says which version of each plugin is installed; nothing else decides that.
const lockName = "plugins.lock"

// lock is plugins.lock.
type lock struct {
	Version int                `json:"version"`
	Plugins map[string]*locked `json:"plugins"`
	// The key each plugin was signed with when a person last agreed to it; kept when it is removed.
	Keys map[string]string `json:"keys,omitempty"`
	// Plugins that a person switched off, those that came with the host included.
	Off map[string]bool `json:"off,omitempty"`
	// Those that failed too often, and are off until a person switches them on or another version is there.
	Failing map[string]*failing `json:"failing,omitempty"`
}

// failing is a version of a plugin that failed too often.
type failing struct {
	// As file.mark gives it.
	File  string    `json:"file"`
	Times int       `json:"times"`
	Why   string    `json:"why"`
	At    time.Time `json:"at"`
}

// locked pins one installed version. Everything that a person agreed to is bound to Manifest: the hash of a
// plugin.json, which holds the hashes of all files.
type locked struct {
	Version  string `json:"version"`
	Source   string `json:"source"`
	Manifest string `json:"manifest_sha256"`
	Program  string `json:"program_sha256"`
	// Below the directory of this version.
	File      string    `json:"file"`
	Key       string    `json:"key,omitempty"`
	Installed time.Time `json:"installed"`
	// A person said yes to running this version without confinement.
	Unconfined bool    `json:"unconfined,omitempty"`
	Previous   *locked `json:"previous,omitempty"`
	// A version that did not stay up here, and why; it is not installed again without asking.
	Failed *failedVersion `json:"failed,omitempty"`
}

type failedVersion struct {
	Version  string    `json:"version"`
	Manifest string    `json:"manifest_sha256"`
	Why      string    `json:"why"`
	At       time.Time `json:"at"`
}

// installs is where packages are installed. One process at a time changes it: the one that holds the data directory.
type installs struct {
	// "" if there is none.
	dir string
	// Called after each change.
	changed func()
	// Held while the lock is changed.
	mu sync.Mutex
}

func (i *installs) path(id, manifest string) string { return filepath.Join(i.dir, id, manifest) }

// read gives what is installed; no file is nothing installed.
func (i *installs) read() (*lock, error) {
	l := &lock{}
	if i.dir != "" {
		raw, err := os.ReadFile(filepath.Join(i.dir, lockName))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read which plugins are installed: %w", err)
		}
		if err == nil {
			if err := json.Unmarshal(raw, l); err != nil {
				return nil, fmt.Errorf("%s can't be read (%w): no installed plugin is started. Put back a copy of it, or remove it and install the plugins again",
					filepath.Join(i.dir, lockName), err)
			}
			if l.Version != 1 {
				return nil, fmt.Errorf("%s was written by a newer OpenVibez: update this one", filepath.Join(i.dir, lockName))
			}
		}
	}
	l.Version = 1
	if l.Plugins == nil {
		l.Plugins = map[string]*locked{}
	}
	if l.Keys == nil {
		l.Keys = map[string]string{}
	}
	if l.Off == nil {
		l.Off = map[string]bool{}
	}
	if l.Failing == nil {
		l.Failing = map[string]*failing{}
	}
	return l, nil
}

// change writes a changed lock in one step: whatever happens, the old or the new one is there.
func (i *installs) change(do func(*lock) error) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.dir == "" {
		return errors.New("this host has no directory for plugins")
	}
	l, err := i.read()
	if err != nil {
		return err
	}
	if err := do(l); err != nil {
		return err
	}
	raw, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return fmt.Errorf("write which plugins are installed: %w", err)
	}
	if err := os.MkdirAll(i.dir, 0o700); err != nil {
		return fmt.Errorf("make the directory for plugins: %w", err)
	}
	f, err := os.CreateTemp(i.dir, stagingPrefix+"lock-*")
	if err != nil {
		return fmt.Errorf("write which plugins are installed: %w", err)
	}
	_, err = f.Write(append(raw, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(i.dir, lockName))
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write which plugins are installed: %w", err)
	}
	i.changed()
	return syncDir(i.dir)
}

// syncDir makes the names in a directory last, where the system can.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("open directory: %w", err)
	}
	// Windows has no such thing.
	_ = d.Sync()
	return d.Close()
}

// file gives an installed plugin as it may be started.
func (i *installs) file(id string, l *lock) (file, bool) {
	v := l.Plugins[id]
	if v == nil {
		return file{}, false
	}
	f := file{id: id, sha256: v.Program, manifest: v.Manifest, unconfinedAllowed: v.Unconfined}
	gone := func(format string, args ...any) (file, bool) {
		f.problem = fmt.Sprintf(format, args...)
		return f, true
	}
	if len(v.Manifest) != 64 || !filepath.IsLocal(v.File) {
		return gone("%s does not say properly where %s is; install it again", lockName, id)
	}
	f.path = filepath.Join(i.path(id, v.Manifest), filepath.FromSlash(v.File))
	info, err := os.Lstat(f.path)
	switch {
	case err != nil:
		return gone("the program of %s can't be looked at (%v); install it again", id, reason(err))
	case !info.Mode().IsRegular():
		return gone("%s is no plain file any more; install %s again", f.path, id)
	}
	f.modified, f.size, f.changed = info.ModTime(), info.Size(), changedAt(info)
	if l.Off[id] {
		f.problem = switchedOffWords(id)
	}
	return f, true
}

func switchedOffWords(id string) string {
	return fmt.Sprintf("the plugin %s is switched off; `openvibez plugin enable %s` switches it on", id, id)
}

// genuine sees that an installed program is what was installed, before it is started.
func (f file) genuine() error {
	if f.sha256 == "" {
		return nil
	}
	sum, err := sumOfFile(f.path)
	if err != nil {
		return fmt.Errorf("read the program of %s: %w", f.id, err)
	}
	if sum != f.sha256 {
		return fmt.Errorf("the program of %s was changed since it was installed (SHA-256 %s, installed was %s) and is not started: install it again, and find out who changed %s",
			f.id, short(sum), short(f.sha256), f.path)
	}
	return nil
}

// manifestOf reads the manifest that an installed plugin has to agree with; nil for others.
func (i *installs) manifestOf(f file) (*sdk.Manifest, error) {
	if f.manifest == "" {
		return nil, nil
	}
	path := filepath.Join(i.path(f.id, f.manifest), manifestName)
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the manifest of %s: %w", f.id, err)
	}
	if sumOf(raw) != f.manifest {
		return nil, fmt.Errorf("%s was changed since %s was installed: install it again", path, f.id)
	}
	return sdk.ParseManifest(raw)
}

// agree tells where a plugin says something else than its manifest.
func agree(m *sdk.Manifest, d *providerv1.DescribeResponse) error {
	want := m.Describe()
	for _, f := range []struct {
		name      string
		said, had any
	}{
		{"id", d.Id, want.Id},
		{"name", d.Name, want.Name},
		{"version", d.Version, want.Version},
		{"base URL", d.DefaultBaseUrl, want.DefaultBaseUrl},
		{"base URL's variable", d.BaseUrlEnv, want.BaseUrlEnv},
		{"origins", fmt.Sprintf("%q", d.Origins), fmt.Sprintf("%q", want.Origins)},
		{"key's header", d.Key.GetHeader(), want.Key.GetHeader()},
		{"key's prefix", d.Key.GetPrefix(), want.Key.GetPrefix()},
		{"key's variable", d.Key.GetEnv(), want.Key.GetEnv()},
		{"optional key", d.Key.GetOptional(), want.Key.GetOptional()},
		{"key's other header", d.Key.GetAlso(), want.Key.GetAlso()},
		{"key's address", d.Key.GetUrl(), want.Key.GetUrl()},
		{"program", d.Program, want.Program},
		{"canned answers", d.Canned, want.Canned},
		{"probe path", d.ProbePath, want.ProbePath},
		{"setting of the context", d.ContextSetting, want.ContextSetting},
		{"names of options", fmt.Sprint(d.OptionNames), fmt.Sprint(want.OptionNames)},
		{"settings", sameJSON(d.SettingsSchema), sameJSON(want.SettingsSchema)},
		{"description", d.Description, want.Description},
	} {
		if f.said != f.had {
			return fmt.Errorf("%s is not what its manifest says: its %s is %v, and plugin.json says %v. Its author has to correct that",
				cmp.Or(d.Name, m.ID), f.name, orNothing(f.said), orNothing(f.had))
		}
	}
	return nil
}

func orNothing(v any) any {
	if v == "" {
		return "empty"
	}
	return v
}

// sameJSON writes JSON so that two texts that mean the same are equal.
func sameJSON(text string) string {
	var v any
	if json.Unmarshal([]byte(text), &v) != nil {
		return text
	}
	same, err := json.Marshal(v)
	if err != nil {
		return text
	}
	return string(same)
}

// tier is how far it is known where an installed version comes from.
func (v *locked) tier() apiv1.Tier {
	if v.Key == "" {
		return apiv1.Tier_TIER_UNSIGNED
	}
	return apiv1.Tier_TIER_VERIFIED
}
