package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// patience is how long Ollama may take to answer what costs it nothing.
const patience = 15 * time.Second

// client speaks to one Ollama.
type client struct {
	http *http.Client
	base string
}

func newClient(conn *providerv1.Connection) (*client, error) {
	base, _, _ := strings.Cut(conn.GetBaseUrl(), "?")
	base = strings.TrimRight(base, "/")
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

// about is the service, with words for calls about a model.
func (c *client) about(model string) *sdk.Service {
	return &sdk.Service{HTTP: c.http, Base: c.base, Broken: c.broken, Refused: func(res *http.Response, body []byte) error {
		return c.refused(res, body, model)
	}}
}

// call makes one request and reads the whole answer into out, unless that is nil. model names the model it is about,
// for the words of an error.
func (c *client) call(ctx context.Context, method, path, model string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	service := c.about(model)
	res, err := service.Send(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if out == nil {
		return nil
	}
	came, err := service.Read(res, out)
	if came != nil {
		return c.notOllama(came)
	}
	return err
}

// lines calls each with every line of a stream, until it says stop or fails. A stream that ends earlier is cut.
func (c *client) lines(ctx context.Context, path, model string, in any, each func(line []byte) (stop bool, err error)) error {
	res, err := c.about(model).Send(ctx, http.MethodPost, path, in)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	for line, err := range sdk.Lines(res.Body) {
		switch line = bytes.TrimSpace(line); {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return c.broken(err)
		case len(line) == 0:
			continue
		}
		if stop, err := each(line); stop || err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
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
		return "", c.notOllama(nil)
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
