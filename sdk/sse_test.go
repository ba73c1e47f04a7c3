package sdk

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func eventsOf(t *testing.T, r io.Reader) (list []string, err error) {
	t.Helper()
	for data, wrong := range Events(r) {
		if wrong != nil {
			return list, wrong
		}
		list = append(list, string(data))
	}
	return list, nil
}

func TestEvents(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"plain":           {"data: a\n\ndata: b\n\n", []string{"a", "b"}},
		"no space":        {"data:a\n\n", []string{"a"}},
		"two spaces":      {"data:  a\n\n", []string{" a"}},
		"carriage return": {"event: x\r\ndata: a\r\n\r\n", []string{"a"}},
		"several lines":   {"data: a\ndata: b\n\n", []string{"a\nb"}},
		"other fields":    {": hello\nid: 1\nretry: 5\n\ndata: a\nevent: x\n\n", []string{"a"}},
		"a mark at first": {"\xef\xbb\xbfdata: a\n\n", []string{"a"}},
		"no last line":    {"data: a\n\ndata: b", []string{"a", "b"}},
		"empty data":      {"data:\n\ndata: a\n\n", []string{"", "a"}},
		"nothing":         {"", nil},
		"no events":       {"<html>\n\n</html>\n", nil},
		"long":            {"data: " + strings.Repeat("x", 100_000) + "\n\n", []string{strings.Repeat("x", 100_000)}},
	} {
		for how, r := range map[string]io.Reader{
			"whole": strings.NewReader(c.text), "byte by byte": iotest.OneByteReader(strings.NewReader(c.text)), "with its end": iotest.DataErrReader(strings.NewReader(c.text)),
		} {
			if got, err := eventsOf(t, r); err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%s, %s: got %.80q, %v", name, how, got, err)
			}
		}
	}
	var typed *Error
	got, err := eventsOf(t, io.MultiReader(strings.NewReader("data: a\n\ndata: b\n"), iotest.ErrReader(io.ErrUnexpectedEOF)))
	if !slices.Equal(got, []string{"a", "b"}) || !errors.As(err, &typed) || typed.Code() != providerv1.ErrorCode_ERROR_CODE_CUT {
		t.Errorf("cut off: %q, %v", got, err)
	}
	_, err = eventsOf(t, io.LimitReader(endless{}, 2*maxEvent))
	if !errors.As(err, &typed) || typed.Code() != providerv1.ErrorCode_ERROR_CODE_PROVIDER || !strings.Contains(typed.Error(), "larger than 32 MiB") {
		t.Errorf("without end: %v", err)
	}
	for range Events(strings.NewReader("data: a\n\ndata: b\n\n")) {
		break
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func BenchmarkEvents(b *testing.B) {
	text := strings.Repeat("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word \"}}]}\n\n", 20_000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		n := 0
		for range Events(strings.NewReader(text)) {
			n++
		}
		if n != 20_000 {
			b.Fatal(n)
		}
	}
}
