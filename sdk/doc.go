// Package sdk is all that a provider plugin for OpenVibez needs.
//
// A provider is one value that implements four methods, and a main of one line:
//
//	type acme struct{}
//
//	func (acme) Describe() *providerv1.DescribeResponse { … }
//	func (acme) Check(ctx context.Context, c *providerv1.Connection) (string, error) { … }
//	func (acme) Models(ctx context.Context, c *providerv1.Connection) ([]*providerv1.Model, error) { … }
//	func (acme) Run(ctx context.Context, req *providerv1.RunRequest, s *sdk.Stream) error {
//		s.Text("Hello!")
//		s.Done(nil)
//		return nil
//	}
//
//	func main() { sdk.Serve(acme{}) }
//
// Start by copying [github.com/openvibez/openvibez/sdk/example]: a complete provider on one page. Then, in this order:
//
//   - [Provider] and the small interfaces beside it say what a plugin can do. A feature is offered by having its method.
//   - [Stream] writes one turn. It keeps the order and the one end; it can be used from many goroutines.
//   - [HTTPClient] is the only way to the network. Keep the provider's real URLs: the host adds the key, does the TLS and
//     refuses other origins. Give it to the provider's Go library as its HTTP client, and set that library's retries to zero.
//   - [ClassifyHTTP], [Classify] and [Errorf] make the typed errors from which the host decides: wait and try again, ask for
//     a key, shorten the history. Retries are the host's.
//   - [github.com/openvibez/openvibez/sdk/sdktest] checks that a provider keeps the contract. Run it first, and in CI.
//
// The messages are the protocol's own, in [github.com/openvibez/openvibez/sdk/provider/v1]. Plugins in other languages
// speak the same protocol; nothing in this package is needed for it.
//
// Log with log/slog: [Serve] sends it to the host's log. Never print to standard output.
package sdk
