package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Where a provider's key can be, as its key source says: SourceKeychain, or one of the others with a name or a command
// line behind it. Without a source there is no key.
const (
	SourceKeychain = "keychain"
	SourceEnv      = "env:"
	SourceCommand  = "command:"
)

// maxKey is the longest key in bytes; more does not fit into a header anywhere.
const maxKey = 8 << 10

// key fetches a provider's key from where its person keeps it. base is where the provider's requests go.
func (m *Manager) key(ctx context.Context, p *apiv1.Provider, d *providerv1.DescribeResponse, base string) (string, error) {
	name := orElse(p.Name, orElse(d.Name, d.Id))
	missing := func(format string, args ...any) (string, error) {
		words := fmt.Sprintf(format, args...)
		if d.Key.Url != "" {
			words += ". A key can be had at " + d.Key.Url
		}
		return "", sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_AUTH, "%s", words).Blaming("key")
	}
	login := "openvibez provider login " + shellWord(name)
	env, fromEnv := strings.CutPrefix(p.KeySource, SourceEnv)
	line, fromCommand := strings.CutPrefix(p.KeySource, SourceCommand)
	switch {
	case p.KeySource == "" && d.Key.Optional:
		return "", nil
	case p.KeySource == "":
		return missing("%s needs a key and has none; enter it in its settings or with `%s`, or keep it in an environment variable: `%s --key-env %s`",
			name, login, login, orElse(d.Key.Env, "NAME"))
	case fromEnv && env != "":
		key := strings.TrimSpace(m.getenv(env))
		if key == "" {
			return missing("the key of %s should be in the environment variable %s, which is not set where OpenVibez was started; set it there and start OpenVibez again", name, env)
		}
		if why := oddKey(key); why != "" {
			return missing("the environment variable %s, where the key of %s should be, holds %s; set it again", env, name, why)
		}
		return key, nil
	case fromCommand && line != "":
		key, err := m.commands.key(ctx, line)
		switch {
		case ctx.Err() != nil:
			return "", &sdk.Error{Proto: sdk.FromStatus(ctx.Err())}
		case err != nil:
			return missing("the command that prints the key of %s %v. Try it in a terminal", name, err)
		}
		if why := oddKey(key); why != "" {
			m.commands.forget(line)
			return missing("the command that prints the key of %s printed %s; it must print the key alone", name, why)
		}
		return key, nil
	case p.KeySource == SourceKeychain:
		account, at, err := keychainAccount(p, base, "")
		if err != nil {
			return "", err
		}
		key, why, err := m.kept(ctx, account)
		switch {
		case errors.Is(err, errNoItem):
			return missing("the keychain holds no key of %s for %s: a key is only used for the address it was entered for. Enter it in its settings or with `%s`", name, plain(at), login)
		case err != nil:
			return "", m.keychainProblem(p, d, "", err)
		case why != "":
			return missing("what the keychain holds as the key of %s is %s; enter it again with `%s`", name, why, login)
		}
		return key, nil
	}
	return "", sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED,
		"%s keeps its key in %.40q, which this version can't read; enter it again with `%s`", name, p.KeySource, login)
}

// kept gives what the keychain holds for an account, or held does since a moment ago; why tells what is wrong with it, ""
// for nothing.
func (m *Manager) kept(ctx context.Context, account string) (secret, why string, err error) {
	secret, drops := m.held.get(account)
	if secret != "" {
		return secret, "", nil
	}
	if secret, err = m.keychain.get(ctx, account); err != nil {
		return "", "", err
	}
	if why = oddKey(secret); why == "" {
		m.held.put(account, secret, drops)
	}
	return secret, why, nil
}

// SaveKey puts a provider's key into the system's keychain, bound to the origin that its requests go to. undo puts back
// what was there before. The provider need not be in the store yet, but has its id. Errors are for people.
func (m *Manager) SaveKey(ctx context.Context, p *apiv1.Provider, key string) (undo func(), err error) {
	wrong := func(format string, args ...any) (func(), error) {
		return nil, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, format, args...).Blaming("key")
	}
	d, err := m.Describe(ctx, p.Plugin)
	if err != nil {
		return nil, err
	}
	name := orElse(p.Name, orElse(d.Name, d.Id))
	if d.Key == nil {
		return wrong("%s takes no key", name)
	}
	key = strings.TrimSpace(key)
	if key == "" {
		return wrong("no key of %s was entered", name)
	}
	if why := oddKey(key); why != "" {
		return wrong("what was entered as the key of %s is %s; copy it again", name, why)
	}
	return m.keep(ctx, p, d, "", key)
}

// keep puts a provider's key, or with a setting's name that setting, into the keychain.
func (m *Manager) keep(ctx context.Context, p *apiv1.Provider, d *providerv1.DescribeResponse, setting, secret string) (undo func(), err error) {
	base, err := baseURL(p.BaseUrl, d, m.getenv)
	if err != nil {
		return nil, err
	}
	account, _, err := keychainAccount(p, base, setting)
	if err != nil {
		return nil, err
	}
	before, err := m.keychain.get(ctx, account)
	had := err == nil
	if err != nil && !errors.Is(err, errNoItem) {
		return nil, m.keychainProblem(p, d, setting, err)
	}
	defer m.held.drop(p.Id)
	if err := m.keychain.set(ctx, account, secret, before); err != nil {
		return nil, m.keychainProblem(p, d, setting, err)
	}
	ctx = context.WithoutCancel(ctx)
	return func() {
		defer m.held.drop(p.Id)
		err := m.keychain.remove(ctx, account)
		if had {
			err = m.keychain.set(ctx, account, before, "")
		}
		if err != nil {
			m.log.Warn("put back what the keychain held", "provider", p.Id, "error", err)
		}
	}, nil
}

// ForgetKey removes a provider's key from the keychain, if it is there. Keys kept elsewhere stay where they are.
func (m *Manager) ForgetKey(ctx context.Context, p *apiv1.Provider) error {
	m.dropKey(p.Id, p.KeySource)
	defer m.dropKey(p.Id, p.KeySource)
	if p.KeySource != SourceKeychain {
		return nil
	}
	return m.forget(ctx, p, "")
}

// forget removes a provider's key, or with a setting's name that setting, from the keychain.
func (m *Manager) forget(ctx context.Context, p *apiv1.Provider, setting string) error {
	defer m.held.drop(p.Id)
	d, err := m.Describe(ctx, p.Plugin)
	if err != nil && p.BaseUrl == "" {
		return err
	}
	base, err := baseURL(p.BaseUrl, d, m.getenv)
	if err != nil {
		return err
	}
	account, _, err := keychainAccount(p, base, setting)
	if err != nil {
		return err
	}
	if err := m.keychain.remove(ctx, account); err != nil {
		return m.keychainProblem(p, d, setting, err)
	}
	if standard, _, err := keychainAccount(p, d.GetDefaultBaseUrl(), setting); err == nil && p.BaseUrl == "" && standard != account {
		// It may have been entered while the environment said nothing.
		if err := m.keychain.remove(ctx, standard); err != nil {
			return m.keychainProblem(p, d, setting, err)
		}
	}
	return nil
}

// dropKey forgets a key that was fetched: the next request fetches it anew.
func (m *Manager) dropKey(providerID, source string) {
	if line, ok := strings.CutPrefix(source, SourceCommand); ok {
		m.commands.forget(line)
	}
	m.held.drop(providerID)
}

// SameOrigin tells whether two settings of one provider send its requests, and so its key, to the same origin.
func (m *Manager) SameOrigin(ctx context.Context, a, b *apiv1.Provider) bool {
	if a.BaseUrl == b.BaseUrl {
		return true
	}
	d, err := m.Describe(ctx, a.Plugin)
	if err != nil {
		return false
	}
	at := func(p *apiv1.Provider) string {
		base, err := baseURL(p.BaseUrl, d, m.getenv)
		if err != nil {
			return ""
		}
		o, err := originOf(base)
		if err != nil {
			return ""
		}
		return o
	}
	return at(a) != "" && at(a) == at(b)
}

// keychainAccount names a provider's item in the keychain, its key's or that of a setting: what was entered for one origin
// is never found for another.
func keychainAccount(p *apiv1.Provider, base, setting string) (account, origin string, err error) {
	if base == "" {
		return "", "", sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST,
			"%s has no address, and a key is only used for the address it was entered for; give it a base URL first", orElse(p.Name, p.Plugin)).Blaming("base_url")
	}
	origin, err = originOf(base)
	if err != nil {
		return "", "", sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "the base URL %q can't be used: %w", base, err).Blaming("base_url")
	}
	return strings.TrimSuffix(p.Id+" "+origin+" "+setting, " "), origin, nil
}

// keychainProblem adds to the words of a keychain what can be done without it. setting, if not "", is the one it is about;
// then there is nothing.
func (m *Manager) keychainProblem(p *apiv1.Provider, d *providerv1.DescribeResponse, setting string, err error) error {
	var known *keychainError
	if !errors.As(err, &known) {
		return &sdk.Error{Proto: sdk.FromStatus(err)}
	}
	m.log.Warn("use the keychain", "provider", p.Id, "problem", known.words, "error", known.cause)
	if setting != "" {
		return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_AUTH, "%s is kept in the keychain: %w", setting, known).Blaming(setting)
	}
	command := "openvibez provider login " + shellWord(p.Name)
	if p.CreatedMs == 0 {
		command = "openvibez provider add " + p.Plugin
	}
	return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_AUTH, "%w. Or keep the key in an environment variable: %s --key-env %s",
		known, command, orElse(d.GetKey().GetEnv(), "NAME")).Blaming("key")
}

// oddKey tells what is wrong with a key, "" for nothing. It never repeats any of it.
func oddKey(key string) string {
	if key == "" {
		return "nothing"
	}
	if len(key) > maxKey {
		return fmt.Sprintf("too large for a key (%d bytes; the most is %d)", len(key), maxKey)
	}
	for _, c := range []byte(key) {
		if c < 0x20 || c >= 0x7f {
			return "something with a line break or another character that no key can have"
		}
	}
	return ""
}

// shellWord quotes a name for a command that a person may copy.
func shellWord(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_./:@", r)
	}) {
		return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
	}
	return name
}
