package sandbox

import (
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/openvibez/openvibez/host/policy"
	"github.com/openvibez/openvibez/host/sandbox/box"
)

// essential are the probes that must hold for the level "reduced". What it lacks besides: .git can't be kept apart from
// the rest of a workspace, other processes are seen, and what a command leaves running is only ended as far as it is found.
func essential() []string {
	return []string{"write outside the workspace", "read the home directory", "reach a server on this machine", "reach a socket of another program", "trace"}
}

// test tries the strongest walls first.
func (s *Sandbox) test(ctx context.Context) Report {
	if r, missing := s.missing(); missing {
		return r
	}
	memory := s.findGroups().words()
	probes, err := s.try(ctx, box.WallsFull)
	if err == nil && leaks(probes, nil) == "" {
		return Report{Level: policy.LevelFull, Probes: probes, Memory: memory}
	}
	r := Report{Probes: probes, Memory: memory}
	if err != nil {
		r.Problem, r.Fix = fmt.Sprintf("namespaces can't be used here: %v", err), remedy()
	} else {
		r.Problem = "the sandbox leaks: from inside one could " + leaks(probes, nil)
		r.Fix = "Please report this, with what `openvibez doctor --json` prints."
	}
	reduced, err := s.try(ctx, box.WallsReduced)
	switch {
	case err != nil:
		r.Problem += fmt.Sprintf("; nor can Landlock: %v", err)
	case leaks(reduced, essential()) != "":
		r.Problem += "; without them one could " + leaks(reduced, essential())
	default:
		r.Level = policy.LevelReduced
	}
	if reduced != nil {
		r.Probes = reduced
	}
	return r
}

// leaks names the probes that got through, of those that matter; nil means all.
func leaks(probes []Probe, matter []string) string {
	var found []string
	for _, p := range probes {
		if !p.OK && (matter == nil || contains(matter, p.Name)) {
			found = append(found, p.Name)
		}
	}
	return strings.Join(found, ", ")
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// try runs the helper's probes in a box that is made like a command's.
func (s *Sandbox) try(ctx context.Context, walls box.Walls) ([]Probe, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := os.MkdirAll(s.config.RuntimeDir, 0o700); err != nil {
		return nil, fmt.Errorf("make directory for the test: %w", err)
	}
	made, err := os.MkdirTemp(s.config.RuntimeDir, "t")
	if err != nil {
		return nil, fmt.Errorf("make directory for the test: %w", err)
	}
	defer os.RemoveAll(made)
	dir, err := filepath.EvalSymlinks(made)
	if err != nil {
		return nil, fmt.Errorf("make directory for the test: %w", err)
	}
	helper, err := filepath.EvalSymlinks(s.config.Helper)
	if err != nil {
		return nil, fmt.Errorf("find helper: %w", err)
	}
	in := func(names ...string) string { return filepath.Join(append([]string{dir}, names...)...) }
	for _, d := range []string{in("w", ".git")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("make directory for the test: %w", err)
		}
	}
	for _, f := range []string{in("outside"), in("secret"), in("w", ".git", "config")} {
		if err := os.WriteFile(f, []byte("untouched\n"), 0o600); err != nil {
			return nil, fmt.Errorf("write file for the test: %w", err)
		}
	}
	probe := box.Probe{Outside: in("outside"), Secret: in("secret"), Git: in("w", ".git"), Socket: in("s"), Abstract: "openvibez-test-" + filepath.Base(dir), PID: os.Getpid()}
	var listen net.ListenConfig
	tcp, err := listen.Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the test: %w", err)
	}
	defer tcp.Close()
	probe.Port = tcp.Addr().(*net.TCPAddr).Port
	for _, name := range []string{probe.Socket, "@" + probe.Abstract} {
		l, err := listen.Listen(ctx, "unix", name)
		if err != nil {
			return nil, fmt.Errorf("listen for the test: %w", err)
		}
		defer l.Close()
	}
	v := s.look()
	spec := &box.Spec{
		Walls: walls, Args: []string{helper, "probe", hex.EncodeToString(probe.Encode())}, Dir: in("w"), Temp: "/tmp", Home: s.home, Links: v.links,
		Limits: box.Limits{Processes: maxProcesses, Files: maxFiles, Temp: 16 << 20},
		Env:    []string{"GOGC=off"},
	}
	more := []box.Bind{{Path: helper}, {Path: in("w"), Write: true}, {Path: in("w", ".git")}}
	private := ""
	if walls == box.WallsReduced {
		private = in("own")
		spec.Temp, spec.Home = filepath.Join(private, "tmp"), filepath.Join(private, "home")
	}
	own, err := places(spec, private, more)
	if err != nil {
		return nil, err
	}
	spec.Binds = slices.Concat(v.without(spec.Home), own, v.home, more)
	r, err := s.carry(ctx, walls, func() (*box.Spec, error) { return spec, nil }, nil, Options{})
	if err != nil {
		return nil, err
	}
	printed, err := hex.DecodeString(strings.TrimSpace(r.Stdout.Text))
	if err != nil || len(printed) == 0 {
		words := r.Problem + strings.TrimSpace(r.Stderr.Text)
		if words == "" {
			words = "it said nothing; perhaps openvibez and openvibez-sandbox are of different builds: use two of one build"
		}
		return nil, fmt.Errorf("the test ended with exit code %d: %s", r.ExitCode, words)
	}
	findings, err := box.DecodeFindings(printed)
	if err != nil {
		return nil, fmt.Errorf("read what the test found: %w", err)
	}
	var probes []Probe
	for _, f := range findings {
		probes = append(probes, Probe{Name: f.Name, OK: f.Held, Words: f.Words})
	}
	if now, err := os.ReadFile(in("outside")); err != nil || string(now) != "untouched\n" {
		probes = append(probes, Probe{Name: "change a file outside the workspace", Words: "the file changed"})
	}
	return probes, nil
}

// remedy says what usually keeps user namespaces away, and what helps.
func remedy() string {
	setting := func(name string) string {
		b, _ := os.ReadFile("/proc/sys/" + strings.ReplaceAll(name, ".", "/"))
		return strings.TrimSpace(string(b))
	}
	switch {
	case setting("user.max_user_namespaces") == "0":
		return "This system allows no user namespaces. Allow some: sudo sysctl -w user.max_user_namespaces=15000 (and in /etc/sysctl.d to keep it)."
	case setting("kernel.unprivileged_userns_clone") == "0":
		return "This system allows user namespaces to root only. Allow them: sudo sysctl -w kernel.unprivileged_userns_clone=1 (and in /etc/sysctl.d to keep it)."
	case setting("kernel.apparmor_restrict_unprivileged_userns") == "1":
		return "AppArmor lets only programs with a profile make user namespaces here. OpenVibez's package brings one; without the package: " +
			"openvibez sandbox apparmor | sudo tee /etc/apparmor.d/openvibez-sandbox && sudo apparmor_parser -r /etc/apparmor.d/openvibez-sandbox"
	}
	return "In a container, allow it to make user namespaces and to mount /proc (docker: --security-opt seccomp=unconfined --security-opt systempaths=unconfined)."
}
