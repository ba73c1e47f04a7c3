package plugin

import (
	"errors"
	"io"
	"strings"
	"testing"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// A model that was told a key says it in pieces; nothing of what a turn brings repeats it.
func TestTurnsDoNotRepeatKeys(t *testing.T) {
	const key = "key-0123456789"
	m := newManager(t, map[string]string{"K": key}, "scripted")
	who := &apiv1.Provider{Id: "p1", Plugin: "scripted", BaseUrl: "http://127.0.0.1:9", KeySource: "env:K"}
	turn, err := run(t.Context(), m, who, userSays(strings.Join([]string{
		"pieces it is key-01|23456789 and key-0", "notice of " + key, "action cat " + key, "plan a|" + key,
		`tool look {"k":"` + key + `"}`, "pieces more key-",
	}, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	defer turn.Close()
	var text, all strings.Builder
	for {
		e, err := turn.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString(e.GetText())
		all.WriteString(e.String() + "\n")
	}
	if got, want := text.String(), "it is [key removed] and key-0more key-"; got != want {
		t.Errorf("the answer is %q, want %q", got, want)
	}
	if got := all.String(); strings.Contains(got, key) || strings.Count(got, "[key removed]") != 5 || strings.Index(got, "key-0") > strings.Index(got, "of [key") {
		t.Errorf("events:\n%s", got)
	}
}
