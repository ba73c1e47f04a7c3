package main

import (
	"bytes"
	"context"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/openai/openai-go/v3/option"
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
	// query goes behind every call, for addresses that want a version there.
	query string
	host  string
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
	base, query, _ := strings.Cut(conn.GetBaseUrl(), "?")
	base = strings.TrimRight(base, "/")
	u, err := url.Parse(conn.GetBaseUrl())
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
	c := &client{http: sdk.HTTPClient(conn), base: base, query: query, host: u.Host, official: official, api: set.API, settings: set}
	if c.api == apiAuto {
		c.api = apiChat
		if official {
			c.api = apiResponses
		}
	}
	// The service, unlike the whole client, reads nothing from the environment. It needs no key: the host adds it.
	with := []option.RequestOption{option.WithHTTPClient(c.http), option.WithBaseURL(base), option.WithMaxRetries(0)}
	for name, values := range u.Query() {
		for _, v := range values {
			with = append(with, option.WithQueryAdd(name, v))
		}
	}
	c.responses = responses.NewResponseService(with...)
	return c, nil
}

// about is the service, with words for calls about a model.
func (c *client) about(model string) *sdk.Service {
	base := c.base
	if c.query != "" {
		base += "?" + c.query
	}
	return &sdk.Service{HTTP: c.http, Base: base, Broken: c.broken, Refused: func(res *http.Response, body []byte) error {
		return c.refused(res, body, model)
	}}
}

// send makes one request. What is no answer is an error in words; model is what it is about.
func (c *client) send(ctx context.Context, method, path, model string, in any) (*http.Response, error) {
	return c.about(model).Send(ctx, method, path, in)
}

// through makes one request with OpenAI's library and gives its answer as it came: what the library makes of errors
// and events loses their words and costs eight times as much.
func (c *client) through(model string, call func(option.RequestOption) error) (*http.Response, error) {
	var res *http.Response
	err := call(option.WithResponseBodyInto(&res))
	if res != nil && res.StatusCode >= 300 {
		return nil, c.about(model).Refuse(res)
	}
	if err != nil {
		return nil, c.broken(err)
	}
	return res, nil
}

// read gives the whole of an answer that is no stream.
func (c *client) read(res *http.Response, into any) error {
	came, err := c.about("").Read(res, into)
	if came != nil {
		return c.notOpenAI(came)
	}
	return err
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
	for data, err := range sdk.Events(res.Body) {
		switch data = bytes.TrimSpace(data); {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return c.broken(err)
		case len(data) == 0:
			continue
		}
		if stop, err := each(data); stop || err != nil {
			return err
		}
	}
	return ctx.Err()
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
