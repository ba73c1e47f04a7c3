package plugin

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// censor adds to list what may be shown of an event. A plugin never has a credential, but what it asks may repeat one: a
// provider, or a model that was told it.
func (t *Turn) censor(list []*providerv1.Event, e *providerv1.Event) []*providerv1.Event {
	if !t.call.grant.Secret() {
		return append(list, e)
	}
	switch body := e.Event.(type) {
	case *providerv1.Event_Text:
		list = t.rest(list, false, true)
		if body.Text = string(t.text.Next([]byte(body.Text))); body.Text != "" {
			list = append(list, e)
		}
		return list
	case *providerv1.Event_Thought:
		list = t.rest(list, true, false)
		if body.Thought = string(t.thought.Next([]byte(body.Thought))); body.Thought != "" {
			list = append(list, e)
		}
		return list
	}
	censorStrings(e.ProtoReflect(), t.call.grant.Censor)
	return append(t.rest(list, true, true), e)
}

// rest adds what was held back of the answer, or of the thoughts: something else has begun.
func (t *Turn) rest(list []*providerv1.Event, text, thought bool) []*providerv1.Event {
	if thought {
		if b := t.thought.Rest(); len(b) > 0 {
			list = append(list, &providerv1.Event{Event: &providerv1.Event_Thought{Thought: string(b)}})
		}
	}
	if text {
		if b := t.text.Rest(); len(b) > 0 {
			list = append(list, &providerv1.Event{Event: &providerv1.Event_Text{Text: string(b)}})
		}
	}
	return list
}

// censorStrings changes all texts of a message.
func censorStrings(m protoreflect.Message, censor func(string) string) {
	clean := func(v protoreflect.Value) (protoreflect.Value, bool) {
		text := censor(v.String())
		return protoreflect.ValueOfString(text), text != v.String()
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap():
			v.Map().Range(func(k protoreflect.MapKey, value protoreflect.Value) bool {
				if f.MapValue().Kind() == protoreflect.StringKind {
					if text, changed := clean(value); changed {
						v.Map().Set(k, text)
					}
				}
				return true
			})
		case f.IsList() && f.Kind() == protoreflect.StringKind:
			for i := range v.List().Len() {
				if text, changed := clean(v.List().Get(i)); changed {
					v.List().Set(i, text)
				}
			}
		case f.IsList() && f.Kind() == protoreflect.MessageKind:
			for i := range v.List().Len() {
				censorStrings(v.List().Get(i).Message(), censor)
			}
		case f.Kind() == protoreflect.StringKind:
			if text, changed := clean(v); changed {
				m.Set(f, text)
			}
		case f.Kind() == protoreflect.MessageKind && !f.IsList():
			censorStrings(v.Message(), censor)
		}
		return true
	})
}

// CensorMessage takes the keys that the call uses out of all texts of a message.
func (c *Call) CensorMessage(m proto.Message) {
	if c.grant.Secret() {
		censorStrings(m.ProtoReflect(), c.grant.Censor)
	}
}
