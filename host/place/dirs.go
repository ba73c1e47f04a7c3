package place

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

// Dirs are the directories of one instance; nothing is kept anywhere else.
type Dirs struct {
	Data    string // the database and keys: must survive
	Runtime string // sockets: may vanish when the person logs out
	Log     string
	Cache   string // what toolchains keep between commands; may be deleted
	Scratch string // where sessions without a workspace work; never within data
}

// Find tells where an instance lives, without making anything. OPENVIBEZ_HOME puts all of it in one directory;
// otherwise the conventions of the system hold.
func Find(getenv func(string) string) (Dirs, error) {
	d := Dirs{}
	if home := getenv("OPENVIBEZ_HOME"); home != "" {
		abs, err := filepath.Abs(home)
		if err != nil {
			return Dirs{}, fmt.Errorf("resolve OPENVIBEZ_HOME: %w", err)
		}
		d = Dirs{Data: abs, Runtime: filepath.Join(abs, "run"), Log: filepath.Join(abs, "log"), Cache: filepath.Join(abs, "cache"), Scratch: abs + ".scratch"}
	} else {
		home, err := os.UserHomeDir()
		if err != nil {
			return Dirs{}, errors.New("no home directory is known: set HOME, or OPENVIBEZ_HOME to the directory that shall hold everything")
		}
		d = systemDirs(home, getenv)
	}
	if len(d.Runtime) > maxRuntimePath {
		sum := sha256.Sum256([]byte(d.Runtime))
		d.Runtime = filepath.Join(ShortTemp(), fmt.Sprintf("openvibez-%d-%s", os.Getuid(), hex.EncodeToString(sum[:4])))
	}
	return d, nil
}

func systemDirs(home string, getenv func(string) string) Dirs {
	// The XDG specification: a relative path in one of its variables is to be ignored.
	xdg := func(name, otherwise string) string {
		if v := getenv(name); filepath.IsAbs(v) {
			return filepath.Join(v, "openvibez")
		}
		return otherwise
	}
	temp := filepath.Join(ShortTemp(), fmt.Sprintf("openvibez-%d", os.Getuid()))
	switch runtime.GOOS {
	case "darwin":
		base := filepath.Join(home, "Library")
		return Dirs{
			Data:    filepath.Join(base, "Application Support", "OpenVibez"),
			Runtime: temp,
			Log:     filepath.Join(base, "Logs", "OpenVibez"),
			Cache:   filepath.Join(base, "Caches", "OpenVibez"),
			Scratch: filepath.Join(base, "OpenVibez Scratch"),
		}
	case "windows":
		base := getenv("LOCALAPPDATA")
		if base == "" {
			base = filepath.Join(home, "AppData", "Local")
		}
		base = filepath.Join(base, "OpenVibez")
		return Dirs{Data: base, Runtime: filepath.Join(base, "run"), Log: filepath.Join(base, "log"), Cache: filepath.Join(base, "cache"), Scratch: base + "Scratch"}
	}
	sockets := xdg("XDG_RUNTIME_DIR", temp)
	if real, err := filepath.EvalSymlinks(filepath.Dir(sockets)); err == nil && sockets != temp && checkOwn(real) != nil {
		// Another person's, as su and sudo leave it behind.
		sockets = temp
	}
	return Dirs{
		Data:    xdg("XDG_DATA_HOME", filepath.Join(home, ".local", "share", "openvibez")),
		Runtime: sockets,
		Log:     xdg("XDG_STATE_HOME", filepath.Join(home, ".local", "state", "openvibez")),
		Cache:   xdg("XDG_CACHE_HOME", filepath.Join(home, ".cache", "openvibez")),
		Scratch: filepath.Join(xdg("XDG_STATE_HOME", filepath.Join(home, ".local", "state", "openvibez")), "scratch"),
	}
}

// ShortTemp is the directory for what may vanish, with a path short enough for sockets in it.
func ShortTemp() string {
	if runtime.GOOS == "windows" {
		return os.TempDir()
	}
	return "/tmp"
}

// Create makes the directories, for their owner only.
func (d Dirs) Create() error {
	for _, dir := range []string{d.Data, d.Runtime, d.Log} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("create directory: %w; OPENVIBEZ_HOME can name another place", err)
		}
	}
	if err := CheckPrivate(d.Runtime); err != nil {
		return err
	}
	// The conversations are nobody else's business, even where an older version or a person made the directory.
	if err := os.Chmod(d.Data, 0o700); err != nil {
		return fmt.Errorf("make %s private: %w; OpenVibez must be able to write there: change its owner, mount its disk for writing, or set OPENVIBEZ_HOME to another directory", d.Data, err)
	}
	return nil
}

// Database is the file with all conversations.
func (d Dirs) Database() string { return filepath.Join(d.Data, "openvibez.db") }

// Socket is where the host listens.
func (d Dirs) Socket() string { return filepath.Join(d.Runtime, "api.sock") }

// Plugins is where installed plugins are.
func (d Dirs) Plugins() string { return filepath.Join(d.Data, "plugins") }

// LogFile is the host's log.
func (d Dirs) LogFile() string { return filepath.Join(d.Log, "host.log") }

// Address is the file in the data directory that names the socket of the host that has it open: another login of the
// same person may have another runtime directory.
func (d Dirs) Address() string { return filepath.Join(d.Data, "address") }

// Sockets lists where a host of this data directory may be listening, likeliest first.
func (d Dirs) Sockets() []string {
	found := []string{d.Socket()}
	if other, err := os.ReadFile(d.Address()); err == nil {
		if path := strings.TrimSpace(string(other)); path != "" && path != found[0] {
			found = append(found, path)
		}
	}
	return found
}
