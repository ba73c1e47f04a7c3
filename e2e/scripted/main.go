// Command scripted is a provider for tests: the last message of the conversation is a little script that it carries out.
//
// One command a line; a line that is no command is said back. Ways of failing to start are chosen by the file's name
// (openvibez-provider-garbage and so on, see modes), which is also the plugin's id.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func main() {
	id := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(os.Args[0]), "openvibez-provider-"), ".exe")
	if mode, ok := modes[id]; ok {
		mode(id)
		return
	}
	sdk.Serve(&scripted{id: id})
}

// modes are the ways to fail at the start or to break the protocol, by id.
var modes = map[string]func(id string){
	// Prints before the handshake.
	"garbage": func(id string) {
		fmt.Println("loading weights…")
		sdk.Serve(&scripted{id: id})
	},
	// Prints before the handshake, on the same line.
	"prefix": func(id string) {
		fmt.Print("hi ")
		sdk.Serve(&scripted{id: id})
	},
	// Ends at once, with last words.
	"crashstart": func(string) {
		fmt.Fprintln(os.Stderr, "no licence found")
		os.Exit(7)
	},
	// Ends at once in silence.
	"exit": func(string) {},
	// Was built for a later protocol.
	"newproto": func(string) {
		fmt.Println("1|2|unix|/nowhere|grpc|")
		time.Sleep(time.Minute)
	},
	// Was built for a protocol that is gone.
	"oldproto": func(string) {
		fmt.Println("1|0|unix|/nowhere|grpc|")
		time.Sleep(time.Minute)
	},
	// Speaks a later version of go-plugin's own protocol.
	"newcore": func(string) {
		fmt.Println("9|1|unix|/nowhere|grpc|")
		time.Sleep(time.Minute)
	},
	// Never says hello.
	"silent": func(string) { time.Sleep(time.Minute) },
	// Floods stderr, with short and endless lines, then works.
	"flood": func(id string) {
		w := bufio.NewWriter(os.Stderr)
		for i := range 20000 {
			fmt.Fprintf(w, "line %d\n", i)
		}
		fmt.Fprintln(w, strings.Repeat("x", 1<<20))
		_ = w.Flush()
		sdk.Serve(&scripted{id: id})
	},
	// Calls itself something else.
	"wrongid": func(string) { sdk.Serve(&scripted{id: "other"}) },
	// Breaks the rules of the protocol when told to.
	"raw": func(id string) { serveRaw(id) },
}

type scripted struct {
	id string
	// How many turns of a run have come before.
	seen sync.Map
	// Models that were downloaded.
	pulled sync.Map
	// How often work in the background was looked at, and what was stopped of it.
	looks, stopped sync.Map
}

func (s *scripted) Describe() *providerv1.DescribeResponse {
	if d, ok := manifest(); ok {
		return d
	}
	return &providerv1.DescribeResponse{
		ProbePath:      "/api/version",
		ContextSetting: "window",
		OptionNames:    map[string]string{"heat": "temperature"},
		Id:             s.id, Name: strings.ToUpper(s.id[:1]) + s.id[1:], Description: "Does what the message says; for tests.", Version: "0.1.0",
		Features:   []providerv1.Feature{providerv1.Feature_FEATURE_ANSWER},
		BaseUrlEnv: "SCRIPTED_HOST", SettingsSchema: settingsSchema,
		Key: &providerv1.KeyScheme{Header: "Authorization", Prefix: "Bearer ", Env: "SCRIPTED_API_KEY", Optional: true},
	}
}

func (s *scripted) Check(ctx context.Context, c *providerv1.Connection) (string, error) {
	crashIfTold()
	if c.BaseUrl == "" {
		summary := "ready"
		s.stopped.Range(func(handle, _ any) bool {
			summary += ", stopped " + handle.(string)
			return true
		})
		return summary, nil
	}
	status, _, err := get(ctx, c, "/")
	if err != nil {
		return "", err
	}
	return "answers " + status, nil
}

func (s *scripted) Models(context.Context, *providerv1.Connection) ([]*providerv1.Model, error) {
	models := []*providerv1.Model{
		{
			Id: "scripted", Name: "Scripted", Recommended: true, Local: true, ContextTokens: 1 << 20,
			Capabilities: []providerv1.Capability{providerv1.Capability_CAPABILITY_TOOLS, providerv1.Capability_CAPABILITY_BACKGROUND},
		},
		{Id: "remote", Name: "Remote"},
		{Id: "cloud", Name: "Cloud", Capabilities: []providerv1.Capability{providerv1.Capability_CAPABILITY_TOOLS}},
	}
	s.pulled.Range(func(id, _ any) bool {
		models = append(models, &providerv1.Model{Id: id.(string), Local: true})
		return true
	})
	return models, nil
}

func (s *scripted) Run(ctx context.Context, req *providerv1.RunRequest, st *sdk.Stream) error {
	crashIfTold()
	turns, _ := s.seen.LoadOrStore(req.RunId, new(atomic.Int64))
	turn := turns.(*atomic.Int64).Add(1) - 1
	return (&script{ctx: ctx, req: req, stream: st, turn: int(turn)}).run()
}

// Poll finds work finished at the third look; "never" and "stubborn" never, and at "down" the provider can't be reached at first. "lost"
// is not known any more.
func (s *scripted) Poll(_ context.Context, req *providerv1.PollRequest, st *sdk.Stream) error {
	n, _ := s.looks.LoadOrStore(req.Handle, new(atomic.Int64))
	look := n.(*atomic.Int64).Add(1)
	switch {
	case req.Handle == "lost":
		return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "this work is not known any more")
	case req.Handle == "down" && look == 1:
		e := sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_RATE_LIMITED, "come back later")
		e.Proto.RetryAfterMs = 20
		return e
	case req.Handle == "never" || req.Handle == "stubborn" || look < 3:
		st.Status(providerv1.Status_KIND_WORKING, "working on it")
		st.Background(req.Handle, 20*time.Millisecond)
		return nil
	}
	st.Reference("request-of-poll", "")
	st.Thought("long thoughts")
	st.Text("background work " + req.Handle + " is done")
	st.Usage(&providerv1.Usage{InputTokens: 7, OutputTokens: 3})
	st.Done(nil)
	return nil
}

func (s *scripted) CancelBackground(_ context.Context, _ *providerv1.Connection, handle string) error {
	if handle == "stubborn" {
		return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_UNREACHABLE, "nobody answers there")
	}
	s.stopped.Store(handle, true)
	return nil
}
