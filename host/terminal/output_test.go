package terminal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// printed is what an output passes on.
func printed(t *testing.T, terminal bool, print func(o *Output)) string {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	o := NewOutput(f, os.Getenv)
	o.Style = Style{Terminal: terminal, Colour: terminal}
	print(o)
	if o.Failed != nil {
		t.Fatal(o.Failed)
	}
	text, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const nasty = "a\x1b]52;c;eA==\x07b\u009b2Jc\u202ed\x9be"

func TestTextOfOthersDoesNotSteerATerminal(t *testing.T) {
	const harmless = `a\x1b]52;c;eA==\ab\u009b2Jc\u202ed\x9be`
	for name, print := range map[string]func(o *Output){
		"Printf of a string": func(o *Output) { o.Printf("%s", nasty) },
		"Printf of an error": func(o *Output) { o.Printf("%v", errors.New(nasty)) },
		"Print of a slice":   func(o *Output) { o.Printf("%s", []string{nasty}) },
		"Println":            func(o *Output) { o.Println(nasty) },
		"Write":              func(o *Output) { _, _ = o.Write([]byte(nasty)) },
		"a colour":           func(o *Output) { o.Println(o.Red(nasty)) },
		"a table":            func(o *Output) { Table(o, [][]string{{"HEAD"}, {nasty}}) },
	} {
		if got := printed(t, true, print); !strings.Contains(got, harmless) {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := printed(t, false, func(o *Output) { _, _ = o.Write([]byte(nasty)) }); got != nasty {
		t.Errorf("a pipe got %q", got)
	}
}

func TestColoursAreOurs(t *testing.T) {
	got := printed(t, true, func(o *Output) { o.Printf("%s %-5s|%q\n", o.Red("!!"), "a", "b") })
	if want := "\x1b[31m!!\x1b[0m a    |\"b\"\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := printed(t, false, func(o *Output) { o.Print(o.Red("!!")) }); got != "!!" {
		t.Errorf("a pipe got %q", got)
	}
}

func TestNumbersAreNumbersInJSON(t *testing.T) {
	got := printed(t, true, func(o *Output) {
		if err := PrintJSON(o, &apiv1.Change{Row: &apiv1.Change_Run{Run: &apiv1.Run{Id: "1234", CreatedMs: 1 << 40, Status: "\x7f\u202e<&>"}}}); err != nil {
			t.Error(err)
		}
	})
	for _, want := range []string{`"createdMs":1099511627776`, `"id":"1234"`, `"status":"\u007f\u202e<&>"`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s has no %s", got, want)
		}
	}
}
