package terminal

import (
	"os/exec"
	"testing"
)

func TestAShellReadsAWordAsOne(t *testing.T) {
	for _, word := range []string{"plain", "/a/b-c_d", "Big machine", "it's", `"$HOME"`, "a\nb", "~", "", "*", "é 日本"} {
		out, err := exec.CommandContext(t.Context(), "bash", "-c", "printf %s "+ShellWord(word)).Output()
		if err != nil || string(out) != word {
			t.Errorf("%q is written %s and read %q: %v", word, ShellWord(word), out, err)
		}
	}
	if got := ShellWord("/a/b-c_d"); got != "/a/b-c_d" {
		t.Errorf("quoted without need: %s", got)
	}
}

func TestSizesInWords(t *testing.T) {
	for bytes, want := range map[int64]string{1: "1 kB", 14_600_000: "14.6 MB", 250_000_000: "250 MB", 2_019_393_189: "2.0 GB"} {
		if got := Size(bytes); got != want {
			t.Errorf("%d is %q, want %q", bytes, got, want)
		}
	}
}
