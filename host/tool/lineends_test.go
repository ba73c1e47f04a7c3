package tool

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whatever is edited, the file's lines go on ending as they did.
func TestLineEndsStay(t *testing.T) {
	for _, c := range []struct{ name, before, old, new, want string }{
		{"old text of several lines", "one\r\ntwo\r\nthree\r\n", "one\ntwo", "1\n2", "1\r\n2\r\nthree\r\n"},
		{"one line becomes two", "one\r\ntwo\r\nthree\r\n", "two", "two\nand more", "one\r\ntwo\r\nand more\r\nthree\r\n"},
		{"two lines become one", "one\r\ntwo\r\nthree\r\n", "one\ntwo\n", "1\n", "1\r\nthree\r\n"},
		{"the last line, without an end", "one\r\ntwo", "two", "2\n3\n", "one\r\n2\r\n3\r\n"},
		{"mixed", "a\r\nb\nc\r\n", "a\nb\nc", "x\ny\nz", "x\r\ny\nz\r\n"},
		{"mixed, with more lines", "a\r\nb\nc\r\n", "b\n", "x\ny\n", "a\r\nx\ny\nc\r\n"},
		{"a byte order mark", "\xef\xbb\xbfone\r\ntwo\r\n", "one\n", "1\n", "\xef\xbb\xbf1\r\ntwo\r\n"},
		{"bytes that are no UTF-8", "caf\xe9 = 1\nx = 2\n", "x = 2", "x = 3", "caf\xe9 = 1\nx = 3\n"},
		{"CRLF for a file of LF", "one\ntwo\n", "one", "1\r\n2", "1\n2\ntwo\n"},
		{"CRLF on both sides", "one\r\ntwo\r\n", "one\r\ntwo", "1\r\n2", "1\r\n2\r\n"},
		{"wanted otherwise", "one\r\ntwo\n", "one\r\n", "one\n", "one\ntwo\n"},
		{"no lines at all", "one", "one", "1\n2", "1\n2"},
		{"a lone carriage return", "a\rb\n", "b", "c\nd", "a\rc\nd\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := workspace(t, "f", c.before)
			want(t, do(t, root, EditFile, "path", "f", "old_text", c.old, "new_text", c.new), false, "changed")
			if got := get(t, root, "f"); got != c.want {
				t.Errorf("it is %q, want %q", got, c.want)
			}
		})
	}
	root := workspace(t, "all", "a\r\nb\r\na\n", "whole", "\xef\xbb\xbfone\r\ntwo\r\n", "own", "a\nb\n", "few", "a\nb\nc\r\n")
	want(t, do(t, root, EditFile, "path", "all", "old_text", "a", "new_text", "x\ny", "replace_all", true), false)
	want(t, do(t, root, EditFile, "path", "whole", "new_text", "1\n2\n3\n"), false)
	want(t, do(t, root, EditFile, "path", "own", "new_text", "1\r\n2\r\n"), false)
	want(t, do(t, root, EditFile, "path", "few", "new_text", "1\n2\n"), false)
	for name, content := range map[string]string{"all": "x\r\ny\r\nb\r\nx\ny\n", "whole": "\xef\xbb\xbf1\r\n2\r\n3\r\n", "own": "1\r\n2\r\n", "few": "1\n2\n"} {
		if got := get(t, root, name); got != content {
			t.Errorf("%s is %q, want %q", name, got, content)
		}
	}
	want(t, do(t, workspace(t, "f", "a\r\na\n"), EditFile, "path", "f", "old_text", "a\n", "new_text", "b\n"), true, "2 times")
	big := strings.Repeat("a\r\n", 1000)
	if after, err := flatten([]byte(big)).replace([]byte("a"), []byte("bb\nb"), true); err != nil || string(after) != strings.Repeat("bb\r\nb\r\n", 1000) {
		t.Errorf("%d bytes, %v", len(after), err)
	}
}

// A name that is not there as it is written is the one file that it can only mean.
func TestNamesMeant(t *testing.T) {
	const decomposed, composed = "cafe\u0301", "caf\u00e9"
	for _, c := range []struct{ disk, asked string }{
		{decomposed + ".txt", composed + ".txt"},
		{composed + ".txt", decomposed + ".txt"},
		{"Shot at 1.01\u202fAM.txt", "Shot at 1.01 AM.txt"},
		{"v\u00a013.txt", "v 13.txt"},
		{"Capture d\u2019ecran.txt", "Capture d'ecran.txt"},
		{decomposed + "/in\u00a0it/f.txt", composed + "/in it/f.txt"},
	} {
		root := workspace(t, c.disk, "content")
		want(t, do(t, root, ReadFile, "path", c.asked), false, "content")
		want(t, do(t, root, EditFile, "path", c.asked, "old_text", "content", "new_text", "other"), false, "changed")
		if got := get(t, root, c.disk); got != "other" {
			t.Errorf("%q is %q", c.disk, got)
		}
	}
	root := workspace(t, "a b.txt", "right", "a\u00a0b.txt", "wrong", "x\u00a0y", "1", "x\u2003y", "2")
	want(t, do(t, root, ReadFile, "path", "a b.txt"), false, "right")
	want(t, do(t, root, ReadFile, "path", "x y"), true, "no such file")
	want(t, do(t, root, EditFile, "path", "new file.txt", "new_text", "made"), false)
	if got := get(t, root, "new file.txt"); got != "made" {
		t.Errorf("a new file is %q", got)
	}
	// What it leads to decides, not what it is called.
	outside := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(root, "li\u00a0nk")); err != nil {
		t.Fatal(err)
	}
	c, err := prepare(root, ReadFile, "path", "li nk/f")
	if err != nil || c.Wants.Read == filepath.Join(root, "li\u00a0nk", "f") {
		t.Errorf("wants %q, %v", c.Wants.Read, err)
	}
}
