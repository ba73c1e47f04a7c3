package sdk

import (
	"context"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Provider is what every plugin implements. Methods are called from many goroutines at once, for different connections
// and runs. A provider keeps nothing between calls: all it needs is in the request.
//
// Errors should be an [*Error]; others are sorted by [Classify]. A panic becomes an error with code PLUGIN, and its stack
// goes to the log; a panic in a goroutine the provider started itself ends the process.
type Provider interface {
	// Describe says what this plugin is. It needs no connection, no network and no key, and always says the same.
	// Features and SdkVersion are filled in by the SDK; only FEATURE_ANSWER may be listed by hand, by a provider that
	// uses [Stream.Ask].
	Describe() *providerv1.DescribeResponse
	// Check tells whether a connection works, spending as little as possible, and says what it found in a few words.
	Check(ctx context.Context, c *providerv1.Connection) (summary string, err error)
	// Models lists the models a connection offers now.
	Models(ctx context.Context, c *providerv1.Connection) ([]*providerv1.Model, error)
	// Run carries out one model turn and writes what happens to s, ending it with Done, Background or an error
	// returned. It must return soon after ctx is cancelled.
	Run(ctx context.Context, req *providerv1.RunRequest, s *Stream) error
}

// Answerer is a provider that wants the answers no [Stream.Ask] is waiting for, because it asked in some other way.
type Answerer interface {
	Answer(ctx context.Context, a *providerv1.AnswerRequest) error
}

// LoginProvider is a provider whose accounts are obtained interactively.
type LoginProvider interface {
	// Login shows its steps through l and returns the account it obtained.
	Login(ctx context.Context, c *providerv1.Connection, l *Login) (*providerv1.LoginDone, error)
	// Logout gives back what Login obtained.
	Logout(ctx context.Context, c *providerv1.Connection) error
}

// BackgroundProvider is a provider that can leave work running on its side.
type BackgroundProvider interface {
	// Poll looks once at work that a Run left with Background, and ends s as Run does; Background means "not yet".
	Poll(ctx context.Context, req *providerv1.PollRequest, s *Stream) error
	// CancelBackground stops such work. Unknown or finished work is no error.
	CancelBackground(ctx context.Context, c *providerv1.Connection, handle string) error
}

// ModelPuller is a provider that can download a model to where it runs.
type ModelPuller interface {
	// PullModel reports the download as a whole through progress and returns when the model can be used. Reports that
	// come faster than a person can read are thinned out.
	PullModel(ctx context.Context, c *providerv1.Connection, model string, progress func(*providerv1.PullProgress)) error
}

// ModelDeleter is a provider that can remove a downloaded model.
type ModelDeleter interface {
	DeleteModel(ctx context.Context, c *providerv1.Connection, model string) error
}

// Diagnoser is a provider that can tell why a connection behaves as it does.
type Diagnoser interface {
	Diagnose(ctx context.Context, c *providerv1.Connection) ([]*providerv1.DiagnoseResponse_Fact, error)
}

// features lists what a provider offers beyond the four methods.
func features(p Provider, listed []providerv1.Feature) []providerv1.Feature {
	var has []providerv1.Feature
	add := func(ok bool, f providerv1.Feature) {
		if ok {
			has = append(has, f)
		}
	}
	_, answers := p.(Answerer)
	for _, f := range listed {
		answers = answers || f == providerv1.Feature_FEATURE_ANSWER
	}
	_, login := p.(LoginProvider)
	_, background := p.(BackgroundProvider)
	_, pull := p.(ModelPuller)
	_, del := p.(ModelDeleter)
	_, diagnose := p.(Diagnoser)
	add(answers, providerv1.Feature_FEATURE_ANSWER)
	add(login, providerv1.Feature_FEATURE_LOGIN)
	add(background, providerv1.Feature_FEATURE_BACKGROUND)
	add(pull, providerv1.Feature_FEATURE_PULL)
	add(del, providerv1.Feature_FEATURE_DELETE)
	add(diagnose, providerv1.Feature_FEATURE_DIAGNOSE)
	return has
}
