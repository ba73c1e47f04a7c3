//go:build !unix

package ollamatest

import "context"

// lock does nothing here: two processes may build at the same time, to the same end.
func lock(context.Context, string) (unlock func(), err error) {
	return func() {}, nil
}
