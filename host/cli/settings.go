package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/client"
	"github.com/openvibez/openvibez/host/terminal"
)

// field is one of a plugin's settings, as its schema describes it.
type field struct {
	Type        settingType       `json:"type"`
	Title       string            `json:"title"`
	Description string            `json:"description"`
	Enum        []json.RawMessage `json:"enum"`
	Default     json.RawMessage   `json:"default"`
	Minimum     *json.Number      `json:"minimum"`
	Maximum     *json.Number      `json:"maximum"`
	WriteOnly   bool              `json:"writeOnly"`
	Format      string            `json:"format"`
}

// secret tells whether the value goes to the keychain: it is never on a command line, which others can see.
func (s field) secret() bool { return s.WriteOnly || s.Format == "password" }

// settingType is what a value may be: a schema writes one name or a list of them.
type settingType []string

func (t *settingType) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*t = settingType{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(t))
}

func settingsOf(schema string) (map[string]field, error) {
	var s struct {
		Properties map[string]field `json:"properties"`
	}
	if schema == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(schema), &s); err != nil {
		return nil, fmt.Errorf("read the plugin's settings: %w", err)
	}
	return s.Properties, nil
}

// value reads what a person typed as what the schema wants. What does not fit is left to the host, which has the words.
func (s field) value(text string) json.RawMessage {
	kept, _ := json.Marshal(text)
	for _, t := range s.Type {
		switch t {
		case "string":
			return kept
		case "integer", "number":
			if _, err := strconv.ParseFloat(text, 64); err == nil && json.Valid([]byte(text)) {
				return json.RawMessage(text)
			}
		case "boolean":
			switch strings.ToLower(text) {
			case "true", "yes", "on", "1":
				return json.RawMessage("true")
			case "false", "no", "off", "0":
				return json.RawMessage("false")
			}
		default:
			if json.Valid([]byte(text)) {
				return json.RawMessage(text)
			}
		}
	}
	if len(s.Type) == 0 && json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	return kept
}

// bounds says in a few words what a value may be.
func (s field) bounds() string {
	if s.secret() {
		return "a secret, kept in the keychain"
	}
	var words []string
	for _, t := range s.Type {
		word, known := map[string]string{"string": "text", "integer": "whole number", "boolean": "true or false", "array": "JSON list", "object": "JSON object"}[t]
		if !known {
			word = t
		}
		words = append(words, word)
	}
	what := strings.Join(words, " or ")
	if len(s.Enum) > 0 {
		words = nil
		for _, v := range s.Enum {
			words = append(words, bare(v))
		}
		what = strings.Join(words, ", ")
	}
	if s.Minimum != nil {
		what += ", at least " + s.Minimum.String()
	}
	if s.Maximum != nil {
		what += ", at most " + s.Maximum.String()
	}
	return what
}

// bare is a JSON value as a person types it.
func bare(v json.RawMessage) string {
	var text string
	if json.Unmarshal(v, &text) == nil {
		return text
	}
	return string(v)
}

// merge sets what is given as name=value in settings, a JSON object or "". Nothing behind the = takes a setting away. A
// secret is given by its name alone, and asked for.
func merge(t *terminal.Terminal, cmd *cobra.Command, settings, schema string, given []string) (string, error) {
	known, err := settingsOf(schema)
	if err != nil {
		return "", err
	}
	values := map[string]json.RawMessage{}
	if settings != "" {
		if err := json.Unmarshal([]byte(settings), &values); err != nil || values == nil {
			return "", terminal.Misused(cmd, "the settings must be a JSON object such as {\"name\": \"value\"}")
		}
	}
	for name, v := range values {
		if known[name].secret() && bare(v) != apiv1.KeyInKeychain {
			return "", secretGiven(cmd, name)
		}
	}
	for _, g := range given {
		name, text, ok := strings.Cut(g, "=")
		name = strings.TrimSpace(name)
		secret := known[name].secret()
		switch {
		case secret && !ok:
			if values[name], err = askSecret(t, cmd, name, known[name]); err != nil {
				return "", err
			}
			continue
		case secret && text != "":
			return "", secretGiven(cmd, name)
		case !ok || name == "":
			return "", terminal.Misused(cmd, "%q is no setting: write name=value, as `openvibez provider settings` shows them", g)
		}
		if text == "" {
			delete(values, name)
			continue
		}
		values[name] = known[name].value(text)
	}
	if len(values) == 0 {
		return "", nil
	}
	merged, err := json.Marshal(values)
	return string(merged), err
}

func secretGiven(cmd *cobra.Command, name string) error {
	return terminal.Misused(cmd, "the setting %s is a secret, and others can see command lines: write its name alone, and it is asked for or read from standard input", name)
}

// askSecret has a person enter a secret setting, or reads it where there is no terminal.
func askSecret(t *terminal.Terminal, cmd *cobra.Command, name string, s field) (json.RawMessage, error) {
	var secret string
	if t.Interactive() {
		var err error
		if secret, err = t.AskHidden(orTitle(s.Title, name), ""); err != nil {
			return nil, err
		}
		secret = strings.TrimSpace(secret)
	} else {
		text, err := io.ReadAll(io.LimitReader(t.In, 64<<10))
		if err != nil {
			return nil, fmt.Errorf("read the setting %s from standard input: %w", name, err)
		}
		secret = strings.TrimSpace(string(text))
	}
	if secret == "" {
		return nil, terminal.Fail(terminal.Cancelled, fmt.Errorf("nothing was entered for the setting %s", name))
	}
	return json.Marshal(secret)
}

func providerSet(t *terminal.Terminal) *cobra.Command {
	var name, url string
	var untested bool
	cmd := &cobra.Command{
		Use:   "set PROVIDER [NAME=VALUE|NAME...]",
		Short: "Change a provider's settings, name or address, and test it",
		Long: `Changes settings, which openvibez provider settings PROVIDER lists; nothing behind the = takes one back to
what the plugin chooses. A secret is given by its name alone, and asked for; it goes to the keychain. With
another address, the key in the keychain has to be entered again: it was meant for the old one.`,
		Example: `  openvibez provider set ollama num_ctx=8192 temperature=0.2
  openvibez provider set ollama temperature=
  openvibez provider set openai --url https://llm.example.com/v1`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return terminal.Misused(cmd, "%s needs a provider's name or id", terminal.NameOf(cmd))
			}
			if len(args) == 1 && !cmd.Flags().Changed("url") && !cmd.Flags().Changed("name") {
				return terminal.Misused(cmd, "nothing is to be changed: write name=value, --url or --name")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			c, err := client.Ensure(ctx, t.Getenv)
			if err != nil {
				return err
			}
			p, d, err := configured(ctx, t, c, args[0])
			if err != nil {
				return err
			}
			req := &apiv1.UpdateProviderRequest{Id: p.Id}
			if len(args) > 1 {
				settings, err := merge(t, cmd, p.SettingsJson, d.GetSettingsSchema(), args[1:])
				if err != nil {
					return err
				}
				req.SettingsJson = &settings
			}
			if cmd.Flags().Changed("url") {
				req.BaseUrl = &url
			}
			if cmd.Flags().Changed("name") {
				req.Name = &name
			}
			if _, err := c.Providers.UpdateProvider(ctx, req); err != nil {
				return err
			}
			return testSaved(ctx, t, c, p.Id, untested)
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "what to call it")
	cmd.Flags().StringVar(&url, "url", "", `address of the server; "" goes back to the plugin's`)
	cmd.Flags().BoolVar(&untested, "no-test", false, "don't test the connection")
	return cmd
}

func providerSettings(t *terminal.Terminal) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "settings PLUGIN|PROVIDER",
		Short: "List what can be set, with what it is now",
		Example: `  openvibez provider settings ollama
  openvibez provider settings ollama --json | jq .properties`,
		Args: terminal.Exactly("a plugin, or a provider's name or id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			c, err := client.Ensure(ctx, t.Getenv)
			if err != nil {
				return err
			}
			p, d, err := configured(ctx, t, c, args[0])
			if err != nil {
				plugin, listErr := described(ctx, t, c, args[0])
				if listErr != nil || plugin == nil {
					return fmt.Errorf("%w; nor is there a plugin of that name", err)
				}
				p, d = nil, plugin
			}
			if d == nil {
				return fmt.Errorf("the plugin %s can't be asked: openvibez doctor says why", p.Plugin)
			}
			if asJSON {
				schema := d.SettingsSchema
				if schema == "" {
					schema = "{}"
				}
				t.Out.Println(schema)
				return nil
			}
			fields, err := settingsOf(d.SettingsSchema)
			if err != nil {
				return err
			}
			if len(fields) == 0 {
				t.Err.Printf("%s has no settings.\n", d.Name)
				return nil
			}
			now := map[string]json.RawMessage{}
			if text := p.GetSettingsJson(); text != "" {
				if err := json.Unmarshal([]byte(text), &now); err != nil {
					return fmt.Errorf("read the settings of %s: %w", p.Name, err)
				}
			}
			for i, name := range slices.Sorted(maps.Keys(fields)) {
				f := fields[name]
				facts := []string{f.bounds()}
				if len(f.Default) > 0 {
					facts = append(facts, "default "+bare(f.Default))
				}
				if i > 0 {
					t.Out.Println()
				}
				line := terminal.Clean(name)
				switch v, set := now[name]; {
				case set && f.secret():
					line += " (entered)"
				case set:
					line += "=" + terminal.Clean(bare(v))
				}
				t.Out.Printf("%s  %s\n", t.Out.Bold(line), t.Out.Dim("("+terminal.Clean(strings.Join(facts, "; "))+")"))
				if words := orTitle(f.Description, f.Title); words != "" {
					t.Out.Println("  " + words)
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the JSON Schema of the settings")
	return cmd
}

func orTitle(description, title string) string {
	if description == "" {
		return title
	}
	return description
}
