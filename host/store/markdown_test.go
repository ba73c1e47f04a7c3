package store

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

func TestExportMarkdown(t *testing.T) {
	s := fresh(t)
	session := rich(t, s)
	run := started(t, s, session, "and then")
	chunk(t, s, run.Id, "unfinished ~~~\n~~~ sh\necho")
	must[*apiv1.Run](t)(s.EndRun(t.Context(), run.Id, End{State: cancelled}))
	started(t, s, session, "last words")
	var b bytes.Buffer
	if err := s.ExportMarkdown(t.Context(), session, &b); err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d`).ReplaceAllString(b.String(), "TIME")
	got = strings.ReplaceAll(got, session, "ID")
	want := "# look ```go func x() {\n" + `
Session ID, begun TIME, exported from OpenVibez.

## System prompt

be brief

## You, TIME

look again

## You, TIME

and then

## m, TIME

unfinished ≈≈≈
≈≈≈ sh
echo
≈≈≈

*[cancelled]*

## You, TIME

last words

*[running]*

# Replaced versions

These were asked or answered anew; what stands above is the newest.

## You, TIME

look
~~~go
func x() {
~~~

- Attachment ~a.png~, image/png, 4 bytes

## m, TIME

> *Thought*
>
> hmm

text with ~~~~ in it

- [x] first

**run_shell**

~~~json
{}
~~~

~~~~
a
~~~
b
~~~~

**Changed** ~x.go~

~~~diff
-a
+b
~~~

*slow today*

> *Summary of what came before, for the model*
>
> what was said

**Asked:** may I?

~~~
go test
~~~

**Answered:** yes once (in a terminal)

*[failed: broke]*

`
	want = strings.ReplaceAll(strings.ReplaceAll(want, "~", "`"), "≈", "~")
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// Of each message the newest version stands where the first did, and what goes on from an answer stays with it.
func TestArranged(t *testing.T) {
	run := func(id, replaces, continues string) runRow {
		return runRow{ID: id, ReplacesRunID: replaces, ContinuesRunID: continues, State: int32(completed), StartedMS: 1}
	}
	never := run("never", "a", "")
	never.State, never.StartedMS = int32(cancelled), 0
	for name, c := range map[string]struct {
		runs            []runRow
		shown, replaced string
	}{
		"in order":       {[]runRow{run("a", "", ""), run("b", "", "")}, "a b", ""},
		"answered anew":  {[]runRow{run("a", "", ""), run("b", "", ""), run("a2", "a", ""), run("a3", "a2", "")}, "a3 b", "a a2"},
		"continued":      {[]runRow{run("a", "", ""), run("a+", "", "a"), run("b", "", ""), run("a2", "a", ""), run("a2+", "", "a2")}, "a2 a2+ b", "a a+"},
		"taken back":     {[]runRow{run("a", "", ""), never, run("b", "", "")}, "a b", "never"},
		"of a continued": {[]runRow{run("a", "", ""), run("a+", "", "a"), run("a2", "a+", "")}, "a2", "a a+"},
	} {
		shown, replaced := arranged(c.runs)
		if got := strings.Join(shown, " "); got != c.shown {
			t.Errorf("%s: shows %q", name, got)
		}
		if got := strings.Join(replaced, " "); got != c.replaced {
			t.Errorf("%s: replaced %q", name, got)
		}
	}
}

func TestOpenFence(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "",
		"plain":                   "",
		"```\nx":                  "```",
		"```\nx\n```":             "",
		"````\n```\nx\n```":       "````",
		"```go\nx\n``` go":        "```",
		"~~~\n```\n":              "~~~",
		"    ```\nindented":       "",
		"``` a`b\nno fence":       "",
		"  ```\r\nx\r\n  ```\r\n": "",
		"text\n```\na\n```\n```b": "```",
	} {
		if got := openFence(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
