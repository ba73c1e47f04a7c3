package plugin

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/sdk"
)

const (
	// stagingPrefix begins the names of what is not installed yet; it is removed when the host starts.
	stagingPrefix = ".new-"
	// A package that was shown can be installed for so long.
	shownFor = 10 * time.Minute
	// Packages shown and not installed that are kept at once.
	maxShown  = 4
	fetchTime = 2 * time.Minute
)

// shown is a package that a person has been told about.
type shown struct {
	dir    string
	pack   *pack
	source string
	facts  *apiv1.PackageFacts
	at     time.Time
	// A person agreed that it runs unconfined.
	unconfined bool
}

// shelf holds the packages that were shown, by token.
type shelf struct {
	mu    sync.Mutex
	shown map[string]*shown
}

// put keeps a package and throws away what is too old, or too much.
func (s *shelf) put(token string, p *shown) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shown == nil {
		s.shown = map[string]*shown{}
	}
	s.shown[token] = p
	for len(s.shown) > 0 {
		oldest := ""
		for t, p := range s.shown {
			if oldest == "" || p.at.Before(s.shown[oldest].at) {
				oldest = t
			}
		}
		if len(s.shown) <= maxShown && time.Since(s.shown[oldest].at) < shownFor {
			return
		}
		_ = removeTree(s.shown[oldest].dir)
		delete(s.shown, oldest)
	}
}

func (s *shelf) take(token string) (*shown, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.shown[token]
	delete(s.shown, token)
	if ok && time.Since(p.at) >= shownFor {
		_ = removeTree(p.dir)
		return nil, false
	}
	return p, ok
}

// Inspect reads a package and tells what installing it would mean; nothing of it is run. token names it to Install.
// source says to people where it comes from. The error is for people.
func (m *Manager) Inspect(r io.Reader, source string) (facts *apiv1.PackageFacts, token string, err error) {
	p, err := m.stage(r, source)
	if err != nil {
		return nil, "", fmt.Errorf("the package %s can't be installed: %w", source, err)
	}
	token = rand.Text()
	m.shelf.put(token, p)
	return p.facts, token, nil
}

// InspectFile is Inspect of a file.
func (m *Manager) InspectFile(path string) (*apiv1.PackageFacts, string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, "", fmt.Errorf("open the package: %w", err)
	}
	defer f.Close()
	return m.Inspect(f, path)
}

// InspectURL is Inspect of what an https address gives. plainLoopback also takes http from this machine.
func (m *Manager) InspectURL(ctx context.Context, address string, plainLoopback bool) (*apiv1.PackageFacts, string, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	allowed := func(u *url.URL) error {
		ip := net.ParseIP(u.Hostname())
		switch {
		case u.Scheme == "https" && u.Host != "":
			return nil
		case u.Scheme == "http" && plainLoopback && ip != nil && ip.IsLoopback():
			return nil
		case u.Scheme == "http":
			return fmt.Errorf("%s is not encrypted: packages come from https addresses, and from http://127.0.0.1 where --plain-loopback is said", u.Redacted())
		}
		return fmt.Errorf("%q is no https address", u.Redacted())
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, "", fmt.Errorf("%q is no address", address)
	}
	if err := allowed(u); err != nil {
		return nil, "", err
	}
	if u.User != nil {
		return nil, "", errors.New("the address holds a user name or password, which would be written down: leave it out")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, "", fmt.Errorf("ask for the package: %w", err)
	}
	client := &http.Client{Transport: m.routes.Direct(), CheckRedirect: func(next *http.Request, via []*http.Request) error {
		if len(via) > 5 {
			return errors.New("it is redirected too often")
		}
		return allowed(next.URL)
	}}
	res, err := client.Do(req)
	if err != nil {
		var of *url.Error
		if errors.As(err, &of) {
			err = of.Err
		}
		return nil, "", fmt.Errorf("get the package from %s: %w", u.Host, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, "", fmt.Errorf("get the package from %s: the answer is %s", u.Host, res.Status)
	}
	return m.Inspect(res.Body, address)
}

// InspectUpdate is Inspect of what is to be had where an installed plugin came from. facts.silent says that it may be
// installed without asking.
func (m *Manager) InspectUpdate(ctx context.Context, id string, plainLoopback bool) (*apiv1.PackageFacts, string, error) {
	l, err := m.installs.read()
	if err != nil {
		return nil, "", err
	}
	v := l.Plugins[id]
	switch _, ships := m.shipped(id); {
	case ships:
		return nil, "", fmt.Errorf("%s came with OpenVibez and is updated with it", id)
	case v == nil:
		return nil, "", m.unknown(id)
	}
	var facts *apiv1.PackageFacts
	var token string
	switch {
	case strings.HasPrefix(v.Source, "http://") || strings.HasPrefix(v.Source, "https://"):
		facts, token, err = m.InspectURL(ctx, v.Source, plainLoopback)
	case filepath.IsAbs(v.Source):
		facts, token, err = m.InspectFile(v.Source)
	default:
		return nil, "", fmt.Errorf("%s came from %s, where no update can be looked for: install the new package", id, v.Source)
	}
	if err == nil && facts.Id != id {
		return nil, "", fmt.Errorf("at %s is the plugin %s now, not %s", v.Source, facts.Id, id)
	}
	return facts, token, err
}

// ErrInstalled says that the very same package is installed.
var ErrInstalled = errors.New("is installed already")

// stage unpacks a package beside what is installed.
func (m *Manager) stage(r io.Reader, source string) (_ *shown, err error) {
	if m.installs.dir == "" {
		return nil, errors.New("this host has no directory for plugins")
	}
	if err := os.MkdirAll(m.installs.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory for plugins: %w", err)
	}
	dir, err := os.MkdirTemp(m.installs.dir, stagingPrefix)
	if err != nil {
		return nil, fmt.Errorf("make a directory for the package: %w", err)
	}
	defer func() {
		if err != nil {
			_ = removeTree(dir)
		}
	}()
	p, err := unpack(r, dir)
	if err != nil {
		return nil, err
	}
	l, err := m.installs.read()
	if err != nil {
		return nil, err
	}
	told, err := m.judge(p, source, l)
	if err != nil {
		return nil, err
	}
	return &shown{dir: dir, pack: p, source: source, facts: told, at: time.Now()}, nil
}

// judge tells what installing a package means beside what is installed, or why it can't be.
func (m *Manager) judge(p *pack, source string, l *lock) (*apiv1.PackageFacts, error) {
	if err := m.mayInstall(p, l); err != nil {
		return nil, err
	}
	var before *pack
	if v := l.Plugins[p.manifest.ID]; v != nil {
		before, _ = openPackage(m.installs.path(p.manifest.ID, v.Manifest))
		if before != nil && before.sum != v.Manifest {
			before = nil
		}
	}
	return facts(p, source, l, before, m.Unconfined()), nil
}

// mayInstall refuses what can't be installed whoever agrees.
func (m *Manager) mayInstall(p *pack, l *lock) error {
	id := p.manifest.ID
	if f, ok := m.shipped(id); ok {
		return fmt.Errorf("a plugin named %s came with OpenVibez (%s), and another may not take its name", id, f.path)
	}
	if err := m.nameTaken(p.manifest); err != nil {
		return err
	}
	for other := range l.Plugins {
		if other != id && strings.ReplaceAll(other, "-", "") == strings.ReplaceAll(id, "-", "") {
			return fmt.Errorf("its name %s is too much like that of the plugin %s, which is installed", id, other)
		}
	}
	if v := l.Plugins[id]; v != nil && v.Manifest == p.sum {
		if _, problems := openPackage(m.installs.path(id, v.Manifest)); len(problems) == 0 {
			return fmt.Errorf("%s %s %w", p.manifest.Name, v.Version, ErrInstalled)
		}
	}
	if err := wantsProgram(p.manifest); err != nil {
		return err
	}
	return sound(p.manifest.Describe(), file{id: id, path: id})
}

// wantsProgram refuses a plugin that needs what the host can't do for it yet.
func wantsProgram(m *sdk.Manifest) error {
	if m.Program == "" {
		return nil
	}
	return fmt.Errorf("it wants the host to run the program %s for it, and this version of OpenVibez runs none for a plugin that is installed: only one that needs no program can be", m.Program)
}

// Shown gives what Inspect has told of a package; nil if it is not to be had any more.
func (m *Manager) Shown(token string) *apiv1.PackageFacts {
	m.shelf.mu.Lock()
	defer m.shelf.mu.Unlock()
	if p, ok := m.shelf.shown[token]; ok {
		return p.facts
	}
	return nil
}

// Install installs a package that was shown, after a person agreed: confirmation is what they were asked to type. The
// plugin is started once to say what it is; one that says something else than its manifest is not installed.
func (m *Manager) Install(ctx context.Context, token, confirmation string) (*apiv1.Plugin, error) {
	p, ok := m.shelf.take(token)
	if !ok {
		return nil, errors.New("this package was shown more than ten minutes ago, or installed already: look at it again")
	}
	if want := p.facts.Confirmation; want != "" && strings.TrimSpace(confirmation) != want {
		m.shelf.put(token, p)
		return nil, fmt.Errorf("nobody vouches for %s: to install it all the same, its name has to be typed: %s", p.facts.Name, want)
	}
	defer func() { _ = removeTree(p.dir) }()
	id := p.pack.manifest.ID
	program := filepath.Join(p.dir, filepath.FromSlash(p.pack.program))
	// Whoever has typed the name has read what it can do here.
	p.unconfined = m.Unconfined() != "" && p.facts.Confirmation != ""
	if err := m.tryOut(ctx, file{id: id, path: program, sha256: p.pack.programSum, unconfinedAllowed: p.unconfined}, p.pack); err != nil {
		return nil, fmt.Errorf("%s is not installed: %w", p.facts.Name, err)
	}
	if err := m.activate(p); err != nil {
		return nil, fmt.Errorf("install %s: %w", p.facts.Name, err)
	}
	m.log.Info("plugin installed", "plugin", id, "version", p.pack.manifest.Version, "source", p.source, "sha256", p.pack.programSum, "key", p.pack.key)
	m.replaced(id)
	return m.Plugin(ctx, id)
}

// activate puts a package where it belongs, and then makes it the installed version in one step.
func (m *Manager) activate(p *shown) error {
	id := p.pack.manifest.ID
	to := m.installs.path(id, p.pack.sum)
	var old *locked
	err := m.installs.change(func(l *lock) error {
		now, err := m.judge(p.pack, p.source, l)
		if err != nil {
			return err
		}
		if !proto.Equal(now, p.facts) {
			return errors.New("what is installed has changed since this package was shown: look at it again")
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return fmt.Errorf("make a directory for it: %w", err)
		}
		// What lies there is a broken copy, or the previous version of the same name: it is the same content.
		if err := removeTree(to); err != nil {
			return fmt.Errorf("make room for it: %w", err)
		}
		if err := syncDir(p.dir); err != nil {
			return err
		}
		if err := os.Rename(p.dir, to); err != nil {
			return fmt.Errorf("put it in its place: %w", err)
		}
		if err := syncDir(filepath.Dir(to)); err != nil {
			return err
		}
		v := &locked{
			Version: p.pack.manifest.Version, Source: p.source, Manifest: p.pack.sum, Program: p.pack.programSum,
			File: p.pack.program, Key: p.pack.key, Installed: time.Now().UTC().Truncate(time.Second),
			Unconfined: p.unconfined,
		}
		if now := l.Plugins[id]; now != nil {
			old, now.Previous = now.Previous, nil
			if now.Manifest != v.Manifest {
				v.Previous = now
			}
			now.Failed = nil
		}
		l.Plugins[id] = v
		if v.Key != "" {
			l.Keys[id] = v.Key
		}
		delete(l.Off, id)
		return nil
	})
	if err == nil && old != nil && old.Manifest != p.pack.sum {
		_ = removeTree(m.installs.path(id, old.Manifest))
	}
	return err
}

// tryOut starts a program that is not installed yet, only to ask it what it is.
func (m *Manager) tryOut(ctx context.Context, f file, p *pack) error {
	if _, err := m.confine(f); err != nil {
		// It is not started before a person has said yes to that; what it says is compared then.
		m.log.Warn("plugin installed without a trial", "plugin", f.id, "why", err)
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, m.timing.describe+m.timing.start)
	defer cancel()
	d, err := m.describeOnce(ctx, f)
	if err != nil {
		return err
	}
	if err := sound(d, f); err != nil {
		return err
	}
	return agree(p.manifest, d)
}

// sweepInstalls removes what an installation left that did not come to its end.
func (m *Manager) sweepInstalls() {
	entries, err := os.ReadDir(m.installs.dir)
	if err != nil {
		return
	}
	l, lockErr := m.installs.read()
	for _, e := range entries {
		path := filepath.Join(m.installs.dir, e.Name())
		if strings.HasPrefix(e.Name(), stagingPrefix) {
			_ = removeTree(path)
			continue
		}
		if lockErr != nil || !e.IsDir() {
			continue
		}
		versions, err := os.ReadDir(path)
		if err != nil {
			continue
		}
		for _, v := range versions {
			now := l.Plugins[e.Name()]
			if now == nil || now.Manifest != v.Name() && (now.Previous == nil || now.Previous.Manifest != v.Name()) {
				_ = removeTree(filepath.Join(path, v.Name()))
			}
		}
		// It stays unless it is empty.
		_ = os.Remove(path)
	}
}

// removeTree removes a directory whatever the modes in it are. None is no error.
func removeTree(dir string) error {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
	return os.RemoveAll(dir)
}
