package main

import (
	"context"
	"strings"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// serveRaw serves the protocol without the SDK's help, so that its rules can be broken.
func serveRaw(id string) {
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig:  sdk.Handshake(),
		VersionedPlugins: map[int]plugin.PluginSet{sdk.ProtocolVersion: {sdk.PluginName: &raw{id: id}}},
		GRPCServer:       sdk.NewGRPCServer,
	})
}

// raw sends, for each line of the prompt, the event it names, and nothing else.
type raw struct {
	plugin.NetRPCUnsupportedPlugin
	providerv1.UnimplementedProviderServiceServer
	id string
}

func (r *raw) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	providerv1.RegisterProviderServiceServer(s, r)
	return nil
}

func (r *raw) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, nil
}

func (r *raw) Describe(context.Context, *providerv1.DescribeRequest) (*providerv1.DescribeResponse, error) {
	return &providerv1.DescribeResponse{Id: r.id, Name: "Raw"}, nil
}

func (r *raw) Run(req *providerv1.RunRequest, stream grpc.ServerStreamingServer[providerv1.Event]) error {
	prompt, _ := lastPrompt(req.Messages)
	for _, line := range strings.Split(prompt, "\n") {
		name, words, _ := strings.Cut(line, " ")
		e := &providerv1.Event{}
		switch name {
		case "text":
			e.Event = &providerv1.Event_Text{Text: words}
		case "done":
			e.Event = &providerv1.Event_Done{Done: &providerv1.Done{Reason: providerv1.Done_REASON_STOP}}
		case "error":
			e.Event = &providerv1.Event_Error{Error: &providerv1.Error{}}
		case "linger":
			<-stream.Context().Done()
			return nil
		case "large":
			e.Event = &providerv1.Event_Text{Text: strings.Repeat("x", sdk.MaxMessageBytes+1)}
		}
		if err := stream.Send(e); err != nil {
			return err
		}
	}
	return nil
}
