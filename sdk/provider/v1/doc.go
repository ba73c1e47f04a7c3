// Package providerv1 is the protocol between host and plugins, generated from provider.proto.
package providerv1
