package sdk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

const (
	// Version is the SDK's own version, told to the host in Describe.
	Version = "0.1.0"
	// ProtocolVersion is the version of the protocol between host and plugin that this SDK speaks.
	ProtocolVersion = 1
	// PluginName is the name under which the host dispenses a plugin's client.
	PluginName = "provider"
	// MaxMessageBytes is the size limit of one message in either direction.
	MaxMessageBytes = 64 << 20
	// EnvLifeline is the environment variable in which the host names the descriptor of a pipe that ends when it does.
	EnvLifeline = "OPENVIBEZ_LIFELINE_FD"
)

// Serve is all of a plugin's main: it serves p to the host that started the process, and returns when the host is done
// with it. Started by hand, it says what the program is for and exits with status 1.
//
// Serve makes the default logger of log/slog write to the host's log.
func Serve(p Provider) {
	handshake := Handshake()
	if os.Getenv(handshake.MagicCookieKey) != handshake.MagicCookieValue {
		fmt.Fprint(os.Stderr, byHand(p.Describe(), os.Args[0]))
		os.Exit(1)
	}
	slog.SetDefault(slog.New(logHandler(os.Stderr)))
	followHost()
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig:  handshake,
		VersionedPlugins: PluginSets(p),
		GRPCServer:       NewGRPCServer,
		Logger:           hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: os.Stderr, JSONFormat: true}),
	})
}

// Handshake is how host and plugin recognise each other. It keeps a plugin from being started by mistake; it protects
// nothing.
func Handshake() plugin.HandshakeConfig {
	return plugin.HandshakeConfig{MagicCookieKey: "OPENVIBEZ_PLUGIN", MagicCookieValue: "provider"}
}

// PluginSets is what go-plugin is given on both sides, by protocol version. The host passes nil and gets a
// providerv1.ProviderServiceClient from Dispense(PluginName).
func PluginSets(p Provider) map[int]plugin.PluginSet {
	return map[int]plugin.PluginSet{ProtocolVersion: {PluginName: &adapter{provider: p}}}
}

// NewGRPCServer makes a gRPC server with the limits of the protocol.
func NewGRPCServer(opts []grpc.ServerOption) *grpc.Server {
	return grpc.NewServer(append(opts, grpc.MaxRecvMsgSize(MaxMessageBytes), grpc.MaxSendMsgSize(MaxMessageBytes))...)
}

// adapter joins a provider to go-plugin.
type adapter struct {
	plugin.NetRPCUnsupportedPlugin
	provider Provider
}

func (a *adapter) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	if a.provider == nil {
		return errors.New("serve a plugin without a provider")
	}
	Register(s, a.provider)
	return nil
}

func (a *adapter) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return providerv1.NewProviderServiceClient(conn), nil
}

// byHand says what to do with a plugin that was started like a program.
func byHand(d *providerv1.DescribeResponse, program string) string {
	id, want := d.GetId(), "openvibez-provider-"+d.GetId()
	var b strings.Builder
	fmt.Fprintf(&b, "This is the provider plugin %q for OpenVibez. It does nothing by itself: OpenVibez starts it.\n\n", orWords(d.GetName(), id))
	fmt.Fprintf(&b, "To add it, put this file beside the openvibez program")
	if base := strings.TrimSuffix(filepath.Base(program), ".exe"); base != want {
		fmt.Fprintf(&b, ", named %s,", want)
	}
	fmt.Fprintf(&b, " and run\n\n    openvibez provider add %s\n", id)
	return b.String()
}

// logHandler writes what go-plugin on the host's side reads back as fields and levels.
func logHandler(w *os.File) slog.Handler {
	return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) > 0 {
			return a
		}
		switch a.Key {
		case slog.TimeKey:
			return slog.String("@timestamp", a.Value.Time().Format("2006-01-02T15:04:05.000000Z07:00"))
		case slog.LevelKey:
			return slog.String("@level", hclogLevel(a.Value.Any().(slog.Level)))
		case slog.MessageKey:
			return slog.String("@message", a.Value.String())
		}
		return a
	}})
}

func hclogLevel(l slog.Level) string {
	switch {
	case l < slog.LevelInfo:
		return "debug"
	case l < slog.LevelWarn:
		return "info"
	case l < slog.LevelError:
		return "warn"
	}
	return "error"
}
