package sandbox

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/openvibez/openvibez/host/policy"
)

// programs is where the helper and the test's own programs are built.
var programs string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if programs = os.Getenv("SANDBOX_TEST_PROGRAMS"); programs != "" {
		if dir := os.Getenv("SANDBOX_TEST_HOST"); dir != "" {
			return actAsHost(dir)
		}
		return m.Run()
	}
	dir, err := os.MkdirTemp("/tmp", "ovsb")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	programs = dir
	for name, pkg := range map[string]string{"openvibez-sandbox": "./helper", "probe": "./testdata/probe"} {
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(dir, name), pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build %s: %v\n%s", pkg, err, out)
			return 1
		}
	}
	return m.Run()
}

// TestAsAnOrdinaryUser repeats the tests of boxes as somebody without any rights.
func TestAsAnOrdinaryUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("the tests run as an ordinary user already")
	}
	program, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	// Where go test puts it nobody else may look.
	mine := filepath.Join(programs, "sandbox.test")
	if err := os.WriteFile(mine, program, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), mine, "-test.run=^Test(Report|Run|Plugin|Program|Box)", "-test.v", "-test.timeout=5m")
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "SANDBOX_TEST_PROGRAMS=" + programs}
	// A session bus serves only who has a name.
	const nobody = 65534
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	passed := strings.Count(string(out), "--- PASS")
	if passed < 10 {
		t.Fatalf("only %d tests ran\n%s", passed, out)
	}
	t.Logf("%d passed", passed)
}

// actAsHost runs a command that leaves a daemon behind, and waits to be killed.
func actAsHost(dir string) int {
	s := New(Config{Helper: filepath.Join(programs, "openvibez-sandbox"), CacheDir: filepath.Join(dir, "cache"), RuntimeDir: filepath.Join(dir, "run")})
	root := filepath.Join(dir, "home", "work")
	g, err := policy.Chosen("./probe daemon ticks; ./probe tick more", root, root, policy.ProfileWork, nil)
	if err != nil {
		return 1
	}
	_, err = s.Run(context.Background(), g, Options{Started: func(pid int) { fmt.Println("started", pid) }})
	fmt.Println("ended", err)
	return 1
}

// place is a person's machine in small: a home, a workspace in it, a sandbox.
type place struct {
	t       testing.TB
	home    string
	root    string
	sandbox *Sandbox
}

func newPlace(t testing.TB) *place {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "ovp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p := &place{t: t, home: filepath.Join(dir, "home"), root: filepath.Join(dir, "home", "work")}
	if err := os.MkdirAll(p.root, 0o700); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"HOME": p.home, "PATH": os.Getenv("PATH"), "USER": "tester"}
	p.sandbox = New(Config{
		Helper: filepath.Join(programs, "openvibez-sandbox"), CacheDir: filepath.Join(dir, "cache"), RuntimeDir: filepath.Join(dir, "run"),
		Logger: slog.New(slog.DiscardHandler), Getenv: func(name string) string { return env[name] },
	})
	t.Cleanup(func() { _ = p.sandbox.Close() })
	return p
}

// write makes a file below the home.
func (p *place) write(name, text string) string {
	p.t.Helper()
	path := filepath.Join(p.home, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
	return path
}

// probe puts the probe program into the workspace.
func (p *place) probe() string {
	p.t.Helper()
	program, err := os.ReadFile(filepath.Join(programs, "probe"))
	if err != nil {
		p.t.Fatal(err)
	}
	path := filepath.Join(p.root, "probe")
	if err := os.WriteFile(path, program, 0o755); err != nil {
		p.t.Fatal(err)
	}
	return path
}

// run runs a command in a profile, as if a person had said yes to it.
func (p *place) run(profile policy.Profile, command string, o Options) Result {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 5*time.Minute)
	defer cancel()
	r, err := p.try(ctx, profile, command, o)
	if err != nil {
		p.t.Fatalf("%s: %v", command, err)
	}
	return r
}

func (p *place) try(ctx context.Context, profile policy.Profile, command string, o Options) (Result, error) {
	p.t.Helper()
	g, err := policy.Chosen(command, p.root, p.root, profile, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.sandbox.Run(ctx, g, o)
}
