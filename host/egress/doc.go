// Package egress is the one way by which a plugin reaches the network.
//
// It promises that a request leaves only with a capability, only for an origin that a person or an approved manifest
// named, that the provider's key is added here and nowhere else, and that no redirect is followed.
//
// A [Broker] serves one plugin's socket; a [Grant] is what one capability permits; [Routes] carries what may leave, and
// [Traffic] counts it. In reading order: origin.go, egress.go, refuse.go, transport.go, limits.go.
package egress
