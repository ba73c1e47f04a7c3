package cli

import (
	"strings"
	"testing"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// Whatever a change can be, there are words for it.
func TestEveryChangeHasWords(t *testing.T) {
	rows := (&apiv1.Change{}).ProtoReflect().Descriptor().Oneofs().ByName("row").Fields()
	for i := range rows.Len() {
		change := &apiv1.Change{}
		change.ProtoReflect().Mutable(rows.Get(i))
		if words := changeWords(change); strings.HasPrefix(words, "something") {
			t.Errorf("%s: %s", rows.Get(i).Name(), words)
		}
	}
}
