package main

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
	"github.com/openvibez/openvibez/sdk/sdktest"
)

func TestContract(t *testing.T) {
	for _, model := range []string{"demo", "demo-thinker"} {
		t.Run(model, func(t *testing.T) {
			sdktest.Run(t, sdktest.Config{Provider: demo{pause: time.Millisecond}, Model: model})
		})
	}
}

// TestMain makes the test binary the plugin: at its own pace when started by hand, faster when a test drives it.
func TestMain(m *testing.M) {
	if os.Getenv("DEMO_BY_HAND") != "" {
		main()
		return
	}
	if h := sdk.Handshake(); os.Getenv(h.MagicCookieKey) == h.MagicCookieValue {
		sdk.Serve(demo{pause: time.Millisecond})
		return
	}
	os.Exit(m.Run())
}

// TestContractAsProgram runs the plugin as the host does.
func TestContractAsProgram(t *testing.T) {
	env := []string{"GORACE=atexit_sleep_ms=0"} // the race detector waits a second at every exit
	sdktest.Run(t, sdktest.Config{Command: []string{os.Args[0]}, Env: env, Prompts: []string{"Hello!"}})
}

func TestByHand(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{"DEMO_BY_HAND=1"}
	out, err := cmd.CombinedOutput()
	if err == nil || cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("started by hand, the plugin exits with %v, want status 1", err)
	}
	for _, want := range []string{`plugin "Demo"`, "openvibez provider add demo"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("started by hand, the plugin does not say %q:\n%s", want, out)
		}
	}
}

func TestTour(t *testing.T) {
	if !strings.Contains(tour, "canned") || !strings.Contains(tour, "{{words}}") || strings.Count(tour, "```") != 2 {
		t.Error("the tour must say that it is canned, repeat the person's words, and show one block of code")
	}
}

func TestLastWords(t *testing.T) {
	say := func(role providerv1.Role, text string) *providerv1.Message {
		return &providerv1.Message{Role: role, Parts: []*providerv1.Part{{Part: &providerv1.Part_Text{Text: text}}}}
	}
	got := lastWords([]*providerv1.Message{
		say(providerv1.Role_ROLE_USER, "first"), say(providerv1.Role_ROLE_ASSISTANT, "answer"), say(providerv1.Role_ROLE_USER, "last"),
	})
	if got != "last" {
		t.Errorf("lastWords = %q, want %q", got, "last")
	}
}

func TestCancelWhileSpeaking(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	said := 0
	err := demo{pause: time.Hour}.say(ctx, "one two three", func(string) { said++; cancel() })
	if err == nil || said != 1 {
		t.Errorf("said %d words after the cancel (%v), want 1", said, err)
	}
}
