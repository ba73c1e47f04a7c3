package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func (ollama) PullModel(ctx context.Context, conn *providerv1.Connection, model string, progress func(*providerv1.PullProgress)) error {
	c, err := newClient(conn)
	if err != nil {
		return err
	}
	// Progress is told layer by layer, and not in order.
	total, completed := map[string]int64{}, map[string]int64{}
	return c.lines(ctx, "/api/pull", model, map[string]any{"model": model, "stream": true}, func(raw []byte) (bool, error) {
		var line struct {
			Error     json.RawMessage `json:"error"`
			Status    string          `json:"status"`
			Digest    string          `json:"digest"`
			Total     int64           `json:"total"`
			Completed int64           `json:"completed"`
		}
		if err := json.Unmarshal(raw, &line); err != nil {
			return false, c.garbled(raw)
		}
		if len(line.Error) > 0 {
			return false, c.notPulled(line.Error, model)
		}
		if line.Digest != "" {
			total[line.Digest] = line.Total
			completed[line.Digest] = max(completed[line.Digest], line.Completed)
			line.Status = "downloading"
		}
		report := &providerv1.PullProgress{Status: line.Status}
		for digest := range total {
			report.TotalBytes += total[digest]
			report.CompletedBytes += completed[digest]
		}
		progress(report)
		return line.Status == "success", nil
	})
}

// notPulled puts a failed download into words.
func (c *client) notPulled(raw json.RawMessage, model string) error {
	said := wordsOf(raw)
	low := strings.ToLower(said)
	has := func(word string) bool { return strings.Contains(low, word) }
	var e *sdk.Error
	switch {
	case has("file does not exist"), has("not found"):
		e = sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_UNKNOWN_MODEL, "Ollama's library has no model %q. Look for its exact name at https://ollama.com/library.", model)
	case has("dial tcp"), has("no such host"), has("proxyconnect"), has("connection refused"), has("timeout"):
		e = sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_UNREACHABLE, "Ollama at %s can't reach its library to download %q. Check the internet connection of the machine it runs on.", c.base, model)
	case has("no space left"):
		e = sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_PROVIDER, "The disk of the machine Ollama runs on is full, so %q could not be downloaded. Make room and try again; what is there already is kept.", model)
	case has("newer version"):
		e = sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED, "%q needs a newer Ollama than the one at %s. Update Ollama from https://ollama.com/download.", model, c.base)
	default:
		e = sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_PROVIDER, "Ollama could not download %q: %s. Try again; what is there already is kept.", model, strings.TrimRight(said, "."))
	}
	return e.WithDetail(said)
}

func (ollama) DeleteModel(ctx context.Context, conn *providerv1.Connection, model string) error {
	c, err := newClient(conn)
	if err != nil {
		return err
	}
	err = c.call(ctx, http.MethodDelete, "/api/delete", model, map[string]string{"model": model}, nil)
	if codeOf(err) == providerv1.ErrorCode_ERROR_CODE_UNKNOWN_MODEL {
		return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_UNKNOWN_MODEL, "Ollama has no model %q, so there is nothing to delete.", model)
	}
	return err
}

func (ollama) Diagnose(ctx context.Context, conn *providerv1.Connection) ([]*providerv1.DiagnoseResponse_Fact, error) {
	c, err := newClient(conn)
	if err != nil {
		return nil, err
	}
	var facts []*providerv1.DiagnoseResponse_Fact
	add := func(name, value string, err error) bool {
		if err != nil {
			value = err.Error()
		}
		facts = append(facts, &providerv1.DiagnoseResponse_Fact{Name: name, Value: value, Ok: err == nil})
		return err == nil
	}
	add("address", c.base, nil)
	name, err := c.version(ctx)
	if !add("server", name, err) {
		return facts, nil
	}
	models, err := c.tags(ctx)
	count := fmt.Sprintf("%d", len(models))
	if len(models) == 0 {
		count = "none: get one with `ollama pull llama3.2`"
	}
	add("models", count, err)
	running, err := c.running(ctx)
	if err != nil || len(running) == 0 {
		add("in memory", "no model", err)
		return facts, nil
	}
	for _, m := range running {
		add("in memory", inMemory(m, time.Now()), nil)
	}
	return facts, nil
}

func inMemory(m listedModel, now time.Time) string {
	words := []string{m.Name}
	if m.ContextLength > 0 {
		words = append(words, fmt.Sprintf("context of %d tokens", m.ContextLength))
	}
	if m.Size > 0 {
		words = append(words, fmt.Sprintf("%d MiB, %d%% on a graphics card", m.Size>>20, m.SizeVRAM*100/m.Size))
	}
	switch left := m.ExpiresAt.Sub(now); {
	case m.ExpiresAt.IsZero():
	case left > 365*24*time.Hour:
		words = append(words, "for always")
	default:
		words = append(words, "for another "+left.Round(time.Second).String())
	}
	return strings.Join(words, ", ")
}
