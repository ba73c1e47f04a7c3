package sdktest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// caller is a provider of a service with server-sent events. careless has it take a broken answer for a whole one.
type caller struct {
	echo
	careless bool
}

func (caller) Models(ctx context.Context, c *providerv1.Connection) ([]*providerv1.Model, error) {
	if _, err := sdk.CallJSON(ctx, c, http.MethodGet, "/models", nil); err != nil {
		return nil, err
	}
	return []*providerv1.Model{{Id: "one"}}, nil
}

func (c caller) Run(ctx context.Context, req *providerv1.RunRequest, s *sdk.Stream) error {
	if req.Model != "one" {
		return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_UNKNOWN_MODEL, "There is no model %q.", req.Model)
	}
	res, err := sdk.CallJSON(ctx, req.Connection, http.MethodPost, "/say", req.Messages[len(req.Messages)-1].Parts[0].GetText())
	if err != nil {
		return err
	}
	defer res.Body.Close()
	for data, err := range sdk.ServerEvents(res.Body) {
		if err != nil && !c.careless {
			return err
		}
		if data == "[DONE]" {
			s.Done(nil)
			return nil
		}
		var event struct{ Text string }
		if err := json.Unmarshal([]byte(data), &event); err != nil && !c.careless {
			return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_PROVIDER, "The service sent something that is not its protocol.").WithDetail(data)
		}
		s.Text(event.Text)
	}
	if c.careless {
		s.Done(nil)
		return nil
	}
	return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_CUT, "The answer broke off before its end.")
}

func standIn() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /models", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") })
	mux.HandleFunc("POST /say", func(w http.ResponseWriter, r *http.Request) {
		var said string
		_ = json.NewDecoder(r.Body).Decode(&said)
		w.Header().Set("Content-Type", "text/event-stream")
		for word := range strings.FieldsSeq("you said " + said) {
			fmt.Fprintf(w, "data: {\"text\":%q}\n\n", word+" ")
		}
		_, _ = io.WriteString(w, "data: [DONE]\n\n")
	})
	return mux
}

func TestFaultsAreTaken(t *testing.T) {
	Run(t, Config{Provider: caller{}, Service: standIn(), Script: []Line{{"moo", "you said moo"}}})
}

func TestFaultsFindTheCareless(t *testing.T) {
	k := prepare(t, Config{Provider: caller{careless: true}, Service: standIn(), Script: []Line{{"moo", "you said quack"}}})
	found := map[string]string{}
	for _, c := range k.checks() {
		if p := c.run(t.Context()); len(p) > 0 {
			found[c.name] = strings.Join(p, "\n")
		}
	}
	for _, name := range []string{"script", "fault: cut in the middle", "fault: ends too early", "fault: malformed", "fault: not its language"} {
		if found[name] == "" {
			t.Errorf("%q finds nothing wrong with a careless provider", name)
		}
		delete(found, name)
	}
	if len(found) > 0 {
		t.Errorf("what is right was found wrong: %v", found)
	}
}

func TestRecordAndReplay(t *testing.T) {
	const key = "not-like-any-key-1234"
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+key {
			w.WriteHeader(401)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Set-Cookie", "session=12345678")
		fmt.Fprintf(w, `{"path":%q,"you":%q,"access_token":"tok-abc","other":"sk-12345678901234"}`, r.URL.Path, r.Header.Get("Authorization"))
	}))
	file := filepath.Join(t.TempDir(), "testdata", "chat.json")
	header := http.Header{"Authorization": {"Bearer " + key}}
	ask := func(t *testing.T, path string) string {
		c := &providerv1.Connection{BaseUrl: upstream.URL}
		res, err := sdk.CallJSON(t.Context(), c, http.MethodPost, path, map[string]string{"say": "hi " + key})
		if err != nil {
			return err.Error()
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		return string(body)
	}
	t.Run("record", func(t *testing.T) {
		t.Setenv(EnvRecord, "1")
		Recorded(t, file, header, upstream.URL)
		if got := ask(t, "/one"); !strings.Contains(got, "/one") || !strings.Contains(got, key) {
			t.Errorf("while recording the answer is %q", got)
		}
	})
	upstream.Close()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{key, "tok-abc", "sk-1234", "12345678", "Bearer"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the recording holds %q:\n%s", secret, text)
		}
	}
	t.Run("replay", func(t *testing.T) {
		t.Setenv(EnvRecord, "")
		Recorded(t, file, header, upstream.URL)
		if got := ask(t, "/one"); !strings.Contains(got, `"path":"/one"`) || strings.Contains(got, key) {
			t.Errorf("replayed is %q", got)
		}
		if got := ask(t, "/two"); !strings.Contains(got, "has no answer to POST") {
			t.Errorf("what was not recorded gave %q", got)
		}
	})
}
