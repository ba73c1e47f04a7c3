package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

// TestContractAsProgram runs the plugin as the host does.
func TestContractAsProgram(t *testing.T) {
	program := build(t)
	sdktest.Run(t, sdktest.Config{Command: []string{program}, Prompts: []string{"Hello!"}})
}

func TestByHand(t *testing.T) {
	cmd := exec.Command(build(t))
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

func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "openvibez-provider-demo")
	cmd := exec.Command("go", "build", "-o", program, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the plugin: %v\n%s", err, out)
	}
	return program
}
