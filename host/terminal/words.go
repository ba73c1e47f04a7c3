package terminal

import (
	"fmt"
	"strconv"
	"time"

	"mvdan.cc/sh/v3/syntax"
)

// Size is a number of bytes in words.
func Size(bytes int64) string {
	switch {
	case bytes < 1e6:
		return fmt.Sprintf("%d kB", (bytes+999)/1000)
	case bytes < 1e8:
		return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
	case bytes < 1e9:
		return fmt.Sprintf("%.0f MB", float64(bytes)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(bytes)/1e9)
}

// ShellWord writes a word so that a shell reads it as one.
func ShellWord(word string) string {
	quoted, err := syntax.Quote(word, syntax.LangPOSIX)
	if err != nil {
		// What POSIX can't write, bash can, but for what no argument can have.
		if quoted, err = syntax.Quote(word, syntax.LangBash); err != nil {
			return strconv.Quote(word)
		}
	}
	return quoted
}

// Ago is how long it is since a time in Unix milliseconds, in one word.
func Ago(ms int64) string {
	d := time.Since(time.UnixMilli(ms))
	switch {
	case d < time.Minute:
		return "now"
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}
