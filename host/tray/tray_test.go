package tray

import (
	"strings"
	"testing"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

func TestTrayLabel(t *testing.T) {
	for _, c := range []struct {
		title string
		state apiv1.RunState
		want  string
	}{
		{"Fix the parser", apiv1.RunState_RUN_STATE_RUNNING, "Cancel “Fix the parser”"},
		{"  two\nlines ", apiv1.RunState_RUN_STATE_QUEUED, "Cancel “two lines” (queued)"},
		{"", apiv1.RunState_RUN_STATE_WAITING_APPROVAL, "Cancel “New conversation” (asks you)"},
		{strings.Repeat("ä", 50), apiv1.RunState_RUN_STATE_RUNNING, "Cancel “" + strings.Repeat("ä", 39) + "…”"},
	} {
		if got := trayLabel(c.title, c.state); got != c.want {
			t.Errorf("%q: got %q, want %q", c.title, got, c.want)
		}
	}
}

func TestTrayTooltip(t *testing.T) {
	for want, runs := range map[string][]trayRun{
		"OpenVibez":                              nil,
		"OpenVibez: 1 active":                    {{}},
		"OpenVibez: 2 active, 1 waiting for you": {{}, {asks: true}},
		"OpenVibez: 1 waiting for you":           {{asks: true}},
	} {
		if got := trayTooltip(runs); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
