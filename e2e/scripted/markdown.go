package main

import (
	"fmt"
	"strings"
)

// markdown KB PIECES: an answer of so many kilobytes with everything Markdown has, in pieces of 4 bytes of which so many
// come in a millisecond.
func markdown(s *script, words string) error {
	var text strings.Builder
	for i := 0; text.Len() < number(words, 0)*1000; i++ {
		fmt.Fprintf(&text, "## Part %d\n\nEvery part has **some words**, a [link](https://example.com/%d) and `code`. ", i, i)
		text.WriteString(strings.Repeat("The rest goes on as prose does, over a line or two of the window. ", 4))
		fmt.Fprintf(&text, "\n\n- one\n- *two*, which is longer than one\n  - three\n\n```go\nfunc part%d(x int) error {\n\tif x > %d {\n\t\treturn fmt.Errorf(\"too big: %%d\", x)\n\t}\n\treturn nil\n}\n```\n\n", i, i)
		fmt.Fprintf(&text, "| name | value |\n|---|---|\n| part | %d |\n| square | %d |\n\n> A word to remember.\n\n", i, i*i)
	}
	rest := text.String()
	for n := 0; rest != ""; n++ {
		piece := rest[:min(4, len(rest))]
		rest = rest[len(piece):]
		s.stream.Text(piece)
		if every := number(words, 1); every > 0 && n%every == every-1 {
			if err := s.sleep(1); err != nil {
				return err
			}
		}
	}
	return nil
}
