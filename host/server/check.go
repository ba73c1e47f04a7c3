package server

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"connectrpc.com/connect"
)

const maxNameRunes = 200

// checkID refuses what can't be the id, or the beginning of the id, of anything.
func checkID(what, id string) error {
	if id == "" {
		return refuse(connect.CodeInvalidArgument, "no %s is named", what)
	}
	if len(id) > 128 || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r == unicode.ReplacementChar || r > unicode.MaxASCII }) {
		return refuse(connect.CodeInvalidArgument, "%.40q can't be the id of a %s: ids are letters and digits", id, what)
	}
	return nil
}

// checkText bounds what a person writes.
func checkText(what, text string) error {
	if len(text) > maxTextBytes {
		return refuse(connect.CodeInvalidArgument, "the %s has %.1f MB; the most that is accepted is %d MB",
			what, float64(len(text))/(1<<20), maxTextBytes>>20)
	}
	return nil
}

// checkName bounds what things are called; empty is fine.
func checkName(what, name string) error {
	if n := utf8.RuneCountInString(name); n > maxNameRunes {
		return refuse(connect.CodeInvalidArgument, "the %s has %d characters; the most is %d", what, n, maxNameRunes)
	}
	if strings.ContainsFunc(name, unicode.IsControl) {
		return refuse(connect.CodeInvalidArgument, "the %s may not hold line breaks or other control characters", what)
	}
	return nil
}

// checkObject refuses what is neither empty nor a JSON object.
func checkObject(what, text string) error {
	var object map[string]any
	if text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), &object); err != nil || object == nil {
		return refuse(connect.CodeInvalidArgument, `the %s must be a JSON object such as {"name": "value"}`, what)
	}
	return nil
}

var settingKey = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,63}$`)
