package openaitest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// known refuses fields that the API does not have.
func known(w http.ResponseWriter, body map[string]any, fields map[string]bool) bool {
	for _, name := range slices.Sorted(maps.Keys(body)) {
		if !fields[name] {
			invalid(w, "unknown_parameter", name, fmt.Sprintf("Unknown parameter: '%s'.", name))
			return false
		}
	}
	return true
}

func checkModel(w http.ResponseWriter, body map[string]any) (string, bool) {
	model, _ := body["model"].(string)
	switch model {
	case Model, Plain, Chat:
		return model, true
	case "":
		invalid(w, "missing_required_parameter", "model", "Missing required parameter: 'model'.")
	default:
		refuse(w, http.StatusNotFound, apiError{Message: fmt.Sprintf("The model `%s` does not exist or you do not have access to it.", model), Type: "invalid_request_error", Code: "model_not_found"})
	}
	return model, false
}

func checkEffort(w http.ResponseWriter, model, param, effort string) bool {
	switch {
	case model == Plain:
		invalid(w, "unsupported_parameter", param, fmt.Sprintf("Unsupported parameter: '%s' is not supported with this model.", param))
	case !slices.Contains([]string{"low", "medium", "high"}, effort):
		invalid(w, "unsupported_value", param, fmt.Sprintf("Unsupported value: '%s' is not supported with the '%s' model. Supported values are: 'low', 'medium', and 'high'.", effort, model))
	default:
		return true
	}
	return false
}

// checkSchema refuses a strict schema that leaves anything open.
func checkSchema(w http.ResponseWriter, param string, spec map[string]any) bool {
	schema, _ := spec["schema"].(map[string]any)
	if schema == nil || schema["type"] != "object" {
		invalid(w, "invalid_function_parameters", param, "Invalid schema: schema must be a JSON Schema of 'type: \"object\"'.")
		return false
	}
	if spec["strict"] != true {
		return true
	}
	properties, _ := schema["properties"].(map[string]any)
	required, _ := schema["required"].([]any)
	if schema["additionalProperties"] != false || len(required) != len(properties) {
		invalid(w, "invalid_function_parameters", param, "Invalid schema: 'additionalProperties' is required to be supplied and to be false, and 'required' to include every key in properties.")
		return false
	}
	return true
}

// content reads a message's content: text, or a list of parts of either API.
func content(v any) (text string, images, files int) {
	if s, ok := v.(string); ok {
		return s, 0, 0
	}
	for _, part := range list(v) {
		switch part["type"] {
		case "text", "input_text", "output_text":
			text = join(text, fmt.Sprint(part["text"]))
		case "image_url", "input_image":
			images++
		case "file", "input_file":
			files++
		}
	}
	return text, images, files
}

// list gives the objects in a list.
func list(v any) []map[string]any {
	all, _ := v.([]any)
	var objects []map[string]any
	for _, each := range all {
		if o, ok := each.(map[string]any); ok {
			objects = append(objects, o)
		}
	}
	return objects
}

func join(a, b string) string {
	return strings.TrimSpace(a + "\n" + b)
}
