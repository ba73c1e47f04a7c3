package plugin

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/openvibez/openvibez/sdk"
)

// ownNames are those of the plugins that OpenVibez makes, here or in another version: nobody else's may have one, or show
// itself under one.
var ownNames = []string{"OpenVibez", "Demo", "OpenAI", "Codex", "ChatGPT", "Ollama", "Anthropic", "Claude", "Gemini", "ACP"}

// nameTaken refuses a package that calls itself as a plugin of OpenVibez does.
func (m *Manager) nameTaken(manifest *sdk.Manifest) error {
	taken := map[string]string{}
	for _, name := range ownNames {
		taken[skeleton(name)] = name
	}
	for _, f := range m.find() {
		if f.builtIn {
			taken[skeleton(f.id)] = f.id
		}
	}
	for _, name := range []string{manifest.ID, manifest.Name} {
		if known, is := taken[skeleton(name)]; is {
			return fmt.Errorf("it calls itself %s, which only a plugin that comes with OpenVibez may (%s): its author has to choose another name", name, known)
		}
	}
	return nil
}

// alike are letters and digits that people take for others.
var alike = strings.NewReplacer("0", "o", "1", "l", "i", "l", "5", "s", "rn", "m",
	"а", "a", "е", "e", "о", "o", "р", "p", "с", "c", "х", "x", "у", "y", "і", "l", "ӏ", "l", "ԁ", "d", "ɡ", "g", "ο", "o", "α", "a", "ν", "v", "ι", "l")

// skeleton is what is left of a name for the eye: names that look the same have the same one.
func skeleton(name string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(name)) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			b.WriteRune(r)
		}
	}
	return alike.Replace(b.String())
}
