package ollamatest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// Server is an Ollama server under way.
type Server struct {
	// URL is where it listens, such as http://127.0.0.1:41234.
	URL string
	// Models are the names of its models; the first will do for most things.
	Models []string

	directory string
	keeper    *exec.Cmd
	lifeline  io.Closer
	ended     chan struct{}
	once      sync.Once
}

// Run builds what is needed and runs a server until Stop. It dies with this process, whatever happens to it.
func Run(ctx context.Context, cfg Config) (*Server, error) {
	ollama, err := Build(ctx)
	if err != nil {
		return nil, err
	}
	if cfg.Directory == "" {
		if cfg.Directory, err = os.MkdirTemp("", "ollamatest-"); err != nil {
			return nil, fmt.Errorf("make directory: %w", err)
		}
	}
	// One of the places, relative to its working directory, where Ollama looks for its engine.
	engine := filepath.Join(cfg.Directory, "build", "lib", "ollama", "llama-server"+exe())
	if err := buildEngine(ctx, engine); err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		s, err := launch(ctx, cfg, ollama, engine)
		if err == nil {
			return s, nil
		}
		// Somebody else may have taken the port that was free a moment ago.
		if !errors.Is(err, errEnded) || cfg.Address != "" || try == 3 {
			return nil, err
		}
	}
}

var errEnded = errors.New("the server ended")

func launch(ctx context.Context, cfg Config, ollama, engine string) (*Server, error) {
	address := cfg.Address
	if address == "" {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		address = listener.Addr().String()
		_ = listener.Close()
	}
	s := &Server{URL: "http://" + address, directory: cfg.Directory, ended: make(chan struct{})}
	logFile, err := os.Create(s.logPath())
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	defer func() { _ = logFile.Close() }()

	s.keeper = exec.Command(engine, "keep", ollama, "serve")
	s.keeper.Dir = cfg.Directory
	s.keeper.Env = environment(cfg, address, s.journalPath())
	s.keeper.Stdout, s.keeper.Stderr = logFile, logFile
	if s.lifeline, err = s.keeper.StdinPipe(); err != nil {
		return nil, fmt.Errorf("open lifeline: %w", err)
	}
	if err := s.keeper.Start(); err != nil {
		return nil, fmt.Errorf("start Ollama: %w", err)
	}
	go func() {
		_ = s.keeper.Wait()
		close(s.ended)
	}()
	if err := s.wait(ctx); err != nil {
		s.Stop()
		return nil, fmt.Errorf("%w; its log ends:\n%s", err, tail(s.Log(), 15))
	}
	if !cfg.Empty {
		if err := s.importModels(ctx); err != nil {
			s.Stop()
			return nil, err
		}
	}
	return s, nil
}

// environment is all that the server sees of ours. Nothing it does leaves this machine.
func environment(cfg Config, address, journal string) []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + cfg.Directory,
		"TMPDIR=" + os.TempDir(),
		"OLLAMA_HOST=" + address,
		"OLLAMA_MODELS=" + filepath.Join(cfg.Directory, "models"),
		"OLLAMA_NUM_PARALLEL=" + strconv.Itoa(max(cfg.Parallel, 1)),
		"OLLAMA_NO_CLOUD=1",
		"HTTPS_PROXY=http://127.0.0.1:9",
		"LLAMASERVER_LOG=" + journal,
	}
	if cfg.LoadTime > 0 {
		env = append(env, "LLAMASERVER_LOAD="+cfg.LoadTime.String())
	}
	return env
}

func (s *Server) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/api/version", nil)
		if err != nil {
			return fmt.Errorf("ask for the version: %w", err)
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-s.ended:
			return errEnded
		case <-ctx.Done():
			return fmt.Errorf("wait for the server: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop ends the server and every engine it started.
func (s *Server) Stop() {
	s.once.Do(func() {
		_ = s.lifeline.Close()
		select {
		case <-s.ended:
		case <-time.After(30 * time.Second):
			_ = s.keeper.Process.Kill()
			<-s.ended
		}
	})
}
