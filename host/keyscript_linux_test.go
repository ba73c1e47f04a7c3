package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/openvibez/openvibez/e2e/keyringtest"
)

// TestKeyScript runs testdata/keys/*.txtar: the built program, each time with a real keyring on a bus of its own.
func TestKeyScript(t *testing.T) {
	bin := build(t)
	files, err := filepath.Glob(filepath.Join("testdata", "keys", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { keyScript(t, bin, file) })
	}
}

func keyScript(t *testing.T, bin, file string) {
	bus := keyringtest.Unlocked(t)
	// Tells who comes with which key.
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refuse" {
			w.WriteHeader(http.StatusUnauthorized)
		}
		key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		account := r.Header.Get("X-Scripted-Account")
		_, _ = fmt.Fprintf(w, "%d bytes of key ending in %.4s, account of %d ending in %.4s", len(key), key[max(0, len(key)-4):], len(account), account[max(0, len(account)-4):])
	}))
	t.Cleanup(upstream.Close)
	testscript.Run(t, testscript.Params{
		Files: []string{file},
		Setup: func(env *testscript.Env) error {
			// Not below $WORK: its path would be too long for sockets.
			home, err := os.MkdirTemp("/tmp", "ovt")
			if err != nil {
				return err
			}
			env.Vars = append(env.Vars, "OPENVIBEZ_HOME="+home, "OLLAMA_HOST=127.0.0.1:9", "DBUS_SESSION_BUS_ADDRESS="+bus.Address,
				"UPSTREAM="+upstream.URL, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
			env.Defer(func() {
				cmd := exec.Command(filepath.Join(bin, "openvibez"), "stop")
				cmd.Env = env.Vars
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("stop: %v\n%s", err, out)
				}
				// Whatever the script did: no key is in any file of the host.
				_ = filepath.WalkDir(home, func(path string, d os.DirEntry, err error) error {
					if err == nil && d.Type().IsRegular() {
						if text, err := os.ReadFile(path); err == nil && strings.Contains(string(text), "sk-test") {
							t.Errorf("a key is in %s", path)
						}
					}
					return nil
				})
				os.RemoveAll(home)
			})
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
			"lock":  func(*testscript.TestScript, bool, []string) { bus.Lock() },
			// holds KEY... demands that the keyring holds these keys and no others.
			"holds": func(ts *testscript.TestScript, _ bool, want []string) {
				got := bus.Items()
				for _, key := range want {
					found := false
					for _, k := range got {
						found = found || k == key
					}
					if !found {
						ts.Fatalf("the keyring has no %s", key)
					}
				}
				if len(got) != len(want) {
					ts.Fatalf("the keyring has %d keys, want %d", len(got), len(want))
				}
			},
		},
	})
}
