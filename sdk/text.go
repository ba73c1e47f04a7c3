package sdk

import (
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const replacement = "\uFFFD"

// unfinished is how many bytes at the end of b begin a rune that is not whole yet. Never more than three.
func unfinished(b []byte) int {
	for i := 1; i <= min(len(b), utf8.UTFMax); i++ {
		tail := b[len(b)-i:]
		if !utf8.RuneStart(tail[0]) {
			continue
		}
		if utf8.FullRune(tail) {
			return 0
		}
		return i
	}
	return 0
}

// cut is s without what is beyond n bytes, at the border of a rune.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n-unfinished([]byte(s[:n]))] + "…"
}

// validUTF8 is m, or a copy of it with U+FFFD in place of what is not text: a protocol buffer with other strings cannot
// be sent at all.
func validUTF8[M proto.Message](m M) M {
	if validStrings(m.ProtoReflect(), false) {
		return m
	}
	fixed := proto.Clone(m)
	validStrings(fixed.ProtoReflect(), true)
	return fixed.(M)
}

// validStrings reports whether all strings in m are valid; with fix it makes them so.
func validStrings(m protoreflect.Message, fix bool) bool {
	valid := true
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap():
			valid = validMap(f, v.Map(), fix) && valid
		case f.Kind() == protoreflect.StringKind && f.IsList():
			list := v.List()
			for i := range list.Len() {
				if s := list.Get(i).String(); !utf8.ValidString(s) {
					valid = false
					if fix {
						list.Set(i, protoreflect.ValueOfString(strings.ToValidUTF8(s, replacement)))
					}
				}
			}
		case f.Kind() == protoreflect.StringKind:
			if s := v.String(); !utf8.ValidString(s) {
				valid = false
				if fix {
					m.Set(f, protoreflect.ValueOfString(strings.ToValidUTF8(s, replacement)))
				}
			}
		case f.Kind() == protoreflect.MessageKind && f.IsList():
			for i := range v.List().Len() {
				valid = validStrings(v.List().Get(i).Message(), fix) && valid
			}
		case f.Kind() == protoreflect.MessageKind:
			valid = validStrings(v.Message(), fix) && valid
		}
		return valid || fix
	})
	return valid
}

// validMap does the same for a map's values. A key that is no text can't be kept: its entry goes.
func validMap(f protoreflect.FieldDescriptor, m protoreflect.Map, fix bool) bool {
	valid := true
	m.Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		switch {
		case f.MapKey().Kind() == protoreflect.StringKind && !utf8.ValidString(k.String()):
			if valid = false; fix {
				m.Clear(k)
			}
		case f.MapValue().Kind() == protoreflect.MessageKind:
			valid = validStrings(v.Message(), fix) && valid
		case f.MapValue().Kind() == protoreflect.StringKind && !utf8.ValidString(v.String()):
			if valid = false; fix {
				m.Set(k, protoreflect.ValueOfString(strings.ToValidUTF8(v.String(), replacement)))
			}
		}
		return valid || fix
	})
	return valid
}
