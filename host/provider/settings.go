package provider

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// CheckSettings tells in words whether a provider's settings, a JSON object or "", are what its plugin takes. The setting
// that is wrong is the error's field.
func (m *Manager) CheckSettings(ctx context.Context, pluginID, settings string) error {
	d, err := m.plugins.Describe(ctx, pluginID)
	if err != nil {
		return err
	}
	return checkSettings(d.DescribeResponse, settings)
}

func checkSettings(d *providerv1.DescribeResponse, settings string) error {
	name := cmp.Or(d.Name, d.Id)
	wrong := func(field, format string, args ...any) error {
		return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, format, args...).Blaming(field)
	}
	if settings == "" {
		settings = "{}"
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(settings))
	object, is := value.(map[string]any)
	if err != nil || !is {
		return wrong("", `the settings of %s must be a JSON object such as {"name": "value"}`, name)
	}
	if d.SettingsSchema == "" {
		if len(object) > 0 {
			return wrong(slices.Sorted(maps.Keys(object))[0], "%s has no settings", name)
		}
		return nil
	}
	schema, err := compileSettings(d.SettingsSchema)
	if err != nil {
		return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_PLUGIN,
			"the %s plugin describes its settings wrongly: %w. Its author has to correct that", name, err)
	}
	err = schema.Validate(value)
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return err
	}
	var fields, words []string
	for _, leaf := range leaves(invalid) {
		field, said := settingWords(leaf, d.SettingsSchema)
		if !slices.Contains(words, said) {
			fields, words = append(fields, field), append(words, said)
		}
	}
	return wrong(fields[0], "the settings of %s are not right: %s", name, strings.Join(words, "; "))
}

// nowhere keeps a plugin's schema from having the host read files or fetch pages.
type nowhere struct{}

func (nowhere) Load(url string) (any, error) {
	return nil, fmt.Errorf("a schema of settings may not refer to %s", url)
}

func compileSettings(schema string) (*jsonschema.Schema, error) {
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(schema))
	if err != nil {
		return nil, fmt.Errorf("it is not JSON: %w", err)
	}
	const name = "openvibez:settings"
	c := jsonschema.NewCompiler()
	c.UseLoader(nowhere{})
	if err := c.AddResource(name, document); err != nil {
		return nil, err
	}
	return c.Compile(name)
}

// leaves gives the errors that say something by themselves.
func leaves(e *jsonschema.ValidationError) []*jsonschema.ValidationError {
	switch e.ErrorKind.(type) {
	case *kind.OneOf, *kind.AnyOf, *kind.Not:
		return []*jsonschema.ValidationError{e}
	}
	if len(e.Causes) == 0 {
		return []*jsonschema.ValidationError{e}
	}
	var all []*jsonschema.ValidationError
	for _, c := range e.Causes {
		all = append(all, leaves(c)...)
	}
	return all
}

// settingWords says what is wrong with which field.
func settingWords(e *jsonschema.ValidationError, schema string) (field, words string) {
	field = strings.Join(e.InstanceLocation, ".")
	subject := field
	if subject == "" {
		subject = "they"
	}
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		at := field
		if at != "" {
			at += "."
		}
		words = fmt.Sprintf("there is no setting %s", at+strings.Join(k.Properties, ", "+at))
		if known := settingNames(schema); field == "" && len(known) > 0 {
			words += "; there is " + strings.Join(known, ", ")
		}
		return at + k.Properties[0], words
	case *kind.Required:
		if field != "" {
			field += "."
		}
		return field + k.Missing[0], fmt.Sprintf("%s is missing", field+strings.Join(k.Missing, ", "+field))
	case *kind.Type:
		want := make([]string, len(k.Want))
		for i, w := range k.Want {
			want[i] = typeWords[w]
		}
		return field, fmt.Sprintf("%s must be %s", subject, strings.Join(want, " or "))
	case *kind.Enum:
		return field, fmt.Sprintf("%s must be one of %s", subject, strings.Join(plainValues(k.Want), ", "))
	case *kind.Const:
		return field, fmt.Sprintf("%s must be %s", subject, plainValues([]any{k.Want})[0])
	case *kind.Minimum:
		return field, fmt.Sprintf("%s must be at least %s", subject, k.Want.RatString())
	case *kind.Maximum:
		return field, fmt.Sprintf("%s must be at most %s", subject, k.Want.RatString())
	case *kind.ExclusiveMinimum:
		return field, fmt.Sprintf("%s must be more than %s", subject, k.Want.RatString())
	case *kind.ExclusiveMaximum:
		return field, fmt.Sprintf("%s must be less than %s", subject, k.Want.RatString())
	case *kind.MinLength:
		return field, fmt.Sprintf("%s must have at least %d characters", subject, k.Want)
	case *kind.MaxLength:
		return field, fmt.Sprintf("%s must have at most %d characters", subject, k.Want)
	case *kind.Pattern:
		return field, fmt.Sprintf("%s must look like %s", subject, k.Want)
	}
	return field, subject + ": " + e.ErrorKind.LocalizedString(message.NewPrinter(language.English))
}

var typeWords = map[string]string{
	"string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false",
	"array": "a list", "object": "an object", "null": "null",
}

// settingNames lists the settings that a schema names, by name.
func settingNames(schema string) []string {
	var s struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if json.Unmarshal([]byte(schema), &s) != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(s.Properties))
}

func plainValues(values []any) []string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = fmt.Sprint(v)
	}
	return words
}
