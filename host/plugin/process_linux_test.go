package plugin

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/sandbox"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// actAsHost runs a plugin that has a child, says their numbers, and waits to be killed.
func actAsHost(dir string) {
	s := sandbox.New(sandbox.Config{Helper: os.Getenv("PROVIDER_TEST_HELPER"), RuntimeDir: dir, CacheDir: dir, Logger: slog.New(slog.DiscardHandler)})
	m := New(Config{PluginDirs: []string{dir}, RuntimeDir: dir, Logger: slog.New(slog.DiscardHandler), Sandbox: s, Getenv: os.Getenv})
	script := "child\nhang-hard"
	if os.Getenv("PROVIDER_TEST_HELPER") != "" {
		script = "say here\nhang-hard"
	}
	turn, err := run(context.Background(), m, &apiv1.Provider{Plugin: "scripted"}, userSays(script))
	if err != nil {
		fmt.Println(err)
		return
	}
	e, err := turn.Recv()
	fmt.Println("plugin", pidOf(m, "scripted"), strings.TrimSpace(e.GetText()), err)
	time.Sleep(watchdog)
}

// alive tells whether a process is there and no zombie.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(after, "Z") && !strings.HasPrefix(after, "X")
}

// inside gives the number of the plugin that a helper stands for.
func inside(t *testing.T, helper int) int {
	t.Helper()
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", helper, helper))
	if err != nil {
		t.Fatal(err)
	}
	var child int
	if _, err := fmt.Sscan(string(children), &child); err != nil {
		return helper
	}
	return child
}

// startHost starts a host with a plugin under way, and gives what it says.
func startHost(t *testing.T, helper string) (*exec.Cmd, string) {
	t.Helper()
	dir := shortDir(t)
	install(t, dir, "scripted")
	host := exec.Command(os.Args[0])
	host.Env = append(os.Environ(), "PROVIDER_TEST_HOST="+dir, "PROVIDER_TEST_HELPER="+helper)
	out, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	return host, line
}

func TestEverythingDiesWithAKilledHost(t *testing.T) {
	for range 5 {
		host, line := startHost(t, "")
		var plugin, child int
		if n, _ := fmt.Sscanf(line, "plugin %d child %d", &plugin, &child); n != 2 {
			t.Fatalf("host said %q", line)
		}
		if !alive(plugin) || !alive(child) {
			t.Fatal("plugin or its child is not there")
		}
		if err := host.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = host.Wait()
		eventually(t, "end of plugin and child", func() bool { return !alive(plugin) && !alive(child) })
	}
}

func TestConfinedPluginDiesWithAKilledHost(t *testing.T) {
	for range 5 {
		host, line := startHost(t, helperPath)
		var helper int
		if n, _ := fmt.Sscanf(line, "plugin %d here", &helper); n != 1 {
			t.Fatalf("host said %q", line)
		}
		plugin := inside(t, helper)
		if !alive(plugin) || !alive(helper) {
			t.Fatal("plugin or its helper is not there")
		}
		if err := host.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = host.Wait()
		eventually(t, "end of plugin and helper", func() bool { return !alive(plugin) && !alive(helper) })
	}
}

func TestChildDiesWithItsPlugin(t *testing.T) {
	m := newManager(t, nil, "scripted")
	m.sandbox = sandbox.New(sandbox.Config{}) // only there can it have one
	a := say(t, m, "scripted", "child\nkill")
	var child int
	if n, _ := fmt.Sscanf(a.text, "child %d", &child); n != 1 {
		t.Fatalf("got %q", a.text)
	}
	eventually(t, "end of the child", func() bool { return !alive(child) })
}

func TestSilentPluginIsEnded(t *testing.T) {
	m := newManager(t, nil, "scripted")
	m.timing.ping, m.timing.pingReply = 20*time.Millisecond, 20*time.Millisecond
	turn, err := run(t.Context(), m, &apiv1.Provider{Plugin: "scripted"}, userSays("say begun\nhang"))
	if err != nil {
		t.Fatal(err)
	}
	if e, err := turn.Recv(); err != nil || e.GetText() == "" {
		t.Fatalf("got %v, %v", e, err)
	}
	if err := syscall.Kill(inside(t, int(pidOf(m, "scripted"))), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	wantWords(t, take(t, turn).err, providerv1.ErrorCode_ERROR_CODE_PLUGIN, "it did not answer any more and was ended", "what came so far is kept")
	m.timing.pingReply = 5 * time.Second
	if a := say(t, m, "scripted", "say again"); a.text != "again\n" {
		t.Errorf("got %q, %v", a.text, a.err)
	}
}
