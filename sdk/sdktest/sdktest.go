// Package sdktest checks that a provider plugin keeps the contract with the host.
//
// In the tests of a provider:
//
//	func TestContract(t *testing.T) {
//		sdktest.Run(t, sdktest.Config{Provider: acme{}, Connection: &providerv1.Connection{BaseUrl: server.URL}})
//	}
//
// The provider is driven over real gRPC, in this process or, given Command, as the program the host would start. It may
// be written in any language then.
package sdktest

import (
	"cmp"
	"context"
	"net/http"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Config says what to check. Either Provider or Command is needed, all else has a default.
type Config struct {
	// Provider is checked in this process.
	Provider sdk.Provider
	// Command is a plugin's program and arguments, started as the host does.
	Command []string
	// Env is added to the small environment of Command, as "NAME=value".
	Env []string
	// Connection is what every call is given. With a base URL, requests through sdk.HTTPClient reach its origin and
	// those that Describe names.
	Connection *providerv1.Connection
	// Service stands in for the provider's service, which must answer whole turns with POST. The base URL is where it is
	// served then, with the path of the default one. What services do now and then is checked too: errors, answers that
	// break off, come slowly, malformed, twice, or in lines of 10 MB.
	Service http.Handler
	// Script are prompts whose answers are known; each is said in a conversation of its own.
	Script []Line
	// Header is added to every such request, as the host adds the key.
	Header http.Header
	// Model to talk to; by default the recommended one, or else the first.
	Model string
	// UnknownModel is a name no model has.
	UnknownModel string
	// Prompts are said one after the other in one conversation; each must be answered. By default there are two.
	Prompts []string
	// Patience is how long to wait for anything before it counts as hanging; 30 s by default.
	Patience time.Duration
}

// Line is a prompt with what its answer must hold.
type Line struct{ Say, Want string }

// Run checks the provider, one subtest for each part of the contract. It sets an environment variable of the process if
// the connection has a base URL, so it can't run in parallel with other tests then.
func Run(t *testing.T, c Config) {
	t.Helper()
	if (c.Provider == nil) == (len(c.Command) == 0) {
		t.Fatal("sdktest.Config needs either Provider or Command")
	}
	for _, check := range prepare(t, c).checks() {
		t.Run(check.name, func(t *testing.T) {
			for _, problem := range check.run(t.Context()) {
				t.Error(problem)
			}
		})
	}
}

// prepare fills in the defaults and opens the way to the network.
func prepare(t testing.TB, c Config) *kit {
	c.Connection = proto.CloneOf(c.Connection)
	if c.Connection == nil {
		c.Connection = &providerv1.Connection{}
	}
	c.Connection.ProviderId = cmp.Or(c.Connection.GetProviderId(), "sdktest")
	c.Connection.Capability = cmp.Or(c.Connection.GetCapability(), "sdktest-capability")
	c.UnknownModel = cmp.Or(c.UnknownModel, "no-such-model")
	c.Patience = cmp.Or(c.Patience, 30*time.Second)
	if len(c.Prompts) == 0 {
		c.Prompts = []string{"Hello! Say something short.", "Say that again in other words, please."}
	}
	k := &kit{Config: c, open: inProcess(c.Provider)}
	if len(c.Command) > 0 {
		k.open = command(c.Command, c.Env, c.Patience)
	}
	if c.Service != nil {
		k.serve(t)
	}
	if c.Connection.GetBaseUrl() == "" {
		return k
	}
	origins := []string{c.Connection.GetBaseUrl()}
	_ = k.with(t.Context(), func(ctx context.Context, s *subject) []string {
		if d, err := s.client.Describe(ctx, &providerv1.DescribeRequest{}); err == nil {
			origins = append(origins, d.GetOrigins()...)
		}
		return nil
	})
	socket := serveHost(t, host{origins: origins, header: c.Header, capability: c.Connection.GetCapability()})
	if len(c.Command) > 0 {
		k.open = command(c.Command, append(c.Env, sdk.EnvHostSocket+"="+socket), c.Patience)
	}
	return k
}
