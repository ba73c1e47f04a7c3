package keys

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// KeptSecret stands in a provider's settings for a secret: it says where that is.
const KeptSecret = SourceKeychain

// Kept gives the names of the secret settings that are in the keychain.
func Kept(settings string, secrets []sdk.SecretSetting) []string {
	values, _ := objectOf(settings)
	var names []string
	for _, s := range secrets {
		if textOf(values[s.Name]) == KeptSecret {
			names = append(names, s.Name)
		}
	}
	return names
}

// WithoutSecrets is what a plugin sees of its provider's settings.
func WithoutSecrets(settings string, d *providerv1.DescribeResponse) string {
	secrets, err := sdk.SecretSettings(d)
	values, ok := objectOf(settings)
	if err != nil || !ok || len(secrets) == 0 {
		return settings
	}
	for _, s := range secrets {
		delete(values, s.Name)
	}
	return jsonOf(values)
}

// SaveSettings puts the secrets that are entered in a provider's settings into the system's keychain, bound to the origin
// that its requests go to, and gives the settings with KeptSecret in their place. KeptSecret itself leaves a secret as it
// is, if before, the settings until now, have it. undo puts back what the keychain held. Errors are for people.
func (r *Ring) SaveSettings(ctx context.Context, o Owner, before string) (settings string, undo func(), err error) {
	var undone []func()
	undo = func() {
		for _, u := range undone {
			u()
		}
	}
	defer func() {
		if err != nil {
			undo()
		}
	}()
	given := o.Provider.SettingsJson
	values, ok := objectOf(given)
	if !ok || len(values) == 0 {
		return given, undo, nil
	}
	secrets, err := sdk.SecretSettings(o.Plugin)
	if err != nil || len(secrets) == 0 {
		return given, undo, err
	}
	kept := Kept(before, secrets)
	for _, s := range secrets {
		secret := strings.TrimSpace(textOf(values[s.Name]))
		wrong := func(words string) error {
			return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "the setting %s of %s %s", s.Name, o.name(), words).Blaming(s.Name)
		}
		switch {
		case secret == "":
			delete(values, s.Name)
			continue
		case secret == KeptSecret && slices.Contains(kept, s.Name):
			continue
		case secret == KeptSecret:
			return "", undo, wrong("is not in the keychain: enter it")
		}
		if why := oddKey(secret); why != "" {
			return "", undo, wrong("is " + why + "; copy it again")
		}
		u, err := r.keep(ctx, o, s.Name, secret)
		if err != nil {
			return "", undo, err
		}
		undone = append(undone, u)
		values[s.Name], _ = json.Marshal(KeptSecret)
	}
	return jsonOf(values), undo, nil
}

// ForgetSettings removes a provider's secret settings from the keychain, but for those that after, its settings from now
// on, still has.
func (r *Ring) ForgetSettings(ctx context.Context, o Owner, after string) error {
	values, _ := objectOf(o.Provider.SettingsJson)
	now, _ := objectOf(after)
	var problems error
	for name, v := range values {
		if textOf(v) == KeptSecret && textOf(now[name]) != KeptSecret {
			problems = cmp.Or(problems, r.forget(ctx, o, name))
		}
	}
	return problems
}

// Setting fetches a secret setting from the keychain.
func (r *Ring) Setting(ctx context.Context, o Owner, s sdk.SecretSetting) (string, error) {
	account, err := o.account(s.Name)
	if err != nil {
		return "", err
	}
	again := "enter it again, in its settings or with `openvibez provider set " + Word(cmp.Or(o.Provider.Name, o.Provider.Plugin)) + " " + s.Name + "`"
	wrong := func(format string, args ...any) (string, error) {
		return "", sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_AUTH, format, args...).Blaming(s.Name)
	}
	secret, why, err := r.kept(ctx, account)
	switch {
	case errors.Is(err, errNoItem):
		return wrong("the keychain holds no %s of %s for %s: it is only used for the address it was entered for; %s", s.Name, o.name(), Place(o.Origin), again)
	case err != nil:
		return "", r.keychainProblem(o, s.Name, err)
	case why != "":
		return wrong("what the keychain holds as the %s of %s is %s; %s", s.Name, o.name(), why, again)
	}
	return secret, nil
}

// objectOf reads a JSON object; "" is an empty one.
func objectOf(text string) (map[string]json.RawMessage, bool) {
	values := map[string]json.RawMessage{}
	if text != "" && (json.Unmarshal([]byte(text), &values) != nil || values == nil) {
		return nil, false
	}
	return values, true
}

// jsonOf writes settings; none are "".
func jsonOf(values map[string]json.RawMessage) string {
	if len(values) == 0 {
		return ""
	}
	text, err := json.Marshal(values)
	if err != nil {
		// They were read from JSON.
		return ""
	}
	return string(text)
}

// textOf gives a JSON text; "" for all else.
func textOf(value json.RawMessage) string {
	var text string
	_ = json.Unmarshal(value, &text)
	return text
}
