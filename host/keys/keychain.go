package keys

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/zalando/go-keyring"
)

// keychainService is what our items in the system's keychain are filed under.
const keychainService = "OpenVibez"

// errNoItem says that the keychain answers and has no such item.
var errNoItem = errors.New("the keychain has no such key")

// keychainError is a keychain that did not do as it was asked. Its words say what is the matter and what helps.
type keychainError struct {
	words string
	cause error
}

func (e *keychainError) Error() string { return e.words }
func (e *keychainError) Unwrap() error { return e.cause }

// keychain is the system's own store for passwords. It is asked for one thing at a time: while it waits for a person to
// unlock it, each further question would open one more dialog.
type keychain struct {
	turn chan struct{}
	wait time.Duration
}

func newKeychain(wait time.Duration) *keychain {
	return &keychain{turn: make(chan struct{}, 1), wait: wait}
}

// CheckKeychain tells in words why keys can't be kept in this system's keychain; nil if they can. It asks for an item that
// nobody has made, so a locked keychain may show its dialog.
func CheckKeychain(ctx context.Context) error {
	if _, err := newKeychain(3*time.Second).get(ctx, "doctor"); err != nil && !errors.Is(err, errNoItem) {
		return err
	}
	return nil
}

// get reads an item; the error is errNoItem, a *keychainError, or that of ctx.
func (k *keychain) get(ctx context.Context, account string) (string, error) {
	var secret string
	err := k.do(ctx, func() (err error) {
		secret, err = keyring.Get(keychainService, account)
		return err
	}, nil)
	if err != nil {
		return "", err
	}
	return secret, nil
}

// set writes an item. If it is written only after set has given up on it, before takes its place again; "" is nothing.
func (k *keychain) set(ctx context.Context, account, secret, before string) error {
	return k.do(ctx, func() error { return keyring.Set(keychainService, account, secret) }, func() error {
		if before == "" {
			return keyring.Delete(keychainService, account)
		}
		return keyring.Set(keychainService, account, before)
	})
}

// remove deletes an item. One that is not there is no error.
func (k *keychain) remove(ctx context.Context, account string) error {
	err := k.do(ctx, func() error { return keyring.Delete(keychainService, account) }, nil)
	if errors.Is(err, errNoItem) {
		return nil
	}
	return err
}

// do makes one call within the time there is. A call that takes longer goes on by itself, since nothing can stop it; no
// other is made before it has come back. If it succeeds after all, late follows.
func (k *keychain) do(ctx context.Context, call func() error, late func() error) error {
	if err := reachable(); err != nil {
		return err
	}
	timer := time.NewTimer(k.wait)
	defer timer.Stop()
	slow := &keychainError{words: fmt.Sprintf(
		"the keychain did not answer within %s; it may be showing a dialog that asks for its password: answer that and try again", k.wait)}
	select {
	case k.turn <- struct{}{}:
	case <-timer.C:
		return slow
	case <-ctx.Done():
		return ctx.Err()
	}
	var settled atomic.Bool
	done := make(chan error, 1)
	go func() {
		defer func() { <-k.turn }()
		err := careful(call)
		if settled.CompareAndSwap(false, true) {
			done <- err
		} else if err == nil && late != nil {
			_ = careful(late)
		}
	}()
	select {
	case err := <-done:
		return keychainWords(err)
	case <-timer.C:
	case <-ctx.Done():
	}
	if !settled.CompareAndSwap(false, true) {
		return keychainWords(<-done)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return slow
}

// careful makes a call to a library that trusts what other programs send it.
func careful(call func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the keychain gave an answer that makes no sense: %v", v)
		}
	}()
	return call()
}

// reachable tells why no keychain can be asked. Where there is no session bus the library would start one, which
// nobody else is on.
func reachable() error {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		return nil
	}
	if a := os.Getenv("DBUS_SESSION_BUS_ADDRESS"); a != "" && a != "autolaunch:" {
		return nil
	}
	if u, err := user.Current(); err == nil {
		for _, name := range []string{"bus", "dbus-session"} {
			if _, err := os.Stat(filepath.Join("/run/user", u.Uid, name)); err == nil {
				return nil
			}
		}
	}
	return &keychainError{words: "there is no session bus here and so no keychain, as is usual over SSH and in containers"}
}

// keychainWords says for people what a keychain's error means.
func keychainWords(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, keyring.ErrNotFound) {
		return errNoItem
	}
	text := err.Error()
	has := func(some ...string) bool {
		for _, s := range some {
			if strings.Contains(text, s) {
				return true
			}
		}
		return false
	}
	words := "the keychain failed: " + fmt.Sprintf("%.300s", text)
	switch {
	case errors.Is(err, keyring.ErrSetDataTooBig):
		words = "the key is too large for this system's keychain"
	case errors.Is(err, keyring.ErrUnsupportedPlatform):
		words = "this system has no keychain that OpenVibez can use"
	case has("was not provided by any .service files", "ServiceUnknown", "NameHasNoOwner", "has no owner", ".Spawn."):
		words = "no keychain service answers on this session bus; install gnome-keyring"
	case has("failed to unlock", "IsLocked", "is locked", "user interaction is not allowed", "User interaction is not allowed"):
		words = "the keychain is locked, or none has been made yet; unlock it, as logging in at the desktop does, and try again"
	case has("connect: ", "dial unix", "connection closed", "EOF", "dbus-launch"):
		words = "the session bus does not answer and so no keychain does: " + fmt.Sprintf("%.200s", text)
	}
	return &keychainError{words: words, cause: err}
}
