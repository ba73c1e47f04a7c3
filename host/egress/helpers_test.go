package egress

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// watchdog ends a test that hangs; no test depends on it.
const watchdog = time.Minute

func wantError(t *testing.T, err error, code providerv1.ErrorCode, words ...string) {
	t.Helper()
	var e *sdk.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v is %T, want *sdk.Error", err, err)
	}
	if e.Proto.Code != code {
		t.Errorf("error %q has code %v, want %v", e.Proto.Message, e.Proto.Code, code)
	}
	for _, w := range words {
		if !strings.Contains(e.Proto.Message, w) {
			t.Errorf("error %q does not say %q", e.Proto.Message, w)
		}
	}
}

// eventually waits until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(watchdog); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not come true", what)
		}
	}
}

// shortDir makes a directory with a path short enough for sockets.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ovp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
