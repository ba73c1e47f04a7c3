package sdktest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// kit checks one provider.
type kit struct {
	Config
	open    opener
	service *service
}

// opener starts the provider anew.
type opener func() (*subject, error)

// subject is a provider that runs.
type subject struct {
	client providerv1.ProviderServiceClient
	close  func() (problems []string)
}

// with starts the provider, lets f use it, stops it, and sees that nothing is left of it.
func (k *kit) with(ctx context.Context, f func(context.Context, *subject) []string) (problems []string) {
	// Goroutines inherit labels, so those that f sets off are told from all others.
	label := rand.Text()
	pprof.Do(ctx, pprof.Labels("sdktest", label), func(ctx context.Context) {
		s, err := k.open()
		if err != nil {
			problems = []string{"start the provider: " + err.Error()}
			return
		}
		problems = append(f(ctx, s), s.close()...)
	})
	if left := settle(k.Patience, func() string { return goroutines(label) }); left != "" {
		problems = append(problems, "goroutines are left running:\n"+left)
	}
	return problems
}

// settle asks again and again until nothing is left or patience is at its end.
func settle(patience time.Duration, left func() string) string {
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if l := left(); l == "" || time.Now().After(deadline) {
			return l
		}
	}
}

// goroutines gives the stacks of those that carry label.
func goroutines(label string) string {
	var b bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&b, 1); err != nil {
		return err.Error()
	}
	var left []string
	for _, stack := range strings.Split(b.String(), "\n\n") {
		if strings.Contains(stack, label) {
			left = append(left, stack)
		}
	}
	return strings.Join(left, "\n\n")
}

func inProcess(p sdk.Provider) opener {
	return raw(func(s *grpc.Server) { sdk.Register(s, p) })
}

// raw serves what register adds, over gRPC on a socket.
func raw(register func(*grpc.Server)) opener {
	return func() (*subject, error) {
		dir, err := os.MkdirTemp("", "sdktest")
		if err != nil {
			return nil, err
		}
		socket := filepath.Join(dir, "plugin.sock")
		l, err := net.Listen("unix", socket)
		if err != nil {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
		server := sdk.NewGRPCServer(nil)
		register(server)
		go func() { _ = server.Serve(l) }()
		conn, err := grpc.NewClient("unix:"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(sdk.MaxMessageBytes), grpc.MaxCallSendMsgSize(sdk.MaxMessageBytes)))
		if err != nil {
			server.Stop()
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
		return &subject{client: providerv1.NewProviderServiceClient(conn), close: func() []string {
			_ = conn.Close()
			server.Stop()
			_ = os.RemoveAll(dir)
			return nil
		}}, nil
	}
}

// command starts a program as the host does, but for the confinement.
func command(argv, env []string, patience time.Duration) opener {
	return func() (*subject, error) {
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Env = env
		ownGroup(cmd)
		stderr := &tail{}
		client := plugin.NewClient(&plugin.ClientConfig{
			HandshakeConfig:  sdk.Handshake(),
			VersionedPlugins: sdk.PluginSets(nil),
			AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
			Cmd:              cmd,
			AutoMTLS:         true,
			SkipHostEnv:      true,
			StartTimeout:     patience,
			Stderr:           stderr,
			Logger:           hclog.NewNullLogger(),
		})
		dispensed, err := dispense(client)
		if err != nil {
			client.Kill()
			return nil, fmt.Errorf("%w\nits standard error was:\n%s", err, stderr)
		}
		return &subject{client: dispensed, close: func() []string {
			client.Kill()
			var problems []string
			if st := cmd.ProcessState; st == nil || !st.Exited() {
				problems = append(problems, fmt.Sprintf("the program did not exit by itself when asked to (%v); its standard error was:\n%s", st, stderr))
			}
			if left := settle(min(patience, 2*time.Second), func() string { return groupLeft(cmd) }); left != "" {
				killGroup(cmd)
				problems = append(problems, left)
			}
			return problems
		}}, nil
	}
}

func dispense(c *plugin.Client) (providerv1.ProviderServiceClient, error) {
	protocol, err := c.Client()
	if err != nil {
		return nil, err
	}
	dispensed, err := protocol.Dispense(sdk.PluginName)
	if err != nil {
		return nil, err
	}
	return dispensed.(providerv1.ProviderServiceClient), nil
}

// tail keeps the last of what is written to it.
type tail struct {
	mu sync.Mutex
	b  []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	t.b = t.b[max(0, len(t.b)-16<<10):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}
