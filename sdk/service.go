package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

const (
	// maxAnswer is how long an answer that is no stream may be, in bytes.
	maxAnswer = 64 << 20
	// maxRefusal is how much is read of an answer that is an error.
	maxRefusal = 64 << 10
)

// Service is one HTTP service: it gets JSON and answers with JSON, with server-sent events or with lines of JSON.
type Service struct {
	HTTP *http.Client
	// Base is its address. A query in it goes behind the path of each call.
	Base string
	// Refused makes an error of an answer that is none: an error's, or a redirection, which is never followed. Its body was
	// read. Nil: [ClassifyHTTP].
	Refused func(res *http.Response, body []byte) error
	// Broken makes an error of a connection that failed. Nil: [Classify].
	Broken func(error) error
}

// NewService gives the service at a connection's base URL.
func NewService(c *providerv1.Connection) *Service {
	return &Service{HTTP: HTTPClient(c), Base: c.GetBaseUrl()}
}

// Send sends body as JSON to a path below the address, or nothing if body is nil, and gives the answer if its status says
// that it is one. Its body has to be closed.
func (s *Service) Send(ctx context.Context, method, path string, body any) (*http.Response, error) {
	if s.Base == "" {
		return nil, Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "No address is known to send requests to. Enter the base URL of the provider.").Blaming("base_url")
	}
	var content io.Reader
	if body != nil {
		text := &bytes.Buffer{}
		enc := json.NewEncoder(text)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(body); err != nil {
			return nil, Errorf(providerv1.ErrorCode_ERROR_CODE_PLUGIN, "The plugin could not write its request: %w", err)
		}
		content = text
	}
	at := JoinURL(s.Base, path)
	req, err := http.NewRequestWithContext(ctx, method, at, content)
	if err != nil {
		return nil, Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "The address %q can't be used: %w", at, err).Blaming("base_url")
	}
	req.Header.Set("Accept", "application/json, text/event-stream")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := s.HTTP.Do(req)
	if err != nil {
		return nil, s.broken(err)
	}
	if res.StatusCode < 300 {
		return res, nil
	}
	return nil, s.Refuse(res)
}

// Refuse makes an error of an answer that is none, and closes it.
func (s *Service) Refuse(res *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(res.Body, maxRefusal))
	_ = res.Body.Close()
	if err != nil && len(body) == 0 {
		return s.broken(err)
	}
	if s.Refused != nil {
		return s.Refused(res, body)
	}
	return ClassifyHTTP(res, append([]byte{}, body...))
}

// Read reads an answer that is no stream into v, a pointer. What is no JSON gives the bytes that came beside the error.
func (s *Service) Read(res *http.Response, v any) (came []byte, err error) {
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, s.broken(err)
	}
	if err := json.Unmarshal(body, v); err != nil {
		return body, strange(res.Request.URL.Path, body, err)
	}
	return nil, nil
}

func (s *Service) broken(err error) error {
	if s.Broken != nil {
		return s.Broken(err)
	}
	return Classify(err)
}

// JoinURL puts a path behind an address, before its query.
func JoinURL(base, path string) string {
	before, query, has := strings.Cut(base, "?")
	joined := strings.TrimRight(before, "/") + path
	if has {
		sign := "?"
		if strings.Contains(path, "?") {
			sign = "&"
		}
		joined += sign + query
	}
	return joined
}
