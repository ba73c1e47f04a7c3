package server

import (
	"strings"
	"testing"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// Who watches hears of the host and of each state of a plugin without asking again.
func TestPluginsAndTheHostAreWatched(t *testing.T) {
	f := start(t)
	plugins := apiv1.NewPluginServiceClient(socketHTTP(SocketPath(f.dir)), "http://openvibez")
	stream, err := f.host.Watch(t.Context(), &apiv1.WatchRequest{Topics: []apiv1.Topic{apiv1.Topic_TOPIC_PLUGINS, apiv1.Topic_TOPIC_HOST}})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	var host *apiv1.Host
	var states []string
	until := func(done func() bool) {
		t.Helper()
		for !done() {
			if !stream.Receive() {
				t.Fatalf("the stream ended after %v: %v", states, stream.Err())
			}
			for _, c := range stream.Msg().Changes {
				if h := c.GetHost(); h != nil {
					host = h
				}
				if p := c.GetPlugin(); p.GetId() == "echo" {
					states = append(states, strings.TrimPrefix(p.State.String(), "STATE_"))
				}
			}
		}
	}
	last := func(state string) func() bool {
		return func() bool { return len(states) > 0 && states[len(states)-1] == state }
	}
	until(func() bool { return host != nil && last("STOPPED")() })
	if host.Pid == 0 || host.DataDir == "" {
		t.Errorf("the host is %v", host)
	}
	if _, err := plugins.ListPlugins(t.Context(), &apiv1.ListPluginsRequest{}); err != nil {
		t.Fatal(err)
	}
	until(last("RUNNING"))
	if _, err := plugins.SetPluginEnabled(t.Context(), &apiv1.SetPluginEnabledRequest{Id: "echo"}); err != nil {
		t.Fatal(err)
	}
	until(last("STOPPED"))
}
