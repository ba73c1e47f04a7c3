// Package keys finds the keys of providers where their persons keep them, and keeps them out of every text.
//
// It promises that a key is used only for the origin it was given for, that none is written anywhere but into the system's
// keychain, and that one which turns up in a log or an answer is taken out.
//
// [Ring] fetches and keeps keys for an [Owner]; [Secrets] knows those in use and censors texts. In reading order: keys.go,
// secretsettings.go, keychain.go, held.go, keycommand.go, secrets.go.
package keys
