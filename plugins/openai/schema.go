package main

import (
	"encoding/json"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// noParameters is the schema of a tool that takes none.
const noParameters = `{"type":"object","properties":{},"required":[],"additionalProperties":false}`

// toolSchema gives the schema of a tool's arguments, and whether the model can be held to it.
func toolSchema(t *providerv1.Tool) (schema json.RawMessage, strict bool, err error) {
	text := t.GetParametersSchema()
	if text == "" {
		text = noParameters
	}
	if !isObject([]byte(text)) {
		return nil, false, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST,
			"The tool %q does not say in JSON Schema what it takes. This is a mistake in the program that offers it.", t.GetName())
	}
	return json.RawMessage(text), t.GetStrict() && enforceable([]byte(text)), nil
}

// answerSchema gives the schema the answer must fit, nil for none.
func answerSchema(o *providerv1.Options) (schema json.RawMessage, strict bool, err error) {
	text := o.GetResponseSchema()
	if text == "" {
		return nil, false, nil
	}
	if !isObject([]byte(text)) {
		e := sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "The form asked of the answer is no JSON Schema. Give an object such as {\"type\": \"object\"}.")
		e.Proto.Parameter = "response_schema"
		return nil, false, e
	}
	return json.RawMessage(text), enforceable([]byte(text)), nil
}

// enforceable tells whether a schema is of the kind that OpenAI can hold a model to: every object says that it has no
// other properties than those it names, and needs all of them. A schema that is not would be refused as a strict one.
func enforceable(schema []byte) bool {
	var root any
	if json.Unmarshal(schema, &root) != nil {
		return false
	}
	object, ok := root.(map[string]any)
	return ok && object["type"] == "object" && closed(root)
}

func closed(node any) bool {
	switch node := node.(type) {
	case []any:
		for _, each := range node {
			if !closed(each) {
				return false
			}
		}
	case map[string]any:
		properties, has := node["properties"].(map[string]any)
		if (has || node["type"] == "object") && (node["additionalProperties"] != false || !needsAll(node["required"], properties)) {
			return false
		}
		for _, each := range properties {
			if !closed(each) {
				return false
			}
		}
		for _, name := range []string{"items", "anyOf", "$defs", "definitions"} {
			below := node[name]
			if named, ok := below.(map[string]any); ok && name != "items" {
				for _, each := range named {
					if !closed(each) {
						return false
					}
				}
				continue
			}
			if !closed(below) {
				return false
			}
		}
		for _, name := range []string{"allOf", "oneOf", "not", "if", "patternProperties"} {
			if _, has := node[name]; has {
				return false
			}
		}
	}
	return true
}

func needsAll(required any, properties map[string]any) bool {
	list, _ := required.([]any)
	named := map[string]bool{}
	for _, name := range list {
		if s, ok := name.(string); ok {
			named[s] = true
		}
	}
	for name := range properties {
		if !named[name] {
			return false
		}
	}
	return true
}

func isObject(text []byte) bool {
	var fields map[string]json.RawMessage
	return json.Unmarshal(text, &fields) == nil && fields != nil
}

// object keeps arguments that are a JSON object and wraps what is not.
func object(arguments string) string {
	switch {
	case arguments == "":
		return "{}"
	case isObject([]byte(arguments)):
		return arguments
	}
	wrapped, _ := json.Marshal(map[string]string{"input": arguments})
	return string(wrapped)
}
