package keys

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"time"
	"unicode"

	"mvdan.cc/sh/v3/syntax"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Where a provider's key can be, as its key source says: SourceKeychain, or one of the others with a name or a command
// line behind it. Without a source there is no key.
const (
	SourceKeychain = apiv1.KeyInKeychain
	SourceEnv      = "env:"
	SourceCommand  = "command:"
)

// maxKey is the longest key in bytes; more does not fit into a header anywhere.
const maxKey = 8 << 10

// maxCommand is the longest command line that prints a key.
const maxCommand = 2000

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)

// CheckSource refuses what is no place for a key, and a key and a place for it that contradict each other. had is where the
// key was until now.
func CheckSource(source, had string, withKey bool) error {
	wrong := func(format string, args ...any) error {
		return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, format, args...).Blaming("key")
	}
	line, isCommand := strings.CutPrefix(source, SourceCommand)
	name, isEnv := strings.CutPrefix(source, SourceEnv)
	switch {
	case withKey && source != "" && source != SourceKeychain:
		return wrong("a key goes into the keychain, and %.40q says that it is elsewhere: give one of the two", source)
	case !withKey && source == SourceKeychain && had != SourceKeychain:
		return wrong("there is no key of this provider in the keychain: give the key with it")
	case isCommand && (strings.TrimSpace(line) == "" || len(line) > maxCommand || strings.ContainsFunc(line, unicode.IsControl)):
		return wrong("the command that prints the key must be one line of at most %d bytes", maxCommand)
	case isCommand, source == "", source == SourceKeychain, isEnv && envName.MatchString(name):
		return nil
	}
	return wrong("%.40q does not say where a key is: write env: and the name of an environment variable, as in env:OPENAI_API_KEY (never the key itself)", source)
}

// Config is what a Ring works with.
type Config struct {
	// Where keys kept in the environment are read.
	Getenv func(string) string
	Logger *slog.Logger
}

// Ring finds the keys of all providers, wherever they are kept.
type Ring struct {
	getenv   func(string) string
	log      *slog.Logger
	keychain *keychain
	held     *held
	commands *commands
}

// New makes a Ring. Nothing is asked yet.
func New(c Config) *Ring {
	return &Ring{
		getenv: c.Getenv, log: c.Logger,
		keychain: newKeychain(5 * time.Second),
		held:     newHeld(time.Minute),
		commands: newCommands(15*time.Second, 5*time.Minute),
	}
}

// Close forgets every key that is held.
func (r *Ring) Close() { r.held.drop("") }

// Owner is whose key it is, and for where.
type Owner struct {
	Provider *apiv1.Provider
	// What its plugin says of itself.
	Plugin *providerv1.DescribeResponse
	// Where its requests go, as scheme://host:port; "" nowhere.
	Origin string
	// Where they would go if the environment said nothing.
	Standard string
}

func (o Owner) name() string {
	return cmp.Or(o.Provider.Name, o.Plugin.GetName(), o.Plugin.GetId(), o.Provider.Plugin)
}

// Place is the origin as people write it, without the port that its scheme implies.
func Place(origin string) string {
	if origin == "" {
		return ""
	}
	if rest, ok := strings.CutPrefix(origin, "https://"); ok {
		return "https://" + strings.TrimSuffix(rest, ":443")
	}
	return "http://" + strings.TrimSuffix(strings.TrimPrefix(origin, "http://"), ":80")
}

// Key fetches a provider's key from where its person keeps it; "" if it has none and needs none.
func (r *Ring) Key(ctx context.Context, o Owner) (string, error) {
	p, scheme, name := o.Provider, o.Plugin.GetKey(), o.name()
	missing := func(format string, args ...any) (string, error) {
		words := fmt.Sprintf(format, args...)
		if scheme.GetUrl() != "" {
			words += ". A key can be had at " + scheme.Url
		}
		return "", sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_AUTH, "%s", words).Blaming("key")
	}
	login := "openvibez provider login " + Word(name)
	env, fromEnv := strings.CutPrefix(p.KeySource, SourceEnv)
	line, fromCommand := strings.CutPrefix(p.KeySource, SourceCommand)
	switch {
	case p.KeySource == "" && scheme.GetOptional():
		return "", nil
	case (fromEnv || fromCommand) && p.KeyOrigin != "" && p.KeyOrigin != o.Origin:
		where, again := "the variable "+env, " --key-env "+Word(env)
		if fromCommand {
			where, again = "a command", " --key-command "+Word(line)
		}
		return missing("the key of %s, from %s, was given for %s, and its requests go to %s now: if it is for there too, say so with `%s%s`",
			name, where, Place(p.KeyOrigin), cmp.Or(Place(o.Origin), "nowhere"), login, again)
	case p.KeySource == "":
		return missing("%s needs a key and has none; enter it in its settings or with `%s`, or keep it in an environment variable: `%s --key-env %s`",
			name, login, login, cmp.Or(scheme.GetEnv(), "NAME"))
	case fromEnv && env != "":
		key := strings.TrimSpace(r.getenv(env))
		if key == "" {
			return missing("the key of %s should be in the environment variable %s, which is not set where OpenVibez was started; set it there and start OpenVibez again", name, env)
		}
		if why := oddKey(key); why != "" {
			return missing("the environment variable %s, where the key of %s should be, holds %s; set it again", env, name, why)
		}
		return key, nil
	case fromCommand && line != "":
		key, err := r.commands.key(ctx, line)
		switch {
		case ctx.Err() != nil:
			return "", &sdk.Error{Proto: sdk.FromStatus(ctx.Err())}
		case err != nil:
			return missing("the command that prints the key of %s %v. Try it in a terminal", name, err)
		}
		if why := oddKey(key); why != "" {
			r.commands.forget(line)
			return missing("the command that prints the key of %s printed %s; it must print the key alone", name, why)
		}
		return key, nil
	case p.KeySource == SourceKeychain:
		account, err := o.account("")
		if err != nil {
			return "", err
		}
		key, why, err := r.kept(ctx, account)
		switch {
		case errors.Is(err, errNoItem):
			return missing("the keychain holds no key of %s for %s: a key is only used for the address it was entered for. Enter it in its settings or with `%s`", name, Place(o.Origin), login)
		case err != nil:
			return "", r.keychainProblem(o, "", err)
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
func (r *Ring) kept(ctx context.Context, account string) (secret, why string, err error) {
	secret, drops := r.held.get(account)
	if secret != "" {
		return secret, "", nil
	}
	if secret, err = r.keychain.get(ctx, account); err != nil {
		return "", "", err
	}
	if why = oddKey(secret); why == "" {
		r.held.put(account, secret, drops)
	}
	return secret, why, nil
}

// Save puts a provider's key into the system's keychain, bound to the origin that its requests go to. undo puts back what
// was there before. The provider need not be in the store yet, but has its id. Errors are for people.
func (r *Ring) Save(ctx context.Context, o Owner, key string) (undo func(), err error) {
	wrong := func(format string, args ...any) (func(), error) {
		return nil, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, format, args...).Blaming("key")
	}
	if o.Plugin.GetKey() == nil {
		return wrong("%s takes no key", o.name())
	}
	key = strings.TrimSpace(key)
	if key == "" {
		return wrong("no key of %s was entered", o.name())
	}
	if why := oddKey(key); why != "" {
		return wrong("what was entered as the key of %s is %s; copy it again", o.name(), why)
	}
	return r.keep(ctx, o, "", key)
}

// keep puts a provider's key, or with a setting's name that setting, into the keychain.
func (r *Ring) keep(ctx context.Context, o Owner, setting, secret string) (undo func(), err error) {
	account, err := o.account(setting)
	if err != nil {
		return nil, err
	}
	before, err := r.keychain.get(ctx, account)
	had := err == nil
	if err != nil && !errors.Is(err, errNoItem) {
		return nil, r.keychainProblem(o, setting, err)
	}
	id := o.Provider.Id
	defer r.held.drop(id)
	if err := r.keychain.set(ctx, account, secret, before); err != nil {
		return nil, r.keychainProblem(o, setting, err)
	}
	ctx = context.WithoutCancel(ctx)
	return func() {
		defer r.held.drop(id)
		err := r.keychain.remove(ctx, account)
		if had {
			err = r.keychain.set(ctx, account, before, "")
		}
		if err != nil {
			r.log.Warn("put back what the keychain held", "provider", id, "error", err)
		}
	}, nil
}

// Forget removes a provider's key from the keychain, if it is there. Keys kept elsewhere stay where they are.
func (r *Ring) Forget(ctx context.Context, o Owner) error {
	r.Drop(o.Provider)
	defer r.Drop(o.Provider)
	if o.Provider.KeySource != SourceKeychain {
		return nil
	}
	return r.forget(ctx, o, "")
}

// forget removes a provider's key, or with a setting's name that setting, from the keychain.
func (r *Ring) forget(ctx context.Context, o Owner, setting string) error {
	defer r.held.drop(o.Provider.Id)
	account, err := o.account(setting)
	if err != nil {
		return err
	}
	if err := r.keychain.remove(ctx, account); err != nil {
		return r.keychainProblem(o, setting, err)
	}
	if o.Standard == "" || o.Standard == o.Origin || o.Provider.BaseUrl != "" {
		return nil
	}
	// It may have been entered while the environment said nothing.
	o.Origin = o.Standard
	if account, err = o.account(setting); err != nil {
		return err
	}
	if err := r.keychain.remove(ctx, account); err != nil {
		return r.keychainProblem(o, setting, err)
	}
	return nil
}

// Drop forgets a key that was fetched: the next request fetches it anew.
func (r *Ring) Drop(p *apiv1.Provider) {
	if line, ok := strings.CutPrefix(p.KeySource, SourceCommand); ok {
		r.commands.forget(line)
	}
	r.held.drop(p.Id)
}

// account names a provider's item in the keychain, its key's or that of a setting: what was entered for one origin is never
// found for another.
func (o Owner) account(setting string) (string, error) {
	if o.Origin == "" {
		return "", sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST,
			"%s has no address, and a key is only used for the address it was entered for; give it a base URL first", cmp.Or(o.Provider.Name, o.Provider.Plugin)).Blaming("base_url")
	}
	return strings.TrimSuffix(o.Provider.Id+" "+o.Origin+" "+setting, " "), nil
}

// keychainProblem adds to the words of a keychain what can be done without it. setting, if not "", is the one it is about;
// then there is nothing.
func (r *Ring) keychainProblem(o Owner, setting string, err error) error {
	var known *keychainError
	if !errors.As(err, &known) {
		return &sdk.Error{Proto: sdk.FromStatus(err)}
	}
	p := o.Provider
	r.log.Warn("use the keychain", "provider", p.Id, "problem", known.words, "error", known.cause)
	if setting != "" {
		return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_AUTH, "%s is kept in the keychain: %w", setting, known).Blaming(setting)
	}
	command := "openvibez provider login " + Word(p.Name)
	if p.CreatedMs == 0 {
		command = "openvibez provider add " + p.Plugin
	}
	return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_AUTH, "%w. Or keep the key in an environment variable: %s --key-env %s",
		known, command, cmp.Or(o.Plugin.GetKey().GetEnv(), "NAME")).Blaming("key")
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

// Word quotes a text for a command that a person may copy.
func Word(text string) string {
	quoted, err := syntax.Quote(text, syntax.LangPOSIX)
	if err != nil {
		// What can't be written in a shell is not copied from here either.
		return "'" + strings.Map(func(c rune) rune {
			if c < ' ' || c == '\'' {
				return -1
			}
			return c
		}, text) + "'"
	}
	return quoted
}
