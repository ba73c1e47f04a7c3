package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/openvibez/openvibez/host/client"
	"github.com/openvibez/openvibez/host/policy"
	"github.com/openvibez/openvibez/host/sandbox"
)

// TestScript runs testdata/script/*.txtar: the built program, a real host, real plugins.
func TestScript(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs a Unix shell and its signals")
	}
	bin := build(t)
	caches, err := exec.CommandContext(t.Context(), "go", "env", "GOMODCACHE", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	cache := strings.Fields(string(caches))
	level := sync.OnceValue(func() policy.Level { return wallsOf(t, bin) })
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			// Not below $WORK: its path would be too long for sockets.
			home, err := os.MkdirTemp("/tmp", "ovt")
			if err != nil {
				return err
			}
			// A port nobody serves keeps a developer's own Ollama out.
			env.Vars = append(env.Vars, "OPENVIBEZ_HOME="+home, "OLLAMA_HOST=127.0.0.1:9",
				"GOMODCACHE="+cache[0], "GOCACHE="+cache[1],
				"PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
			env.Defer(func() {
				cmd := exec.Command(filepath.Join(bin, "openvibez"), "stop")
				cmd.Env = env.Vars
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("stop: %v\n%s", err, out)
				}
				if log, err := os.ReadFile(filepath.Join(home, "log", "host.log")); err == nil && t.Failed() {
					t.Logf("log of the host:\n%s", log)
				}
				os.RemoveAll(home)
				os.RemoveAll(home + ".scratch")
			})
			return nil
		},
		// [sandbox] holds where plugins and commands are confined in full.
		Condition: func(name string) (bool, error) {
			if name != "sandbox" {
				return false, fmt.Errorf("no condition is called %s", name)
			}
			return level() == policy.LevelFull, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":    exits,
			"killhost": killHost,
			"until":    until,
		},
	})
}

// wallsOf tries the sandbox that is in bin.
func wallsOf(t *testing.T, bin string) policy.Level {
	dir, err := os.MkdirTemp("/tmp", "ovt")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	s := sandbox.New(sandbox.Config{
		Helper: filepath.Join(bin, "openvibez-sandbox"), CacheDir: dir, RuntimeDir: dir, Logger: slog.New(slog.DiscardHandler), Getenv: os.Getenv,
	})
	defer s.Close()
	return s.Report(t.Context()).Level
}

func build(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	for name, pkg := range map[string]string{
		"openvibez":                   ".",
		"openvibez-sandbox":           "../host/sandbox/helper",
		"openvibez-provider-demo":     "../sdk/example",
		"openvibez-provider-scripted": "../e2e/scripted",
	} {
		cmd := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(bin, name), pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", pkg, err, out)
		}
	}
	return bin
}

// exits CODE PROGRAM ARGS... demands that exit code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// killHost [TERM] ends the running host as a power cut would, or as init does.
func killHost(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Exec("openvibez", "status", "--json"))
	var status struct {
		PID int `json:"pid"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &status))
	p, err := os.FindProcess(status.PID)
	ts.Check(err)
	var signal os.Signal = os.Kill
	if len(args) > 0 {
		signal = syscall.SIGTERM
	}
	ts.Check(p.Signal(signal))
	for range 1000 {
		if !client.Alive(status.PID) {
			return
		}
		// A host that this test started itself stays until it is waited for.
		if state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", status.PID)); err == nil && regexp.MustCompile(`\) Z `).Match(state) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Fatalf("process %d is still there", status.PID)
}

// until REGEXP PROGRAM ARGS... repeats until standard output matches; the limit is only for a broken program.
func until(ts *testscript.TestScript, _ bool, args []string) {
	want := regexp.MustCompile(args[0])
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if err := ts.Exec(args[1], args[2:]...); err == nil && want.MatchString(ts.ReadFile("stdout")) {
			return
		}
	}
	ts.Fatalf("%q never came", args[0])
}
