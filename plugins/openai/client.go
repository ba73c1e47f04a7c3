package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/openai/openai-go/v3/responses"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

const (
	// patience is how long a server may take to answer what costs it nothing.
	patience = 20 * time.Second
	// maxBody is the longest answer that is no stream.
	maxBody = 64 << 20
)

// client speaks to one server.
type client struct {
	http *http.Client
	base string
	host string
	// official is OpenAI itself, about whose models more is known.
	official bool
	// api is apiResponses or apiChat.
	api      string
	settings *settings
	// responses is OpenAI's own library. Chat Completions and the list of models go without it: its package for them
	// would make this program more than twice as large.
	responses responses.ResponseService
}

func newClient(conn *providerv1.Connection) (*client, error) {
	set, err := parseSettings(conn.GetSettingsJson())
	if err != nil {
		return nil, err
	}
	base := strings.TrimRight(conn.GetBaseUrl(), "/")
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST,
			"%q is no address of a server. Write it like https://api.openai.com/v1 in this provider's settings.", conn.GetBaseUrl())
	}
	// What is copied from examples often names one call.
	for _, end := range []string{"/chat/completions", "/responses", "/models"} {
		base = strings.TrimSuffix(base, end)
	}
	official := u.Hostname() == "api.openai.com" || strings.HasSuffix(u.Hostname(), ".api.openai.com")
	if official && strings.Trim(u.Path, "/") == "" {
		base += "/v1"
	}
	c := &client{http: sdk.HTTPClient(conn), base: base, host: u.Host, official: official, api: set.API, settings: set}
	if c.api == apiAuto {
		c.api = apiChat
		if official {
			c.api = apiResponses
		}
	}
	// The service, unlike the whole client, reads nothing from the environment. It needs no key: the host adds it.
	c.responses = responses.NewResponseService(option.WithHTTPClient(c.http), option.WithBaseURL(base), option.WithMaxRetries(0))
	return c, nil
}

// send makes one request. An answer of 400 or more is an error in words; model is what it is about.
func (c *client) send(ctx context.Context, method, path, model string, in any) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		encoded := &bytes.Buffer{}
		enc := json.NewEncoder(encoded)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(in); err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		body = encoded
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

// through makes one request with OpenAI's library and gives its answer as it came: what the library makes of errors
// and events loses their words and costs eight times as much.
func (c *client) through(model string, call func(option.RequestOption) error) (*http.Response, error) {
	var res *http.Response
	err := call(option.WithResponseBodyInto(&res))
	if res != nil && res.StatusCode >= 400 {
		return nil, c.refused(res, model)
	}
	if err != nil {
		return nil, c.broken(err)
	}
	return res, nil
}

// read gives the whole of an answer that is no stream.
func (c *client) read(res *http.Response, into any) error {
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		return c.broken(err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return c.notOpenAI(body)
	}
	return nil
}

// events calls each with the data of every event of an answer, until it says stop or fails. An answer that is no
// stream, though one was asked for, is one event. The end of the stream is no error here: each knows whether it had all.
func (c *client) events(ctx context.Context, res *http.Response, each func(data []byte) (stop bool, err error)) error {
	switch kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); kind {
	case "application/json":
		body, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
		if err != nil {
			return c.broken(err)
		}
		_, err = each(body)
		return err
	case "text/html":
		body, _ := io.ReadAll(io.LimitReader(res.Body, 4<<10))
		return c.notOpenAI(body)
	}
	decoder := ssestream.NewDecoder(res)
	for decoder.Next() {
		data := bytes.TrimSpace(decoder.Event().Data)
		if len(data) == 0 {
			continue
		}
		if stop, err := each(data); stop || err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch err := decoder.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_PROVIDER, "%s sent a piece of an answer that is too large to read. Try again, or ask for less at once.", c.name())
	case err != nil:
		return c.broken(err)
	}
	return nil
}

// name is what people call the server.
func (c *client) name() string {
	if c.official {
		return "OpenAI"
	}
	return "The server at " + c.host
}

// requestID is what the server calls a request.
func requestID(h http.Header) string {
	for _, name := range []string{"X-Request-Id", "Request-Id", "Cf-Ray"} {
		if v := h.Get(name); v != "" {
			return v
		}
	}
	return ""
}
