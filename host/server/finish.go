package server

import (
	"context"
	"path"
	"strings"

	"connectrpc.com/connect"
)

// finishing lets calls that change something come to their end when their caller hangs up, so that nothing is half done;
// only the end of the host stops them. Calls that only look stop with their caller.
type finishing struct{ ending context.Context }

func (f finishing) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		if looks(req.Spec().Procedure) {
			return next(ctx, req)
		}
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		defer cancel()
		defer context.AfterFunc(f.ending, cancel)()
		return next(ctx, req)
	}
}

func (f finishing) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

func (f finishing) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

// looks tells whether a call changes nothing, by its name: what is not known for that is taken to change something.
func looks(procedure string) bool {
	name := path.Base(procedure)
	for _, begin := range []string{"Get", "List", "Search", "Preview", "Inspect", "Verify", "Diagnose", "PluginLogs"} {
		if strings.HasPrefix(name, begin) {
			return true
		}
	}
	return false
}
