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

`
	want = strings.ReplaceAll(strings.ReplaceAll(want, "~", "`"), "≈", "~")
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
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
