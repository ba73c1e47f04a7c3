package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// maxRuntimePath leaves room for socket names: a unix socket's path may have 108 bytes, on macOS 104.
const maxRuntimePath = 60

// dirs are the directories of one instance; nothing is kept anywhere else.
type dirs struct {
	data    string // the database and keys: must survive
	runtime string // sockets: may vanish when the person logs out
	log     string
	cache   string // what toolchains keep between commands; may be deleted
	scratch string // where sessions without a workspace work; never within data
}

// findDirs tells where an instance lives, without making anything. OPENVIBEZ_HOME puts all of it in one directory;
// otherwise the conventions of the system hold.
func findDirs(getenv func(string) string) (dirs, error) {
	d := dirs{}
	if home := getenv("OPENVIBEZ_HOME"); home != "" {
		abs, err := filepath.Abs(home)
		if err != nil {
			return dirs{}, fmt.Errorf("resolve OPENVIBEZ_HOME: %w", err)
		}
		d = dirs{data: abs, runtime: filepath.Join(abs, "run"), log: filepath.Join(abs, "log"), cache: filepath.Join(abs, "cache"), scratch: abs + ".scratch"}
	} else {
		home, err := os.UserHomeDir()
		if err != nil {
			return dirs{}, errors.New("no home directory is known: set HOME, or OPENVIBEZ_HOME to the directory that shall hold everything")
		}
		d = systemDirs(home, getenv)
	}
	if len(d.runtime) > maxRuntimePath {
		sum := sha256.Sum256([]byte(d.runtime))
		d.runtime = filepath.Join(shortTempDir(), fmt.Sprintf("openvibez-%d-%s", os.Getuid(), hex.EncodeToString(sum[:4])))
	}
	return d, nil
}

func systemDirs(home string, getenv func(string) string) dirs {
	// The XDG specification: a relative path in one of its variables is to be ignored.
	xdg := func(name, otherwise string) string {
		if v := getenv(name); filepath.IsAbs(v) {
			return filepath.Join(v, "openvibez")
		}
		return otherwise
	}
	temp := filepath.Join(shortTempDir(), fmt.Sprintf("openvibez-%d", os.Getuid()))
	switch runtime.GOOS {
	case "darwin":
		base := filepath.Join(home, "Library")
		return dirs{
			data:    filepath.Join(base, "Application Support", "OpenVibez"),
			runtime: temp,
			log:     filepath.Join(base, "Logs", "OpenVibez"),
			cache:   filepath.Join(base, "Caches", "OpenVibez"),
			scratch: filepath.Join(base, "OpenVibez Scratch"),
		}
	case "windows":
		base := getenv("LOCALAPPDATA")
		if base == "" {
			base = filepath.Join(home, "AppData", "Local")
		}
		base = filepath.Join(base, "OpenVibez")
		return dirs{data: base, runtime: filepath.Join(base, "run"), log: filepath.Join(base, "log"), cache: filepath.Join(base, "cache"), scratch: base + "Scratch"}
	}
	sockets := xdg("XDG_RUNTIME_DIR", temp)
	if real, err := filepath.EvalSymlinks(filepath.Dir(sockets)); err == nil && sockets != temp && checkOwn(real) != nil {
		// Another person's, as su and sudo leave it behind.
		sockets = temp
	}
	return dirs{
		data:    xdg("XDG_DATA_HOME", filepath.Join(home, ".local", "share", "openvibez")),
		runtime: sockets,
		log:     xdg("XDG_STATE_HOME", filepath.Join(home, ".local", "state", "openvibez")),
		cache:   xdg("XDG_CACHE_HOME", filepath.Join(home, ".cache", "openvibez")),
		scratch: filepath.Join(xdg("XDG_STATE_HOME", filepath.Join(home, ".local", "state", "openvibez")), "scratch"),
	}
}

func shortTempDir() string {
	if runtime.GOOS == "windows" {
		return os.TempDir()
	}
	return "/tmp"
}

// create makes the directories, for their owner only.
func (d dirs) create() error {
	for _, dir := range []string{d.data, d.runtime, d.log} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("create directory: %w; OPENVIBEZ_HOME can name another place", err)
		}
	}
	if err := checkPrivate(d.runtime); err != nil {
		return err
	}
	// The conversations are nobody else's business, even where an older version or a person made the directory.
	if err := os.Chmod(d.data, 0o700); err != nil {
		return fmt.Errorf("make %s private: %w; OpenVibez must be able to write there: change its owner, mount its disk for writing, or set OPENVIBEZ_HOME to another directory", d.data, err)
	}
	return nil
}

func (d dirs) database() string { return filepath.Join(d.data, "openvibez.db") }
func (d dirs) socket() string   { return filepath.Join(d.runtime, "api.sock") }
func (d dirs) plugins() string  { return filepath.Join(d.data, "plugins") }
func (d dirs) logFile() string  { return filepath.Join(d.log, "host.log") }

// address is the file in the data directory that names the socket of the host that has it open: another login of the
// same person may have another runtime directory.
func (d dirs) address() string { return filepath.Join(d.data, "address") }

// sockets lists where a host of this data directory may be listening, likeliest first.
func (d dirs) sockets() []string {
	found := []string{d.socket()}
	if other, err := os.ReadFile(d.address()); err == nil {
		if path := strings.TrimSpace(string(other)); path != "" && path != found[0] {
			found = append(found, path)
		}
	}
	return found
}
