package plugin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"

	goplugin "github.com/hashicorp/go-plugin"

	"github.com/openvibez/openvibez/sdk"
)

// timedOut is in go-plugin's error about a plugin that said nothing; it has no type. The plugin has been killed then.
const timedOut = "timeout while waiting"

// startProblem says for people why a plugin did not start: what happened, to which file, what to do next.
func (p *process) startProblem(err error) error {
	path := p.file.path
	if p.runner.launched == nil {
		// The helper found another program than was installed, or something else.
		if changed := p.file.genuine(); changed != nil {
			return changed
		}
		return execProblem(path, err)
	}
	var exited bool
	select {
	case <-p.runner.launched.Done():
		exited = true
	case <-time.After(lag(err)):
	}
	if exited {
		// What it still printed is read to the end first.
		for _, o := range []*output{p.runner.stdout, p.runner.stderr} {
			select {
			case <-o.eof:
			case <-time.After(drainTime):
			}
		}
	}
	if why := p.inTheBox(); why != nil && exited {
		return execProblem(path, why)
	}
	line, printed := p.runner.stdout.firstLine()
	version, hello := handshakeVersion(line)
	switch {
	case hello && !speaks(version):
		advice := "install a newer version of the plugin"
		if version > sdk.ProtocolVersion {
			advice = "update OpenVibez, or install an older version of the plugin"
		}
		return fmt.Errorf("%s was built for protocol %d, this host speaks %s: %s", path, version, ours(), advice)
	case printed && !hello:
		return fmt.Errorf("%s printed to stdout before the handshake: %s. A plugin must print nothing there; its author should log to stderr", path, quote(line))
	case strings.Contains(err.Error(), timedOut):
		return fmt.Errorf("%s did not answer in time after its start%s. Start it again; if it stays so, install it again", path, p.printed())
	case exited:
		return fmt.Errorf("%s ended while starting (%s)%s", path, p.runner.launched.End(), p.printed())
	}
	return fmt.Errorf("start %s: %w%s", path, err, p.printed())
}

// inTheBox gives the error with which the system refused to execute a confined plugin: the helper that tried it can only
// print it.
func (p *process) inTheBox() error {
	for _, line := range p.stderr.lastLines() {
		words, ok := strings.CutPrefix(line, "openvibez-sandbox: start plugin: ")
		if !ok || p.runner.plugin.Unconfined {
			continue
		}
		for _, no := range []syscall.Errno{syscall.ENOENT, syscall.EACCES, syscall.ENOEXEC, syscall.ETXTBSY} {
			if words == no.Error() {
				return no
			}
		}
		return errors.New(words)
	}
	return nil
}

// execProblem says why the system did not execute a file.
func execProblem(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, statErr := os.Stat(path); statErr == nil {
			return fmt.Errorf("%s needs a loader or interpreter that this machine lacks; build the plugin statically (CGO_ENABLED=0)", path)
		}
		return fmt.Errorf("%s is gone; install the plugin again", path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s may not be executed: run: chmod +x %s. If it already is executable, it may lie on a disk mounted noexec", path, path)
	case errors.Is(err, syscall.ENOEXEC):
		return fmt.Errorf("%s is no program for this machine (%s/%s); install the build for it", path, runtime.GOOS, runtime.GOARCH)
	case errors.Is(err, syscall.ETXTBSY):
		return fmt.Errorf("%s is still being written; try again when that is done", path)
	}
	return fmt.Errorf("start %s: %w", path, err)
}

// printed gives a plugin's last words on stderr, if there are any.
func (p *process) printed() string {
	lines := p.stderr.lastLines()
	if len(lines) == 0 {
		return "; it printed nothing"
	}
	for i, l := range lines {
		lines[i] = shorten(l, 500)
	}
	return "; its last words: " + strings.Join(lines, " | ")
}

// handshakeVersion reads a plugin's first line, "1|1|unix|/path|grpc|…"; ok tells whether it is one.
func handshakeVersion(line string) (version int, ok bool) {
	parts := strings.Split(line, "|")
	if len(parts) < 4 || parts[0] != strconv.Itoa(goplugin.CoreProtocolVersion) {
		return 0, false
	}
	version, err := strconv.Atoi(parts[1])
	return version, err == nil
}

func speaks(version int) bool {
	_, ok := sdk.PluginSets(nil)[version]
	return ok
}

// ours lists the protocol versions this host speaks.
func ours() string {
	var list []string
	for v := range sdk.PluginSets(nil) {
		list = append(list, strconv.Itoa(v))
	}
	sort.Strings(list)
	return strings.Join(list, ", ")
}

// lag is how long the end of a process may come after go-plugin's error about it.
func lag(err error) time.Duration {
	if strings.Contains(err.Error(), timedOut) {
		return 0
	}
	return time.Second
}

func quote(line string) string {
	if line == "" {
		return "an empty line"
	}
	return strconv.Quote(shorten(strings.ToValidUTF8(line, "\uFFFD"), 200))
}

// reason gives the words of a file's error without its path.
func reason(err error) error {
	if of := (*fs.PathError)(nil); errors.As(err, &of) {
		return of.Err
	}
	return err
}

func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
