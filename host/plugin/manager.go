package plugin

import (
	"context"
	"log/slog"
	"net/http"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/egress"
	"github.com/openvibez/openvibez/host/sandbox"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Config is what a Manager works with.
type Config struct {
	// Where openvibez-provider-* programs are looked for; the first one of a name wins. Those in the first directory came
	// with the host and are trusted as it is.
	PluginDirs []string
	// Where packages are installed; "": nowhere.
	InstallDir string
	// Confines them. nil: nothing does.
	Sandbox *sandbox.Sandbox
	// A short path of this host alone; sockets are made below it. What an earlier host left there is removed.
	RuntimeDir string
	Logger     *slog.Logger
	// Where network proxies and the few variables that a plugin gets are read: os.Getenv.
	Getenv func(string) string
}

// Manager runs the plugins: one process each, started when first needed, shared by all its connections.
type Manager struct {
	dirs       []string
	installs   installs
	shelf      shelf
	sandbox    *sandbox.Sandbox
	verified   *verified
	runtimeDir string
	log        *slog.Logger
	getenv     func(string) string
	routes     *egress.Routes
	timing     timing
	// Holds a value when something of what Known tells has changed.
	changed chan struct{}

	// Ends when Close is called.
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup

	// Clears what an earlier host left, before the first start.
	sweep  sync.Once
	starts atomic.Int64

	mu      sync.Mutex
	plugins map[string]*plugin
	// By id: plugins that run from their authors' directories.
	development map[string]file
	closed      bool
}

// timing holds every duration that a test may want shorter.
type timing struct {
	start     time.Duration
	describe  time.Duration
	ping      time.Duration
	pingReply time.Duration
	idle      time.Duration
	// For a process that has only been asked what it is.
	idleUnused time.Duration
	backoff    time.Duration
	maxBackoff time.Duration
	// How far back failures count.
	memory time.Duration
	// How long a stream may stay open after its end.
	linger time.Duration
	// How long a cancelled run may go on in an otherwise unused process.
	stubborn time.Duration
}

const (
	// Restarts that may fail before a plugin is switched off.
	maxRestarts = 3
	// Health checks that may go unanswered before a plugin counts as dead.
	maxMisses = 3
)

// New makes a Manager. Nothing is started.
func New(c Config) *Manager {
	m := &Manager{
		dirs:       c.PluginDirs,
		changed:    make(chan struct{}, 1),
		installs:   installs{dir: c.InstallDir},
		sandbox:    c.Sandbox,
		verified:   &verified{files: map[file]bool{}},
		runtimeDir: c.RuntimeDir,
		log:        c.Logger,
		getenv:     c.Getenv,
		routes:     egress.NewRoutes(c.Getenv),
		plugins:    map[string]*plugin{},

		development: map[string]file{},
		timing: timing{
			start: 10 * time.Second, describe: 10 * time.Second,
			ping: 15 * time.Second, pingReply: 5 * time.Second,
			idle: 10 * time.Minute, idleUnused: 30 * time.Second,
			backoff: time.Second, maxBackoff: 30 * time.Second, memory: time.Hour,
			linger: 5 * time.Second, stubborn: 10 * time.Second,
		},
	}
	if m.sandbox == nil {
		m.sandbox = sandbox.New(sandbox.Config{Logger: slog.New(slog.DiscardHandler)})
	}
	m.installs.changed = m.touch
	m.ctx, m.cancel = context.WithCancel(context.Background())
	return m
}

// Sweep removes what an earlier host left half installed. Only the host that holds the data directory may do that.
func (m *Manager) Sweep() { m.sweepInstalls() }

// Close stops all plugins and waits until they are gone. Turns under way end with an error.
func (m *Manager) Close() {
	m.mu.Lock()
	m.closed = true
	plugins := m.plugins
	m.plugins = map[string]*plugin{}
	m.mu.Unlock()
	m.cancel()
	for _, p := range plugins {
		p.stop()
	}
	m.work.Wait()
	m.routes.Close()
}

// Direct sends the host's own requests as those of plugins go, to wherever a person said.
func (m *Manager) Direct() http.RoundTripper { return m.routes.Direct() }

// Changed is sent a value after something of what Known tells has changed. It is for one listener.
func (m *Manager) Changed() <-chan struct{} { return m.changed }

func (m *Manager) touch() {
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// Known lists what is installed, by id, as far as it is known: nothing is started.
func (m *Manager) Known() []*apiv1.Plugin {
	return m.list(func(f file) *apiv1.Plugin { return m.look(f, nil) })
}

// Plugins lists what is installed, by id. One that was never asked what it is gets started for that, once for each
// version of its file; why it could not be is its problem.
func (m *Manager) Plugins(ctx context.Context) []*apiv1.Plugin {
	return m.list(func(f file) *apiv1.Plugin { return m.look(f, asking(ctx)) })
}

// asking has a plugin say what it is.
func asking(ctx context.Context) func(*plugin) error {
	return func(p *plugin) error {
		_, err := p.describe(ctx)
		return err
	}
}

func (m *Manager) list(look func(file) *apiv1.Plugin) []*apiv1.Plugin {
	files := m.find()
	list := make([]*apiv1.Plugin, len(files))
	var asking sync.WaitGroup
	few := make(chan struct{}, 4)
	for i, f := range files {
		asking.Go(func() {
			few <- struct{}{}
			defer func() { <-few }()
			list[i] = look(f)
		})
	}
	asking.Wait()
	if l, err := m.installs.read(); err == nil {
		for i, f := range files {
			m.about(list[i], f, l)
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Id < list[j].Id })
	return list
}

// look gives one plugin as it is now, after asking it what it is if nobody has yet.
func (m *Manager) look(f file, ask func(*plugin) error) *apiv1.Plugin {
	a := &apiv1.Plugin{Id: f.id, Path: f.path, State: apiv1.Plugin_STATE_STOPPED}
	p, err := m.plugin(f.id)
	if err != nil {
		a.Problem = err.Error()
		return a
	}
	if f.problem != "" {
		a.Problem = f.problem
		return a
	}
	if ask != nil && p.untried(f) {
		if err := ask(p); err != nil {
			a.Problem = err.Error()
		}
	}
	p.report(a)
	return a
}

// Described is what a plugin says about itself, and how far its word counts.
type Described struct {
	*providerv1.DescribeResponse
	// It came with the host.
	BuiltIn bool
	// Why no key may be used for it; nil: keys may.
	KeyWithheld error
}

// Describe tells what a plugin says about itself, starting it if it has not been asked since its file changed.
func (m *Manager) Describe(ctx context.Context, id string) (Described, error) {
	p, err := m.plugin(id)
	if err != nil {
		return Described{}, err
	}
	d, err := p.describe(ctx)
	if err != nil {
		return Described{}, err
	}
	f := p.described()
	return Described{DescribeResponse: d, BuiltIn: f.builtIn, KeyWithheld: m.keyWithheld(f, d)}, nil
}

// Retry gives a plugin that is switched off because it failed another chance.
func (m *Manager) Retry(id string) {
	if p, err := m.plugin(id); err == nil {
		p.retry()
	}
}

// plugin gives the one plugin of an id, whether or not it is installed.
func (m *Manager) plugin(id string) (*plugin, error) {
	if !validID(id) {
		return nil, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST,
			"%q is no plugin's name; names have lower-case letters, digits and dashes", id)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, errEnding()
	}
	p := m.plugins[id]
	if p == nil {
		p = newPlugin(m, id)
		m.plugins[id] = p
	}
	return p, nil
}

func errEnding() error {
	return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_CANCELLED, "the host is ending")
}
