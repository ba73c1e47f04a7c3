package store

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// clean makes text fit to keep: bytes that are not UTF-8, and NUL, which SQLite's functions stop at, become U+FFFD, so
// that they are seen and not lost.
func clean(text string) string {
	if utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 {
		return text
	}
	var b strings.Builder
	b.Grow(len(text) + 16)
	// Ranging yields U+FFFD for each invalid byte.
	for _, r := range text {
		if r == 0 {
			r = utf8.RuneError
		}
		b.WriteRune(r)
	}
	return b.String()
}

// cleanMessage cleans every string of a message, in place.
func cleanMessage(m protoreflect.Message) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap():
		case f.IsList():
			list := v.List()
			for i := range list.Len() {
				switch f.Kind() {
				case protoreflect.StringKind:
					list.Set(i, protoreflect.ValueOfString(clean(list.Get(i).String())))
				case protoreflect.MessageKind:
					cleanMessage(list.Get(i).Message())
				}
			}
		case f.Kind() == protoreflect.StringKind:
			if text := v.String(); clean(text) != text {
				m.Set(f, protoreflect.ValueOfString(clean(text)))
			}
		case f.Kind() == protoreflect.MessageKind:
			cleanMessage(v.Message())
		}
		return true
	})
}

// message is a pointer to a generated struct.
type message[T any] interface {
	*T
	proto.Message
}

// format gives a message as protojson; "" for nil.
func format[T any, P message[T]](m P) (string, error) {
	if m == nil {
		return "", nil
	}
	return formatAny(m)
}

func formatAny(m proto.Message) (string, error) {
	c := proto.Clone(m)
	cleanMessage(c.ProtoReflect())
	text, err := protojson.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("write %s: %w", c.ProtoReflect().Descriptor().Name(), err)
	}
	return string(text), nil
}

// parse reads what format has written. A field that this version does not know is skipped.
func parse[T any, P message[T]](text string) (P, error) {
	if text == "" {
		return nil, nil
	}
	m := P(new(T))
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal([]byte(text), m); err != nil {
		return nil, fmt.Errorf("read %s: %w", m.ProtoReflect().Descriptor().Name(), err)
	}
	return m, nil
}

// Field numbers of the bodies in Entry, as kept in entries.kind.
const (
	kindUser       = 10
	kindText       = 11
	kindChunk      = 13
	kindToolCall   = 16
	kindToolOutput = 17
	kindDecision   = 19
	kindFileChange = 20
)

// bodyKind is the field number of the entry's body; 0 if it has none.
func bodyKind(e *apiv1.Entry) int {
	m := e.ProtoReflect()
	f := m.WhichOneof(m.Descriptor().Oneofs().ByName("body"))
	if f == nil {
		return 0
	}
	return int(f.Number())
}

// formatBody gives the body alone; the rest of an entry is in columns.
func formatBody(e *apiv1.Entry) (string, error) { return format(&apiv1.Entry{Body: e.Body}) }
