package setting

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
)

// May says in words what a value may be.
func (s Setting) May() string {
	switch {
	case s.Allowed != "":
		return s.Allowed
	case s.Kind == Switch:
		return "true or false"
	case s.Kind == Choice:
		return `"` + strings.Join(s.Choices, `" or "`) + `"`
	}
	return "JSON"
}

// Otherwise says in words what holds where nothing is set.
func (s Setting) Otherwise() string {
	if s.DefaultWords != "" {
		return s.DefaultWords
	}
	return strings.Trim(s.Default, `"`)
}

// Fits tells whether a value can be obeyed; "" is the default, which always can.
func Fits(key, valueJSON string) bool {
	if valueJSON == "" {
		return true
	}
	s, known := Find(key)
	if !known {
		return true
	}
	switch s.Kind {
	case Switch:
		return valueJSON == "true" || valueJSON == "false"
	case Choice:
		var word string
		return json.Unmarshal([]byte(valueJSON), &word) == nil && slices.Contains(s.Choices, word)
	case Whole, Number:
		var n *float64
		if json.Unmarshal([]byte(valueJSON), &n) != nil || n == nil || *n < s.Least || *n > s.Most {
			return false
		}
		return s.Kind == Number || *n == math.Trunc(*n)
	}
	if s.Key == Titles {
		var named struct{ Provider string }
		return valueJSON == "false" || json.Unmarshal([]byte(valueJSON), &named) == nil && named.Provider != ""
	}
	return true
}

// obeyed is the value of a key, or its default where that can't be obeyed.
func obeyed[T any](key, valueJSON string) (value T) {
	if valueJSON == "" || !Fits(key, valueJSON) {
		s, _ := Find(key)
		valueJSON = s.Default
	}
	_ = json.Unmarshal([]byte(valueJSON), &value) // the zero value where there is no default either
	return value
}

// On is what a Switch stands for.
func On(key, valueJSON string) bool { return obeyed[bool](key, valueJSON) }

// Amount is what a Whole or a Number stands for.
func Amount(key, valueJSON string) float64 { return obeyed[float64](key, valueJSON) }

// Word is what a Choice stands for.
func Word(key, valueJSON string) string { return obeyed[string](key, valueJSON) }
