// Package openaitest is a server that speaks as OpenAI does, for tests: its answers and its faults are scripted.
//
// It is built from the public API reference and knows /v1/responses, also in the background, /v1/chat/completions and
// /v1/models. It checks requests as OpenAI does and refuses what OpenAI would. The last thing the user said is the
// script: "hello", "count 100", "tool get_weather {}", "status 429 2", "cut"; see scripts.go. A test that needs an
// answer of its own gives it to [Server.Answer].
package openaitest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Names of the models.
const (
	Model   = "gpt-scripted"       // thinks, uses tools, sees
	Plain   = "gpt-scripted-plain" // does not think, and refuses to be told to
	Chat    = "gpt-scripted-chat"  // takes no max_tokens, but max_completion_tokens
	NoModel = "gpt-missing"        // is not there
)

// Config says how a server is to be. The zero Config is the ordinary one.
type Config struct {
	// Key is wanted as a Bearer token; empty: none is.
	Key string
	// Looks is how many looks at work in the background find it unfinished; 0: two.
	Looks int
	// Pause is the time between the deltas of an ordinary answer.
	Pause time.Duration
}

// Server is a scripted server under way.
type Server struct {
	// URL is its base URL, such as http://127.0.0.1:41234/v1.
	URL string

	cfg    Config
	server *httptest.Server
	closed chan struct{}

	mu       sync.Mutex
	requests []*Request
	answers  []http.HandlerFunc
	tries    map[string]int
	works    map[string]*work
	open     int
	ids      int
}

// Request is what a client sent.
type Request struct {
	Method, Path string
	Header       http.Header
	// Body is the JSON object sent, nil if there was none.
	Body map[string]any
}

// Start runs an ordinary server until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	return StartWith(t, Config{})
}

// StartWith is Start for a server that is not the ordinary one.
func StartWith(t testing.TB, cfg Config) *Server {
	t.Helper()
	s := Run(cfg)
	t.Cleanup(s.Close)
	return s
}

// Run starts a server that runs until Close.
func Run(cfg Config) *Server {
	if cfg.Looks == 0 {
		cfg.Looks = 2
	}
	s := &Server{cfg: cfg, closed: make(chan struct{}), tries: map[string]int{}, works: map[string]*work{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", s.models)
	mux.HandleFunc("POST /v1/responses", s.responses)
	mux.HandleFunc("GET /v1/responses/{id}", s.look)
	mux.HandleFunc("POST /v1/responses/{id}/cancel", s.cancel)
	mux.HandleFunc("POST /v1/chat/completions", s.chat)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotFound, apiError{Message: fmt.Sprintf("Invalid URL (%s %s)", r.Method, r.URL.Path), Type: "invalid_request_error"})
	})
	s.server = httptest.NewServer(s.receive(mux))
	s.URL = s.server.URL + "/v1"
	return s
}

// Close stops the server and ends what it is still saying.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closed:
	default:
		close(s.closed)
		s.server.CloseClientConnections()
		go s.server.Close()
	}
}

// Requests are those that came so far, oldest first.
func (s *Server) Requests() []*Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Last is the newest request that had a body, nil if there was none.
func (s *Server) Last() *Request {
	for _, r := range slices.Backward(s.Requests()) {
		if r.Body != nil {
			return r
		}
	}
	return nil
}

// Answer has the next requests for an answer answered by these, one each.
func (s *Server) Answer(with ...http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = append(s.answers, with...)
}

// Open is how many requests are being answered now.
func (s *Server) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

// receive records requests and asks for the key before anything else is done.
func (s *Server) receive(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		req := &Request{Method: r.Method, Path: r.URL.Path, Header: r.Header.Clone()}
		broken := len(data) > 0 && json.Unmarshal(data, &req.Body) != nil
		s.mu.Lock()
		s.requests = append(s.requests, req)
		s.open++
		s.ids++
		w.Header().Set("X-Request-Id", fmt.Sprintf("req_%d", s.ids))
		s.mu.Unlock()
		defer func() {
			s.mu.Lock()
			s.open--
			s.mu.Unlock()
		}()
		key, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		switch {
		case s.cfg.Key != "" && key == "":
			refuse(w, http.StatusUnauthorized, apiError{Message: "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).", Type: "invalid_request_error"})
		case s.cfg.Key != "" && key != s.cfg.Key:
			refuse(w, http.StatusUnauthorized, apiError{Message: "Incorrect API key provided: " + key[:min(4, len(key))] + "***. You can find your API key at https://platform.openai.com/account/api-keys.", Type: "invalid_request_error", Code: "invalid_api_key"})
		case broken:
			refuse(w, http.StatusBadRequest, apiError{Message: "We could not parse the JSON body of your request.", Type: "invalid_request_error"})
		default:
			next.ServeHTTP(w, r.WithContext(withRequest(r.Context(), req)))
		}
	})
}

// given is the answer a test prepared for the next request, if there is one.
func (s *Server) given() http.HandlerFunc {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.answers) == 0 {
		return nil
	}
	next := s.answers[0]
	s.answers = s.answers[1:]
	return next
}

// try counts how often something was asked.
func (s *Server) try(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries[what]++
	return s.tries[what]
}

func (s *Server) newID(kind string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids++
	return fmt.Sprintf("%s_%d", kind, s.ids)
}

func (s *Server) models(w http.ResponseWriter, _ *http.Request) {
	var data []any
	for i, id := range []string{Model, Plain, Chat, "text-embedding-scripted"} {
		data = append(data, map[string]any{"id": id, "object": "model", "created": 1795000000 + i, "owned_by": "scripted"})
	}
	writeJSON(w, http.StatusOK, map[string]any{"object": "list", "data": data})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
