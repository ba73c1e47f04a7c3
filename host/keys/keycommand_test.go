package keys

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func TestKeyComesFromACommand(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs a Unix shell")
	}
	m := newRing(nil)
	d := &providerv1.DescribeResponse{
		Id: "acme", Name: "Acme", DefaultBaseUrl: "https://api.acme.example", Key: &providerv1.KeyScheme{Header: "x-api-key", Url: "https://acme.example/keys"},
	}
	key := func(line string) (string, error) {
		return m.Key(t.Context(), Owner{Provider: &apiv1.Provider{KeySource: SourceCommand + line}, Plugin: d, Origin: "https://api.acme.example:443"})
	}
	count := filepath.Join(t.TempDir(), "count")
	line := fmt.Sprintf("echo run >> '%s'; echo; printf '  sk-1 \\nsecond line\\n'; echo words >&2", count)
	for range 3 {
		if k, err := key(line); err != nil || k != "sk-1" {
			t.Errorf("got %q, %v", k, err)
		}
	}
	if runs, _ := os.ReadFile(count); string(runs) != "run\n" {
		t.Errorf("it ran %q times, want once", runs)
	}
	// A test of the provider asks anew.
	m.commands.forget(line)
	if _, err := key(line); err != nil {
		t.Error(err)
	}
	if runs, _ := os.ReadFile(count); string(runs) != "run\nrun\n" {
		t.Errorf("it ran %q times, want twice", runs)
	}
	kept := m.commands
	m.commands = newCommands(watchdog, 0)
	for range 2 {
		_, _ = key(line)
	}
	if runs, _ := os.ReadFile(count); strings.Count(string(runs), "run") != 4 {
		t.Errorf("an old key was used: it ran %q times, want four", runs)
	}
	m.commands = kept

	for line, words := range map[string]string{
		"echo one >&2; echo 'not signed in' >&2; exit 3": "prints the key of Acme failed (exit status 3): not signed in. Try it in a terminal",
		"no-such-program-here":                           "failed (exit status 127)",
		"true":                                           "printed nothing",
		"printf 'sk-\\001'":                              "printed something with a line break",
		"head -c 9000 /dev/zero | tr '\\0' k":            "too large for a key (9000 bytes",
		"echo 'bad token sk-abcdefghijkl' >&2; exit 1":   "bad token  [removed]",
	} {
		_, err := key(line)
		wantError(t, err, providerv1.ErrorCode_ERROR_CODE_AUTH, words, "https://acme.example/keys")
	}
	if k, err := key("echo sk-2; sleep 60 & true"); err != nil || k != "sk-2" {
		t.Errorf("with something left in the background: %q, %v", k, err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := m.Key(ctx, Owner{Provider: &apiv1.Provider{KeySource: SourceCommand + "sleep 0.2; echo sk-3"}, Plugin: d})
	wantError(t, err, providerv1.ErrorCode_ERROR_CODE_CANCELLED)
}

func TestSlowCommandIsEndedWithAllItStarted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs a Unix shell")
	}
	file := filepath.Join(t.TempDir(), "still")
	c := newCommands(200*time.Millisecond, time.Minute)
	_, err := c.key(t.Context(), fmt.Sprintf("(sleep 3; echo here > '%s') & sleep 60", file))
	if err == nil || !strings.Contains(err.Error(), "did not end within 200ms; it may be waiting for a password") {
		t.Errorf("got %v", err)
	}
	time.Sleep(4 * time.Second)
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Error("what the command started lives on")
	}
}
