package sdk

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// SecretSetting is a setting that a plugin never sees: the host keeps it in the system's keychain and adds it to requests.
type SecretSetting struct {
	// Name is its property's in the schema, Title what people call it.
	Name, Title string
	// Header it travels in, in requests to the base URL's origin alone.
	Header string
}

// secretKeywords are all that the schema of a secret may hold: a value that nobody but the host sees is checked by nobody.
var secretKeywords = []string{"type", "title", "description", "writeOnly", "format", "x-openvibez-header"}

// SecretSettings lists the secrets among a plugin's settings, by name. A property of the schema is one if it is marked
// with writeOnly or the format password. The error says which is wrong and how it should be.
func SecretSettings(d *providerv1.DescribeResponse) ([]SecretSetting, error) {
	// Most have none, and this is asked at each turn.
	if !slices.ContainsFunc([]string{"writeOnly", "password", `\u`}, func(mark string) bool { return strings.Contains(d.GetSettingsSchema(), mark) }) {
		return nil, nil
	}
	var schema map[string]any
	if err := json.Unmarshal([]byte(d.SettingsSchema), &schema); err != nil {
		return nil, fmt.Errorf("is no JSON Schema of an object: %w", err)
	}
	properties, _ := schema["properties"].(map[string]any)
	var secrets []SecretSetting
	taken := map[string]string{http.CanonicalHeaderKey(d.GetKey().GetHeader()): "the key"}
	if also := d.GetKey().GetAlso(); also != "" {
		taken[http.CanonicalHeaderKey(also)] = "the key"
	}
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		p, _ := properties[name].(map[string]any)
		if !markedSecret(p) {
			continue
		}
		for _, keyword := range slices.Sorted(maps.Keys(p)) {
			if !slices.Contains(secretKeywords, keyword) {
				return nil, fmt.Errorf("has the secret %q with %q; a secret takes only %s", name, keyword, strings.Join(secretKeywords, ", "))
			}
		}
		s := SecretSetting{Name: name, Title: name}
		if title, ok := p["title"].(string); ok && title != "" {
			s.Title = title
		}
		s.Header, _ = p["x-openvibez-header"].(string)
		header := http.CanonicalHeaderKey(s.Header)
		switch other, used := taken[header]; {
		case p["type"] != "string":
			return nil, fmt.Errorf(`has the secret %q, which is no text; write "type": "string"`, name)
		case !manifestHeader.MatchString(s.Header):
			return nil, fmt.Errorf(`has the secret %q, which the plugin never sees; say which header the host adds it in, such as "x-openvibez-header": "X-Account-Token"`, name)
		case used:
			return nil, fmt.Errorf("has the secret %q in the header %s, which %s travels in", name, header, other)
		}
		taken[header] = fmt.Sprintf("%q", name)
		secrets = append(secrets, s)
		delete(properties, name)
	}
	if holdsSecret(schema) {
		return nil, fmt.Errorf("has a secret that is no property of its own; only those directly below \"properties\" can be secrets")
	}
	return secrets, nil
}

func markedSecret(p map[string]any) bool { return p["writeOnly"] == true || p["format"] == "password" }

// holdsSecret looks for a secret at any depth.
func holdsSecret(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		if markedSecret(v) {
			return true
		}
		for _, inner := range v {
			if holdsSecret(inner) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, holdsSecret)
	}
	return false
}
