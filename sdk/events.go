package sdk

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// CallJSON sends body as JSON to a path below the connection's base URL, or nothing if body is nil, and gives the answer
// if its status says that it is one. Its body has to be closed. All else is an [*Error].
func CallJSON(ctx context.Context, c *providerv1.Connection, method, path string, body any) (*http.Response, error) {
	return NewService(c).Send(ctx, method, path, body)
}

// ServerEvents is Events with texts that last.
func ServerEvents(answer io.Reader) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for data, err := range Events(answer) {
			if !yield(string(data), err) {
				return
			}
		}
	}
}

// GetJSON reads what a path below the connection's base URL gives into v. All errors are [*Error].
func GetJSON(ctx context.Context, c *providerv1.Connection, path string, v any) error {
	service := NewService(c)
	res, err := service.Send(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = service.Read(res, v)
	return err
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
		for data, err := range Events(res.Body) {
			var event T
			if err == nil && string(data) == "[DONE]" {
				return
			}
			if err == nil {
				if wrong := json.Unmarshal(data, &event); wrong != nil {
					err = strange(path, data, wrong)
				}
			}
			if !yield(event, err) || err != nil {
				return
			}
		}
	}
}

func strange(path string, text []byte, err error) error {
	return Errorf(providerv1.ErrorCode_ERROR_CODE_PROVIDER, "What the service sent for %s is not its protocol: %w. Check the address.", path, err).WithDetail(Shown(text))
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
