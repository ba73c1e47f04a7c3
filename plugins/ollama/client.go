package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

const (
	// patience is how long Ollama may take to answer what costs it nothing.
	patience = 15 * time.Second
	// maxLine is the longest line of a stream; a whole tool call is one line.
	maxLine = 32 << 20
	// maxBody is the longest answer that is no stream; /api/show may list a vocabulary.
	maxBody = 64 << 20
)

// client speaks to one Ollama.
type client struct {
	http *http.Client
	base string
}

func newClient(conn *providerv1.Connection) (*client, error) {
	base := strings.TrimRight(conn.GetBaseUrl(), "/")
	if u, err := url.Parse(base); err != nil || u.Host == "" {
		return nil, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST,
			"%q is no address of an Ollama server. Write it like http://127.0.0.1:11434 in this provider's settings.", conn.GetBaseUrl())
	}
	// What other programs need at the end of the address would be wrong here.
	for _, end := range []string{"/v1", "/api"} {
		base = strings.TrimSuffix(base, end)
	}
	return &client{http: sdk.HTTPClient(conn), base: base}, nil
}

// call makes one request and reads the whole answer into out, unless that is nil. model names the model it is about,
// for the words of an error.
func (c *client) call(ctx context.Context, method, path, model string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	res, err := c.do(ctx, method, path, model, in)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		return c.broken(err)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return c.notOllama(string(body))
	}
	return nil
}

// do makes one request. An answer of 400 or more is an error in words.
func (c *client) do(ctx context.Context, method, path, model string, in any) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		encoded, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		body = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.broken(err)
	}
	if res.StatusCode >= 400 {
		return nil, c.refused(res, model)
	}
	return res, nil
}

// lines calls each with every line of a stream, until it says stop or fails. A stream that ends earlier is cut.
func (c *client) lines(ctx context.Context, path, model string, in any, each func(line []byte) (stop bool, err error)) error {
	res, err := c.do(ctx, http.MethodPost, path, model, in)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	scanner := bufio.NewScanner(res.Body)
	scanner.Buffer(make([]byte, 0, 64<<10), maxLine)
	for scanner.Scan() {
		line := bytes.TrimSpace(scanner.Bytes())
		if len(line) == 0 {
			continue
		}
		if stop, err := each(line); stop || err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	err = scanner.Err()
	switch {
	case errors.Is(err, bufio.ErrTooLong):
		return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_PROVIDER, "Ollama at %s sent a piece of an answer larger than %d MiB. Try again, or ask for less at once.", c.base, maxLine>>20)
	case err != nil:
		return c.broken(err)
	}
	return c.broken(io.ErrUnexpectedEOF)
}

// version gives the name and version for people. A server built from source says 0.0.0.
func (c *client) version(ctx context.Context) (string, error) {
	var answer struct {
		Version *string `json:"version"`
	}
	if err := c.call(ctx, http.MethodGet, "/api/version", "", nil, &answer); err != nil {
		return "", err
	}
	if answer.Version == nil {
		return "", c.notOllama("")
	}
	if *answer.Version == "" || *answer.Version == "0.0.0" {
		return "Ollama", nil
	}
	return "Ollama " + *answer.Version, nil
}

// listedModel is one model in /api/tags or /api/ps.
type listedModel struct {
	Name         string       `json:"name"`
	Model        string       `json:"model"`
	RemoteModel  string       `json:"remote_model"`
	RemoteHost   string       `json:"remote_host"`
	Size         int64        `json:"size"`
	Details      modelDetails `json:"details"`
	Capabilities []string     `json:"capabilities"`

	// Only in /api/ps.
	SizeVRAM      int64     `json:"size_vram"`
	ContextLength int64     `json:"context_length"`
	ExpiresAt     time.Time `json:"expires_at"`
}

type modelDetails struct {
	ParameterSize     string `json:"parameter_size"`
	QuantizationLevel string `json:"quantization_level"`
	ContextLength     int64  `json:"context_length"`
}

type modelList struct {
	Models []listedModel `json:"models"`
}

func (c *client) tags(ctx context.Context) ([]listedModel, error) {
	var list modelList
	err := c.call(ctx, http.MethodGet, "/api/tags", "", nil, &list)
	return list.Models, err
}

// running lists the models in memory. One that is being loaded is not among them yet.
func (c *client) running(ctx context.Context) ([]listedModel, error) {
	var list modelList
	err := c.call(ctx, http.MethodGet, "/api/ps", "", nil, &list)
	return list.Models, err
}
