package server

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"connectrpc.com/connect"

	"github.com/openvibez/openvibez/host/provider"
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

var (
	envName    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
	settingKey = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,63}$`)
)

// maxCommand is the longest command line that prints a key.
const maxCommand = 2000

// checkKeySource accepts the places a key can be in.
func checkKeySource(source string) error {
	if line, is := strings.CutPrefix(source, provider.SourceCommand); is {
		if strings.TrimSpace(line) == "" || len(line) > maxCommand || strings.ContainsFunc(line, unicode.IsControl) {
			return refuse(connect.CodeInvalidArgument, "the command that prints the key must be one line of at most %d bytes", maxCommand)
		}
		return nil
	}
	name, isEnv := strings.CutPrefix(source, provider.SourceEnv)
	if source == "" || source == provider.SourceKeychain || isEnv && envName.MatchString(name) {
		return nil
	}
	return refuse(connect.CodeInvalidArgument, "%.40q does not say where a key is: write env: and the name of an environment variable, as in env:OPENAI_API_KEY (never the key itself)", source)
}

// checkKey refuses a key and a place for it that contradict each other. had is where the key was until now.
func checkKey(source, had string, withKey bool) error {
	if withKey && source != "" && source != provider.SourceKeychain {
		return refuse(connect.CodeInvalidArgument, "a key goes into the keychain, and %.40q says that it is elsewhere: give one of the two", source)
	}
	if !withKey && source == provider.SourceKeychain && had != provider.SourceKeychain {
		return refuse(connect.CodeInvalidArgument, "there is no key of this provider in the keychain: give the key with it")
	}
	return nil
}
