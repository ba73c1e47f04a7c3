package sdk

import (
	"testing"
	"unicode/utf8"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func TestValidUTF8InMaps(t *testing.T) {
	names := map[string]string{"a": "fine", "b": "not \xff", "\xfe": "gone"}
	got := validUTF8(&providerv1.DescribeResponse{OptionNames: names}).OptionNames
	if len(got) != 2 || got["a"] != "fine" || !utf8.ValidString(got["b"]) {
		t.Errorf("%q", got)
	}
	if names["b"] != "not \xff" {
		t.Error("what was given was changed")
	}
}
