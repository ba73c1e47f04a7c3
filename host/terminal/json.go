package terminal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// PrintJSON writes each message on a line of its own, as protojson has it but for two things: numbers are numbers,
// also those of 64 bits, and characters that would steer a terminal are escaped.
func PrintJSON[M proto.Message](out io.Writer, all ...M) error {
	for _, m := range all {
		text, err := protojson.Marshal(m)
		if err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		in := json.NewDecoder(bytes.NewReader(text))
		in.UseNumber()
		var line bytes.Buffer
		if err := plainJSON(&line, in, m.ProtoReflect().Descriptor(), nil); err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		line.WriteByte('\n')
		if _, err := out.Write(line.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// plainJSON copies one value, which is a message of a kind or the value of a field.
func plainJSON(out *bytes.Buffer, in *json.Decoder, message protoreflect.MessageDescriptor, field protoreflect.FieldDescriptor) error {
	token, err := in.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('['):
		out.WriteByte('[')
		for first := true; in.More(); first = false {
			if !first {
				out.WriteByte(',')
			}
			if err := plainJSON(out, in, message, field); err != nil {
				return err
			}
		}
		out.WriteByte(']')
		_, err = in.Token()
		return err
	case json.Delim('{'):
		out.WriteByte('{')
		for first := true; in.More(); first = false {
			if !first {
				out.WriteByte(',')
			}
			key, err := in.Token()
			if err != nil {
				return err
			}
			if err := jsonValue(out, key); err != nil {
				return err
			}
			out.WriteByte(':')
			of := field
			if field != nil && field.IsMap() {
				of = field.MapValue()
			} else if message != nil {
				of = message.Fields().ByJSONName(fmt.Sprint(key))
			}
			var inner protoreflect.MessageDescriptor
			if of != nil && !of.IsMap() {
				inner = of.Message()
			}
			if err := plainJSON(out, in, inner, of); err != nil {
				return err
			}
		}
		out.WriteByte('}')
		_, err = in.Token()
		return err
	}
	if text, is := token.(string); is && field != nil {
		switch field.Kind() {
		case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
			out.WriteString(text)
			return nil
		}
	}
	return jsonValue(out, token)
}

// jsonValue writes a value that holds no others.
func jsonValue(out *bytes.Buffer, value any) error {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return err
	}
	for _, r := range strings.TrimSuffix(b.String(), "\n") {
		if steers(r) {
			fmt.Fprintf(out, `\u%04x`, r)
		} else {
			out.WriteRune(r)
		}
	}
	return nil
}
