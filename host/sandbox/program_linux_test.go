package sandbox

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/openvibez/openvibez/host/policy"
	"github.com/openvibez/openvibez/host/sandbox/box"
)

// executable is a file with the digest that it has.
func executable(t *testing.T, path string) Executable {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return Executable{Path: path, SHA256: sha256.Sum256(b)}
}

// talk is a conversation with the probe program, over its pipes.
type talk struct {
	t       *testing.T
	running *Running
	out     *bufio.Reader
}

func startTalk(t *testing.T, p *place, change func(*Program)) *talk {
	t.Helper()
	if level := p.sandbox.Report(t.Context()).Level; level != policy.LevelFull {
		t.Skipf("the sandbox is %s here; `openvibez doctor` says what it needs", level)
	}
	program := Program{Executable: executable(t, filepath.Join(programs, "probe")), Args: []string{"echo"}, Env: []string{"TOKEN=secret"}, Memory: 1 << 30, Processes: 64}
	if change != nil {
		change(&program)
	}
	r, err := p.sandbox.StartProgram(t.Context(), program)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Kill()
		<-r.Done()
		for _, f := range []*os.File{r.Stdin, r.Stdout, r.Stderr} {
			_ = f.Close()
		}
	})
	return &talk{t, r, bufio.NewReader(r.Stdout)}
}

func (s *talk) ask(words ...string) string {
	s.t.Helper()
	if _, err := fmt.Fprintln(s.running.Stdin, strings.Join(words, " ")); err != nil {
		s.t.Fatal(err)
	}
	answer, err := s.out.ReadString('\n')
	if err != nil {
		said, _ := io.ReadAll(s.running.Stderr)
		s.t.Fatalf("%v: %v; it ended: %s\n%s", words, err, s.running.End(), said)
	}
	return strings.TrimSpace(answer)
}

func TestProgramTouchesNothingElse(t *testing.T) {
	p := newPlace(t)
	secret := p.write(".ssh/id_rsa", "secret")
	tcp := p.serve("tcp", "127.0.0.1:0")
	given, shown := filepath.Join(filepath.Dir(p.home), "given"), filepath.Join(filepath.Dir(p.home), "shown")
	for _, dir := range []string{given, shown} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	companion := filepath.Join(filepath.Dir(p.home), "companion")
	if out, err := exec.Command("cp", filepath.Join(programs, "probe"), companion).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s := startTalk(t, p, func(o *Program) {
		o.Dirs, o.Shown = []string{given}, []string{shown}
		o.Companions = []Executable{executable(t, companion)}
	})
	for _, reached := range [][]string{
		{"write", "/tmp/made"},
		{"write", programHome + "/made"},
		{"write", given + "/made"},
		{"exec", ProgramDir + "/companion", "nothing"},
		{"exec", ProgramDir + "/probe", "nothing"},
		{"listen"},
		{"fork"},
	} {
		if got := s.ask(reached...); got != "reached" {
			t.Errorf("%v: %s", reached, got)
		}
	}
	pid := strconv.Itoa(os.Getpid())
	for _, held := range [][]string{
		{"read", secret},
		{"list", "/usr"},
		{"list", "/etc"},
		{"list", programWork},
		{"write", programWork + "/made"},
		{"write", shown + "/made"},
		{"write", "/made"},
		{"tcp", tcp},
		{"exec", "/bin/true"},
		{"memfd"},
		{"userns"},
		{"ptrace", pid},
		{"signal", pid},
		{"capabilities"},
		// Neither it nor the helper can be looked into by what it starts.
		{"exec", ProgramDir + "/companion", "parent", "environ"},
		{"exec", ProgramDir + "/companion", "parent", "mem"},
		{"exec", ProgramDir + "/companion", "parent", "exe"},
		{"memory-of", "1"},
		{"forge", "1"},
		{"read", ProgramDir + "/probe"},
		{"change", ProgramDir + "/probe"},
		{"rename", ProgramDir + "/probe", ProgramDir + "/other"},
	} {
		if got := s.ask(held...); !strings.HasPrefix(got, "held: ") || strings.Contains(got, "no probe") {
			t.Errorf("%v: %s", held, got)
		}
	}
	// Nor can it make something to execute, wherever it may write.
	for _, dir := range []string{"/tmp", programHome, given} {
		program, err := os.ReadFile(filepath.Join(programs, "probe"))
		if err != nil {
			t.Fatal(err)
		}
		if dir == given {
			if err := os.WriteFile(filepath.Join(given, "program"), program, 0o755); err != nil {
				t.Fatal(err)
			}
		} else if got := s.ask("copy", "/proc/self/exe", dir+"/program"); strings.HasPrefix(got, "held: ") {
			// It can't read itself, so it has nothing to copy.
			continue
		}
		if got := s.ask("exec", dir+"/program", "nothing"); !strings.HasPrefix(got, "held: ") {
			t.Errorf("a program in %s: %s", dir, got)
		}
	}
	if _, err := os.Stat(filepath.Join(given, "made")); err != nil {
		t.Errorf("what was handed in: %v", err)
	}
}

func TestProgramReachesTheHost(t *testing.T) {
	p := newPlace(t)
	s := startTalk(t, p, nil)
	came := make(chan string, 1)
	go func() {
		c, err := s.running.Bridge.Accept()
		if err != nil {
			came <- err.Error()
			return
		}
		b, _ := io.ReadAll(c)
		came <- string(b)
	}()
	if got := s.ask("bridge", "hello"); got != "reached" {
		t.Error(got)
	}
	if got := <-came; got != "hello" {
		t.Errorf("the host heard %q", got)
	}
	// It ends by itself when there is nothing more to read.
	if err := s.running.Stdin.Close(); err != nil {
		t.Fatal(err)
	}
	<-s.running.Done()
	if got := s.running.End(); got != "exit status 0" {
		t.Errorf("it ended with %q", got)
	}
	var closed net.Error
	if _, err := s.running.Bridge.Accept(); err == nil {
		t.Error("the bridge still stands")
	} else if !errors.As(err, &closed) {
		t.Error(err)
	}
}

func TestProgramWorksInAWorkspace(t *testing.T) {
	p := newPlace(t)
	p.write("work/file", "x")
	p.write("work/.git/config", "[core]\n")
	for _, write := range []bool{false, true} {
		s := startTalk(t, p, func(o *Program) { o.Workspace, o.Write = p.root, write })
		for words, reached := range map[string]bool{"read file": true, "write made": write, "write .git/config": false, "write .envrc": false} {
			if got := s.ask(strings.Fields(words)...); (got == "reached") != reached {
				t.Errorf("writable %t, %s: %s", write, words, got)
			}
		}
		s.running.Kill()
		<-s.running.Done()
	}
	eventually(t, "the end of what stood there for the moment", func() bool {
		left, err := filepath.Glob(filepath.Join(p.root, ".*"))
		return err == nil && len(left) == 1
	})
}

func TestProgramEndsWithItsCaller(t *testing.T) {
	p := newPlace(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	program := Program{Executable: executable(t, filepath.Join(programs, "probe")), Args: []string{"echo"}}
	r, err := p.sandbox.StartProgram(ctx, program)
	if err != nil {
		t.Skip(err)
	}
	cancel()
	select {
	case <-r.Done():
	case <-time.After(time.Minute):
		t.Fatal("it lives on")
	}
	if got := r.End(); got != "signal: killed" {
		t.Errorf("it ended with %q", got)
	}
	if _, err := io.ReadAll(r.Stdout); err != nil {
		t.Error(err)
	}
}

func TestProgramMustBeTheApprovedOne(t *testing.T) {
	p := newPlace(t)
	if level := p.sandbox.Report(t.Context()).Level; level != policy.LevelFull {
		t.Skipf("the sandbox is %s here; `openvibez doctor` says what it needs", level)
	}
	e := executable(t, filepath.Join(programs, "probe"))
	wrong := e
	wrong.SHA256[0]++
	for words, program := range map[string]Program{
		"is not the program that was approved": {Executable: wrong},
		"what its SHA-256 must be":             {Executable: Executable{Path: e.Path}},
		"two programs are called":              {Executable: e, Companions: []Executable{e}},
	} {
		if _, err := p.sandbox.StartProgram(t.Context(), program); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", words, err)
		}
	}
	// A copy that somebody has changed is made anew; one that changes after it was checked is not started.
	startTalk(t, p, nil)
	made, err := filepath.Glob(filepath.Join(p.sandbox.config.CacheDir, "programs", "*", "probe"))
	if err != nil || len(made) != 1 {
		t.Fatalf("copies: %v, %v", made, err)
	}
	if info, err := os.Stat(made[0]); err != nil || info.Mode().Perm() != unreadable {
		t.Errorf("the copy: %v, %v", info, err)
	}
	if err := os.Remove(made[0]); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(made[0], []byte("another"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got := startTalk(t, p, nil).ask("nothing"); got != "reached" {
		t.Error(got)
	}
	spec, err := p.sandbox.programBox(Program{Executable: e}, &placeholders{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(made[0], 0o555); err != nil {
		t.Fatal(err)
	}
	if err := p.startSpec(spec); err == nil || !strings.Contains(err.Error(), "not the file that was checked") {
		t.Errorf("changed late: %v", err)
	}
}

// startSpec starts what a spec says, to its end.
func (p *place) startSpec(spec *box.Spec) error {
	_, err := p.sandbox.carry(p.t.Context(), spec.Walls, func() (*box.Spec, error) { return spec, nil }, nil, Options{})
	return err
}

func TestProgramWithLibraries(t *testing.T) {
	p := newPlace(t)
	path, err := exec.LookPath("cat")
	if err != nil {
		t.Skip("needs cat")
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		t.Fatal(err)
	}
	program := Program{Executable: executable(t, path)}
	if _, err := p.sandbox.StartProgram(t.Context(), program); err == nil || !strings.Contains(err.Error(), "needs the system's libraries") {
		t.Skipf("%s is static: %v", path, err)
	}
	program.Libraries = true
	r, err := p.sandbox.StartProgram(t.Context(), program)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(r.Stdin, "through\n"); err != nil {
		t.Fatal(err)
	}
	_ = r.Stdin.Close()
	out, _ := io.ReadAll(r.Stdout)
	said, _ := io.ReadAll(r.Stderr)
	if <-r.Done(); string(out) != "through\n" || r.End() != "exit status 0" {
		t.Errorf("%q, %q, it ended with %s", out, said, r.End())
	}
}
