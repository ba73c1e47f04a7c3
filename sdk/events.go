package sdk

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"strings"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// maxEvent is how long one event of a service may be, in bytes.
const maxEvent = 32 << 20

// CallJSON sends body as JSON to a path below the connection's base URL, or nothing if body is nil, and gives the answer
// if its status is below 400. Its body has to be closed. All else is an [*Error].
func CallJSON(ctx context.Context, c *providerv1.Connection, method, path string, body any) (*http.Response, error) {
	if c.GetBaseUrl() == "" {
		return nil, Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "No address is known to send requests to. Enter the base URL of the provider.")
	}
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, Errorf(providerv1.ErrorCode_ERROR_CODE_PLUGIN, "The plugin could not write its request: %w", err)
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.GetBaseUrl()+path, content)
	if err != nil {
		return nil, Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "The address %q can't be used: %w", c.GetBaseUrl()+path, err)
	}
	req.Header.Set("Accept", "application/json, text/event-stream")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := HTTPClient(c).Do(req)
	if err != nil {
		return nil, Classify(err)
	}
	if res.StatusCode < 400 {
		return res, nil
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil && ctx.Err() != nil {
		return nil, Classify(ctx.Err())
	}
	return nil, ClassifyHTTP(res, text)
}

// ServerEvents gives the data of each server-sent event of an answer. A connection that breaks is an [*Error]; whether an
// answer that ends in order is complete, only the service's own protocol tells.
func ServerEvents(answer io.Reader) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		lines := bufio.NewScanner(answer)
		lines.Buffer(nil, maxEvent)
		var data []string
		for lines.Scan() {
			line := strings.TrimSuffix(lines.Text(), "\r")
			value, is := strings.CutPrefix(line, "data:")
			switch {
			case is:
				data = append(data, strings.TrimPrefix(value, " "))
			case line == "" && len(data) > 0:
				if !yield(strings.Join(data, "\n"), nil) {
					return
				}
				data = nil
			}
		}
		err := lines.Err()
		if errors.Is(err, bufio.ErrTooLong) {
			err = Errorf(providerv1.ErrorCode_ERROR_CODE_PROVIDER, "The service sent a line of more than %d MiB.", maxEvent>>20)
		} else if err != nil {
			err = Classify(err)
		}
		if len(data) > 0 && err == nil {
			yield(strings.Join(data, "\n"), nil)
		} else if err != nil {
			yield("", err)
		}
	}
}

// GetJSON reads what a path below the connection's base URL gives into v. All errors are [*Error].
func GetJSON(ctx context.Context, c *providerv1.Connection, path string, v any) error {
	res, err := CallJSON(ctx, c, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxEvent))
	if err != nil {
		return Classify(err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		return strange(path, text, err)
	}
	return nil
}

// StreamJSON posts body as JSON and gives the server-sent events of the answer, each read into a T, up to an event
// "[DONE]". An error, always an [*Error], is the last thing it gives. Whether the answer was complete, only the service's
// own protocol tells.
func StreamJSON[T any](ctx context.Context, c *providerv1.Connection, path string, body any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		res, err := CallJSON(ctx, c, http.MethodPost, path, body)
		if err != nil {
			yield(none, err)
			return
		}
		defer res.Body.Close()
		for data, err := range ServerEvents(res.Body) {
			var event T
			if err == nil && data == "[DONE]" {
				return
			}
			if err == nil {
				if wrong := json.Unmarshal([]byte(data), &event); wrong != nil {
					err = strange(path, []byte(data), wrong)
				}
			}
			if !yield(event, err) || err != nil {
				return
			}
		}
	}
}

func strange(path string, text []byte, err error) error {
	return Errorf(providerv1.ErrorCode_ERROR_CODE_PROVIDER, "What the service sent for %s is not its protocol: %w. Check the address.", path, err).WithDetail(cut(string(text), 500))
}

// PlainMessages writes a conversation as role and text, the form that most services take. Images, files, thoughts and
// tool calls are left out.
func PlainMessages(messages []*providerv1.Message) []map[string]string {
	roles := map[providerv1.Role]string{
		providerv1.Role_ROLE_SYSTEM: "system", providerv1.Role_ROLE_USER: "user", providerv1.Role_ROLE_ASSISTANT: "assistant",
	}
	list := []map[string]string{}
	for _, m := range messages {
		text := ""
		for _, p := range m.GetParts() {
			text += p.GetText()
		}
		if role := roles[m.GetRole()]; role != "" && text != "" {
			list = append(list, map[string]string{"role": role, "content": text})
		}
	}
	return list
}
