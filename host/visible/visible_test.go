package visible

import (
	"testing"
)

func TestWhatCantBeSeenIsShown(t *testing.T) {
	for text, want := range map[string]string{
		"rm -r 'é 日本' |\n\tsort":           "rm -r 'é 日本' |\n\tsort",
		"rm \u202e fr":                     `rm \u202e fr`,
		"a\x1b[2Kb\r":                      `a\x1b[2Kb\r`,
		"a\u3164b\u115f\u1160c\uffa0":      `a\u3164b\u115f\u1160c\uffa0`,
		"a\u2800b\u034fc\ufe0fd\u200be":    `a\u2800b\u034fc\ufe0fd\u200be`,
		"a\u00a0b\u2028c\U000e0041d\ufeff": `a\u00a0b\u2028c\U000e0041d\ufeff`,
	} {
		if got := Text(text); got != want {
			t.Errorf("%q is shown as %s", text, got)
		}
	}
}
