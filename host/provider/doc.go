// Package provider makes calls over the connections to providers that a person has configured, and changes those.
//
// It promises that a change of a connection completes, keychain and store alike, whoever hangs up meanwhile, and that
// nothing here knows what one provider is like: its plugin's description says that.
//
// [Manager] is all there is; [Book] is where connections are written down. In reading order: provider.go, call.go,
// connections.go, sync.go, settings.go, manage.go, detect.go, quirks.go.
package provider
