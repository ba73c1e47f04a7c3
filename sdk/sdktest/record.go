package sdktest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// EnvRecord has [Recorded] speak to the real service and write down what it says, if it is "1".
const EnvRecord = "SDKTEST_RECORD"

// exchange is one request and its answer, as they are kept.
type exchange struct {
	Method   string              `json:"method"`
	URL      string              `json:"url"`
	Request  string              `json:"request,omitempty"`
	Status   int                 `json:"status"`
	Header   map[string][]string `json:"header,omitempty"`
	Response string              `json:"response"`
}

// Recorded stands in for the host's socket, as [Network] does, with what a real service once said. Without EnvRecord
// requests are answered from file, in the order in which they were recorded, and reach nobody. With it they go to the
// origins, header added as the host adds the key, and file is written when the test has passed. What looks like a
// credential is never written: no request headers, a few harmless headers of answers, and in bodies and addresses every
// value of header and whatever has the form of a key is replaced.
func Recorded(t testing.TB, file string, header http.Header, origins ...string) {
	t.Helper()
	r := &recording{file: file, secrets: secretsOf(header)}
	recording := os.Getenv(EnvRecord) == "1"
	if !recording {
		if err := r.load(); errors.Is(err, fs.ErrNotExist) {
			t.Skipf("there is no recording %s: run the test with %s=1 and a key to make it", file, EnvRecord)
		} else if err != nil {
			t.Fatal(err)
		}
	}
	var through http.RoundTripper = replayer{r}
	if recording {
		through = recorder{r, &http.Transport{}}
	}
	serveHost(t, host{origins: origins, header: header, through: through})
	t.Cleanup(func() {
		if recording && !t.Failed() {
			if err := r.save(); err != nil {
				t.Error(err)
			}
		}
	})
}

type recording struct {
	file    string
	secrets []string

	mu        sync.Mutex
	exchanges []exchange
}

func (r *recording) load() error {
	text, err := os.ReadFile(r.file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &r.exchanges); err != nil {
		return fmt.Errorf("read the recording %s: %w", r.file, err)
	}
	return nil
}

func (r *recording) save() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var text bytes.Buffer
	out := json.NewEncoder(&text)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	if err := out.Encode(r.exchanges); err != nil {
		return fmt.Errorf("write the recording: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(r.file), 0o755); err != nil {
		return fmt.Errorf("make a directory for the recording: %w", err)
	}
	if err := os.WriteFile(r.file, text.Bytes(), 0o600); err != nil {
		return fmt.Errorf("write the recording: %w", err)
	}
	return nil
}

const removed = "[removed]"

// secretForm finds credentials by their form, in texts, JSON and addresses.
var secretForm = regexp.MustCompile(`(?i)\b(?:bearer|basic)\s+[a-z0-9._~+/=-]{8,}|\b(?:sk|pk|rk|gsk|xai|ghp|github_pat)[-_][a-z0-9_-]{8,}|\bAIza[0-9A-Za-z_-]{20,}|\beyJ[a-z0-9_-]{10,}\.[a-z0-9_-]{10,}\.[a-z0-9_-]*`)

// secretField finds the values of fields that hold credentials by their name.
var secretField = regexp.MustCompile(`(?i)((?:api[_-]?key|access[_-]?token|refresh[_-]?token|id[_-]?token|client[_-]?secret|password|authorization)(?:"\s*:\s*"|=))([^"&\s]+)`)

func secretsOf(h http.Header) []string {
	var list []string
	for _, values := range h {
		for _, v := range values {
			list = append(list, v)
			if _, key, ok := strings.Cut(v, " "); ok {
				list = append(list, key)
			}
		}
	}
	return list
}

// clean takes credentials out of a text.
func (r *recording) clean(text string) string {
	for _, s := range r.secrets {
		if len(s) > 3 {
			text = strings.ReplaceAll(text, s, removed)
		}
	}
	return secretField.ReplaceAllString(secretForm.ReplaceAllString(text, removed), "${1}"+removed)
}

// harmless are the headers of answers that are kept.
var harmless = []string{"Content-Type", "Retry-After", "X-Request-Id", "Request-Id"}

func (r *recording) of(req *http.Request, body []byte) exchange {
	return exchange{Method: req.Method, URL: r.clean(req.URL.String()), Request: r.clean(string(body))}
}

// recorder lets requests through and writes down what comes back.
type recorder struct {
	*recording
	next http.RoundTripper
}

func (r recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	sent, err := take(&req.Body)
	if err != nil {
		return nil, err
	}
	res, err := r.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	said, err := take(&res.Body)
	if err != nil {
		return nil, err
	}
	e := r.of(req, sent)
	e.Status, e.Response, e.Header = res.StatusCode, r.clean(string(said)), map[string][]string{}
	for _, name := range harmless {
		if v := res.Header.Values(name); len(v) > 0 {
			e.Header[name] = []string{r.clean(v[0])}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.exchanges = append(r.exchanges, e)
	return res, nil
}

// take reads a body and puts another one with the same content in its place.
func take(body *io.ReadCloser) ([]byte, error) {
	if *body == nil || *body == http.NoBody {
		return nil, nil
	}
	content, err := io.ReadAll(*body)
	_ = (*body).Close()
	*body = io.NopCloser(bytes.NewReader(content))
	return content, err
}

// replayer answers requests as they were answered once.
type replayer struct{ *recording }

func (r replayer) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := take(&req.Body)
	if err != nil {
		return nil, err
	}
	want := r.of(req, body)
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, e := range r.exchanges {
		if e.Method != want.Method || e.URL != want.URL || e.Request != want.Request {
			continue
		}
		// The last of equal ones is given again and again.
		for _, later := range r.exchanges[i+1:] {
			if later.Method == e.Method && later.URL == e.URL && later.Request == e.Request {
				r.exchanges = append(r.exchanges[:i], r.exchanges[i+1:]...)
				break
			}
		}
		header := http.Header(e.Header).Clone()
		if header == nil {
			header = http.Header{}
		}
		return &http.Response{
			StatusCode: e.Status, Status: fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: header, Body: io.NopCloser(strings.NewReader(e.Response)), ContentLength: int64(len(e.Response)), Request: req,
		}, nil
	}
	return nil, fmt.Errorf("%s has no answer to %s %s with the body %.200q: record it again with %s=1", r.file, want.Method, want.URL, want.Request, EnvRecord)
}
