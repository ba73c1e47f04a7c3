package sdk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Manifest is a plugin's plugin.json: what it is and what it needs. A plugin written with this package embeds it and
// answers Describe from it, so that both always agree; the host refuses a plugin that says something else.
type Manifest struct {
	// ID has lower-case letters, digits and dashes; it is the plugin's name in commands.
	ID string `json:"id"`
	// Name is what people call it, Description one sentence for the list of providers.
	Name        string `json:"name"`
	Description string `json:"description"`
	Version     string `json:"version"`
	// Protocol is the version of the protocol it speaks.
	Protocol int `json:"protocol"`
	// Licence is an SPDX expression such as "MIT".
	Licence  string `json:"licence"`
	Homepage string `json:"homepage,omitempty"`
	// BaseURL is where its requests go if a person names no other; BaseURLEnv a variable that may name another.
	BaseURL    string `json:"base_url,omitempty"`
	BaseURLEnv string `json:"base_url_env,omitempty"`
	// Origins (scheme://host[:port]) it may reach besides the base URL's.
	Origins []string `json:"origins,omitempty"`
	// Key says how a key travels; nil: none is used.
	Key *ManifestKey `json:"key,omitempty"`
	// Program is one that the host runs for it.
	Program string `json:"program,omitempty"`
	// Canned answers are marked as such wherever they are shown.
	Canned bool `json:"canned,omitempty"`
	// ProbePath is where a server on people's own machines answers without a key: "/api/version".
	ProbePath string `json:"probe_path,omitempty"`
	// ContextSetting names the setting that says how many tokens a model takes.
	ContextSetting string `json:"context_setting,omitempty"`
	// OptionNames are the protocol's options by what the provider calls them: {"max_tokens": "max_output_tokens"}.
	OptionNames map[string]string `json:"option_names,omitempty"`
	// Settings is the JSON Schema (draft 2020-12) of its settings; see SecretSettings for those that are secrets.
	Settings json.RawMessage `json:"settings,omitempty"`

	// The rest is filled in when the plugin is packed.

	// Platforms names the program in the package for each "os/arch".
	Platforms map[string]string `json:"platforms,omitempty"`
	// Files lists everything in the package but this manifest and its signature.
	Files map[string]ManifestFile `json:"files,omitempty"`
	// SignedBy is the minisign public key that plugin.json.minisig was made with.
	SignedBy string `json:"signed_by,omitempty"`
}

// ManifestKey says how the host adds a key to requests.
type ManifestKey struct {
	// Header to set, and what goes before the key in it: "Authorization", "Bearer ".
	Header string `json:"header"`
	Prefix string `json:"prefix,omitempty"`
	// Env is the variable such keys are usually kept in.
	Env string `json:"env,omitempty"`
	// Optional: it works without a key too.
	Optional bool `json:"optional,omitempty"`
	// URL is where a person gets a key.
	URL string `json:"url,omitempty"`
	// Also is another header that carries the key alone.
	Also string `json:"also,omitempty"`
}

// ManifestFile is one file of a package.
type ManifestFile struct {
	// SHA256 is in hex, Size in bytes.
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

// ParseManifest reads a plugin.json. The error says which field is wrong and how it should be.
func ParseManifest(text []byte) (*Manifest, error) {
	m := &Manifest{}
	d := json.NewDecoder(bytes.NewReader(text))
	// What this version does not know may be something a person should be told of.
	d.DisallowUnknownFields()
	if err := d.Decode(m); err != nil {
		if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return nil, fmt.Errorf("plugin.json has the field %s, which this version does not know", field)
		}
		return nil, fmt.Errorf("plugin.json is not right: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("plugin.json has something behind its object")
	}
	return m, m.check()
}

var (
	manifestID      = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	manifestVersion = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+-]{0,63}$`)
	manifestHeader  = regexp.MustCompile(`^[A-Za-z0-9-]+$`)
)

func (m *Manifest) check() error {
	wrong := func(field, format string, args ...any) error {
		return fmt.Errorf("plugin.json: %s %w", field, fmt.Errorf(format, args...))
	}
	switch {
	case !manifestID.MatchString(m.ID) || len(m.ID) > 64:
		return wrong("id", "is %q; it takes lower-case letters, digits and single dashes", m.ID)
	case strings.TrimSpace(m.Name) == "" || len(m.Name) > 100:
		return wrong("name", "is empty or too long; write what people call the plugin")
	case strings.TrimSpace(m.Description) == "" || len(m.Description) > 500:
		return wrong("description", "is empty or too long; write one sentence")
	case !manifestVersion.MatchString(m.Version):
		return wrong("version", "is %q; write one like 1.2.0", m.Version)
	case m.Protocol < 1:
		return wrong("protocol", "is missing; this version speaks %d", ProtocolVersion)
	case strings.TrimSpace(m.Licence) == "" || len(m.Licence) > 200:
		return wrong("licence", "is missing; write one like MIT")
	case m.BaseURL != "" && (!isOrigin(m.BaseURL, true) || strings.HasSuffix(m.BaseURL, "/")):
		return wrong("base_url", "is %q; write one like https://api.example.com/v1, without a slash at the end", m.BaseURL)
	case m.Homepage != "" && !isOrigin(m.Homepage, true):
		return wrong("homepage", "is %q, which is no web address", m.Homepage)
	case m.Key != nil && !manifestHeader.MatchString(m.Key.Header):
		return wrong("key.header", "is %q; name the header the key travels in, such as Authorization", m.Key.Header)
	case m.Key != nil && m.Key.URL != "" && !isOrigin(m.Key.URL, true):
		return wrong("key.url", "is %q, which is no web address", m.Key.URL)
	case strings.ContainsFunc(m.Name+m.Description+m.Licence+m.Homepage, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return wrong("a text", "holds control characters; leave them out")
	}
	for _, o := range m.Origins {
		if !isOrigin(o, false) {
			return wrong("origins", "has %q; write scheme://host, such as https://files.example.com", o)
		}
	}
	if len(m.Settings) > 0 {
		if _, err := SecretSettings(m.Describe()); err != nil {
			return wrong("settings", "%w", err)
		}
	}
	return nil
}

// isOrigin tells whether s is an http or https address without user, query and fragment; with a path only where said.
func isOrigin(s string, path bool) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil &&
		(path || s == u.Scheme+"://"+u.Host) && (path || u.RawQuery == "" && u.Fragment == "")
}

// Describe is what the plugin has to answer to Describe, but for what the SDK adds.
func (m *Manifest) Describe() *providerv1.DescribeResponse {
	d := &providerv1.DescribeResponse{
		Id: m.ID, Name: m.Name, Description: m.Description, Version: m.Version,
		DefaultBaseUrl: m.BaseURL, BaseUrlEnv: m.BaseURLEnv, Origins: slices.Clone(m.Origins),
		Program: m.Program, Canned: m.Canned, SettingsSchema: compact(m.Settings),
		ProbePath: m.ProbePath, ContextSetting: m.ContextSetting, OptionNames: maps.Clone(m.OptionNames),
	}
	if k := m.Key; k != nil {
		d.Key = &providerv1.KeyScheme{Header: k.Header, Prefix: k.Prefix, Env: k.Env, Optional: k.Optional, Url: k.URL, Also: k.Also}
	}
	return d
}

func compact(text json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, text) != nil {
		return ""
	}
	return b.String()
}

// FromManifest answers Describe from a plugin's embedded plugin.json:
//
//	//go:embed plugin.json
//	var manifest []byte
//
//	func (acme) Describe() *providerv1.DescribeResponse { return sdk.FromManifest(manifest) }
//
// It panics, with words, if the manifest is not right; the first test finds that.
func FromManifest(text []byte) *providerv1.DescribeResponse {
	m, err := ParseManifest(text)
	if err != nil {
		panic(err.Error())
	}
	return m.Describe()
}
