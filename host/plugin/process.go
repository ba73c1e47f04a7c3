package plugin

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	goplugincmd "github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/openvibez/openvibez/host/egress"
	"github.com/openvibez/openvibez/host/sandbox"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// process is one running plugin.
type process struct {
	file   file
	runner *runner
	client *goplugin.Client
	health grpc_health_v1.HealthClient
	rpc    providerv1.ProviderServiceClient
	egress *egress.Broker
	dir    string
	stderr *lineLog
	ending sync.Once

	// Under the plugin's lock.
	uses     int
	served   bool // has carried out a turn
	stopping bool // the host ends it
	// A turn was closed before it had ended; the plugin may not have noticed.
	abandoned bool
	killed    string
	idle      *time.Timer
	unwatch   context.CancelFunc
}

// startProcess starts a plugin and returns when it has answered. The error is for people.
func (m *Manager) startProcess(f file, p *plugin) (*process, error) {
	log := p.log
	m.sweep.Do(func() { _ = os.RemoveAll(filepath.Join(m.runtimeDir, "p")) })
	unconfined, err := m.confine(f)
	if err != nil {
		return nil, err
	}
	digest, err := m.verified.expect(f, unconfined)
	if err != nil {
		return nil, err
	}
	// A process that is still ending keeps its directory.
	dir, err := m.socketDir(f.id, m.starts.Add(1))
	if err != nil {
		return nil, err
	}
	// The plugin may write to the one, and sees the other.
	own, sockets := filepath.Join(dir, "own"), filepath.Join(dir, "host")
	for _, d := range []string{own, sockets} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("make the plugin's directory: %w", err)
		}
	}
	proc := &process{file: f, dir: dir, stderr: newLineLog(log)}
	socket := filepath.Join(sockets, "sock")
	if proc.egress, err = egress.Listen(socket, m.routes, p.traffic, p.secrets, log); err != nil {
		return nil, err
	}
	stdout := newLineLog(log)
	stdout.censor, proc.stderr.censor = p.secrets.Censor, p.secrets.Censor
	proc.runner = &runner{sandbox: m.sandbox, plugin: sandbox.Plugin{
		Path: f.path, SHA256: digest, Dir: own, Sockets: sockets, Memory: maxMemory, Processes: maxThreads, Unconfined: unconfined,
	}}
	proc.client = goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  sdk.Handshake(),
		VersionedPlugins: sdk.PluginSets(nil),
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		AutoMTLS:         true,
		SkipHostEnv:      true,
		StartTimeout:     m.timing.start,
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, _ string) (goplugincmd.Runner, error) {
			proc.runner.plugin.Env = pluginEnv(cmd.Env, own, socket, m.getenv)
			return proc.runner, nil
		},
		UnixSocketConfig:    &goplugin.UnixSocketConfig{TempDir: dir},
		Stderr:              proc.stderr,
		SyncStdout:          stdout,
		SyncStderr:          proc.stderr,
		PluginLogBufferSize: maxLogLine,
		Logger:              hclog.New(&hclog.LoggerOptions{Level: hclog.Off, Output: io.Discard}),
		GRPCDialOptions: []grpc.DialOption{grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(sdk.MaxMessageBytes), grpc.MaxCallSendMsgSize(sdk.MaxMessageBytes))},
	})
	if err := proc.connect(); err != nil {
		err = proc.startProblem(err)
		proc.close()
		return nil, err
	}
	m.verified.found(f)
	return proc, nil
}

func (p *process) connect() error {
	protocol, err := p.client.Client()
	if err != nil {
		return err
	}
	g, ok := protocol.(*goplugin.GRPCClient)
	if !ok {
		return fmt.Errorf("plugin speaks %T instead of gRPC", protocol)
	}
	p.health = grpc_health_v1.NewHealthClient(g.Conn)
	raw, err := protocol.Dispense(sdk.PluginName)
	if err != nil {
		return err
	}
	p.rpc, ok = raw.(providerv1.ProviderServiceClient)
	if !ok {
		return fmt.Errorf("plugin client is a %T", raw)
	}
	return nil
}

// close ends the process, at first politely, and removes what was made for it. It returns when the process is gone.
func (p *process) close() {
	p.ending.Do(func() {
		p.egress.Close()
		p.client.Kill()
		if p.runner.launched != nil {
			_ = p.runner.Kill(context.Background())
			<-p.runner.launched.Done()
		}
		_ = os.RemoveAll(p.dir)
	})
}

// ping asks for a sign of life.
func (p *process) ping(ctx context.Context, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	r, err := p.health.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: goplugin.GRPCServiceName})
	if err == nil && r.Status != grpc_health_v1.HealthCheckResponse_SERVING {
		return fmt.Errorf("health is %s", r.Status)
	}
	return err
}

// explain gives the typed error of a call that went wrong. If the process has died it says so instead of telling of a
// lost connection. when is "while answering".
func (p *process) explain(err error, name, when string) error {
	if c := status.Code(err); len(status.Convert(err).Details()) == 0 && (c == codes.Unavailable || c == codes.Canceled) {
		if c == codes.Unavailable {
			// The end of a process may lag behind the end of its connection.
			select {
			case <-p.runner.launched.Done():
			case <-time.After(2 * time.Second):
			}
		}
		if p.dead() {
			return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_PLUGIN, "the %s plugin %s", name, p.lastWords("stopped unexpectedly", when))
		}
	}
	return &sdk.Error{Proto: sdk.FromStatus(err)}
}

// dead tells whether the process has ended.
func (p *process) dead() bool {
	select {
	case <-p.runner.launched.Done():
		return true
	default:
		return false
	}
}

// lastWords says how the process ended: "stopped unexpectedly (signal: killed) while answering".
func (p *process) lastWords(what ...string) string {
	end := p.runner.launched.End()
	if p.killed != "" {
		end = p.killed
	}
	what[0] += " (" + end + ")"
	return strings.Join(what, " ")
}

// socketDir gives the private directory of a plugin's n-th start, its name shortened where the path of a socket in it
// would be too long for the system.
func (m *Manager) socketDir(id string, n int64) (string, error) {
	const longest = 103
	base, err := filepath.Abs(filepath.Join(m.runtimeDir, "p"))
	if err != nil {
		return "", fmt.Errorf("find runtime directory: %w", err)
	}
	for _, name := range []string{id, fmt.Sprintf("%x", sha256.Sum256([]byte(id)))[:8]} {
		dir := filepath.Join(base, fmt.Sprintf("%s.%d", name, n))
		if len(filepath.Join(dir, "own", "plugin1234567890")) <= longest {
			return dir, nil
		}
	}
	return "", fmt.Errorf("the runtime directory %s has too long a path for sockets; set OPENVIBEZ_HOME to a shorter one", m.runtimeDir)
}

// pluginEnv is the whole environment of a plugin: what go-plugin needs, and where the host listens.
func pluginEnv(given []string, own, socket string, getenv func(string) string) []string {
	env := []string{sdk.EnvHostSocket + "=" + socket, goplugin.EnvUnixSocketDir + "=" + own}
	for _, kv := range given {
		if !strings.HasPrefix(kv, goplugin.EnvUnixSocketDir+"=") {
			env = append(env, kv)
		}
	}
	if runtime.GOOS == "windows" {
		// Sockets don't work without it.
		env = append(env, "SYSTEMROOT="+getenv("SYSTEMROOT"))
	}
	return env
}
