package textcalls

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func TestCallsComeBackAsTheyWere(t *testing.T) {
	for _, arguments := range []string{`{}`, `{"a":"ü\u00e9😀 \"q\" <b>","n":[1.0,{"x":null}]}`} {
		written := callLine(&providerv1.ToolCall{Name: "lo\"ok", ArgumentsJson: arguments})
		want := fmt.Sprintf("[lo\"ok %s]", arguments)
		if got := tell(&Filter{}, written); got != want {
			t.Errorf("%q came to %q, want %q", written, got, want)
		}
	}
	for arguments, want := range map[string]string{"": `"arguments":{}`, "{broken": `"arguments":"{broken"`} {
		if got := callLine(&providerv1.ToolCall{Name: "a", ArgumentsJson: arguments}); !strings.Contains(got, want) {
			t.Errorf("%q became %q", arguments, got)
		}
	}
}

func TestToolsInWords(t *testing.T) {
	got := Tools([]*providerv1.Tool{
		{Name: "look", Description: "Looks at things.", ParametersSchema: "{\n  \"type\": \"object\"\n}"}, {Name: "wait"},
	})
	for _, want := range append(slices.Clone(words), "## look\n\nLooks at things.\n", `{"type":"object"}`, "## wait\n") {
		if !strings.Contains(got, want) {
			t.Errorf("the model is not told %q:\n%s", want, got)
		}
	}
}
