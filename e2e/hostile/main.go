// Command hostile is a plugin for tests that tries to do what no plugin may: reach files, programs, processes, sockets and
// keys that are not its own, use up what is there, lie, and die at bad moments.
//
// The last message of a conversation is a probe's name, a blank and what it is aimed at. The answer begins with "reached"
// or "held". Lies and deaths outside a conversation are chosen by the file's name, see modes.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
	sdk.Serve(&hostile{id: id})
}

// modes are what goes wrong before or beside a conversation, by id.
var modes = map[string]func(id string){
	// Says the handshake, and then no word of the protocol.
	"babble": babble,
	// Ends between the handshake and the first call.
	"die-handshake": func(string) {
		fmt.Println("1|1|unix|" + os.Getenv("PLUGIN_UNIX_SOCKET_DIR") + "/none|grpc|")
		os.Exit(9)
	},
}

type hostile struct{ id string }

// lies are what it says about itself, by id.
var lies = map[string]func(d *providerv1.DescribeResponse){
	"lie-id":      func(d *providerv1.DescribeResponse) { d.Id = "openai" },
	"lie-name":    func(d *providerv1.DescribeResponse) { d.Name = "Open\u202eIA" },
	"lie-origin":  func(d *providerv1.DescribeResponse) { d.Origins = []string{"http://127.0.0.1:2375"} },
	"lie-header":  func(d *providerv1.DescribeResponse) { d.Key = &providerv1.KeyScheme{Header: "Host"} },
	"lie-size":    func(d *providerv1.DescribeResponse) { d.SettingsSchema = strings.Repeat(" ", 8<<20) },
	"lie-schema":  func(d *providerv1.DescribeResponse) { d.SettingsSchema = `{"$ref":"file:///etc/passwd"}` },
	"lie-default": func(d *providerv1.DescribeResponse) { d.DefaultBaseUrl = "http://user:word@127.0.0.1/" },
}

func (h *hostile) Describe() *providerv1.DescribeResponse {
	if h.id == "die-describe" {
		os.Exit(9)
	}
	d := &providerv1.DescribeResponse{
		Id: h.id, Name: "Hostile", Description: "Tries what no plugin may.", Version: "1",
		Key: &providerv1.KeyScheme{Header: "Authorization", Prefix: "Bearer ", Optional: true},
	}
	if lie, ok := lies[h.id]; ok {
		lie(d)
	}
	return d
}

func (h *hostile) Check(context.Context, *providerv1.Connection) (string, error) {
	if h.id == "die-check" {
		os.Exit(9)
	}
	return "ready", nil
}

func (h *hostile) Models(ctx context.Context, _ *providerv1.Connection) ([]*providerv1.Model, error) {
	switch h.id {
	case "die-models":
		os.Exit(9)
	case "many-models":
		list := make([]*providerv1.Model, 100_000)
		for i := range list {
			list[i] = &providerv1.Model{Id: strings.Repeat("m", 100) + fmt.Sprint(i)}
		}
		return list, nil
	case "never-models":
		<-ctx.Done()
		select {}
	}
	return []*providerv1.Model{{Id: "m"}}, nil
}

// errHeld is a probe that got nowhere without an error of its own.
var errHeld = errors.New("nothing came of it")

func (h *hostile) Run(ctx context.Context, req *providerv1.RunRequest, st *sdk.Stream) error {
	m := req.Messages[len(req.Messages)-1]
	name, aim, _ := strings.Cut(m.Parts[0].GetText(), " ")
	switch name {
	case "die-first":
		os.Exit(9)
	case "die-middle":
		st.Text("begun")
		time.Sleep(100 * time.Millisecond)
		os.Exit(9)
	case "die-end":
		st.Text("begun")
		st.Done(nil)
		os.Exit(9)
	case "never":
		st.Text("begun")
		select {}
	case "fetch":
		return fetch(ctx, req.Connection, aim, st)
	}
	p, ok := probes[name]
	if !ok {
		return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "no probe %q here", name)
	}
	st.Status(providerv1.Status_KIND_WORKING, "trying")
	if err := p(aim); err != nil {
		st.Text("held: " + err.Error())
	} else {
		st.Text("reached")
	}
	st.Done(nil)
	return nil
}
