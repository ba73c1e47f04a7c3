package cli

import (
	"encoding/json"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/openvibez/openvibez/host/terminal"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// tuning is what a question brings besides its words: files, and wishes to the model.
type tuning struct {
	files       []string
	schema      string
	effort      string
	temperature float64
	maxTokens   int64

	// Filled in by read; options stays nil where nothing is wished.
	attached []*providerv1.Blob
	options  *providerv1.Options
}

// maxAttachment is the most that one attached file may have.
const maxAttachment = 20 << 20

func (t *tuning) flags(f *pflag.FlagSet) {
	f.StringArrayVar(&t.files, "attach", nil, "attach a `FILE`, such as a picture; can be given more than once")
	f.StringVar(&t.schema, "schema", "", "`FILE` with the JSON Schema that the answer must fit")
	f.StringVar(&t.effort, "effort", "", "how hard to think: none, low, medium, high, or what the model's provider calls it")
	f.Float64Var(&t.temperature, "temperature", 0, "randomness of the answer; models differ in what they take")
	f.Int64Var(&t.maxTokens, "max-tokens", 0, "length limit of the answer in tokens")
}

// read makes a message's parts of what was given.
func (t *tuning) read(cmd *cobra.Command) error {
	for _, path := range t.files {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return terminal.Misused(cmd, "--attach: %w", err)
		case !info.Mode().IsRegular():
			return terminal.Misused(cmd, "--attach: %s is not a file", path)
		case info.Size() > maxAttachment:
			return terminal.Misused(cmd, "--attach: %s has %d MB, %d MB are the most", path, info.Size()>>20, maxAttachment>>20)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return terminal.Misused(cmd, "--attach: %w", err)
		}
		t.attached = append(t.attached, &providerv1.Blob{Name: filepath.Base(path), MediaType: mediaType(path, data), Data: data})
	}
	o := &providerv1.Options{ReasoningEffort: t.effort}
	if t.schema != "" {
		text, err := os.ReadFile(t.schema)
		if err != nil {
			return terminal.Misused(cmd, "--schema: %w", err)
		}
		var object map[string]any
		if err := json.Unmarshal(text, &object); err != nil {
			return terminal.Misused(cmd, "--schema: %s is no JSON object: %w", t.schema, err)
		}
		o.ResponseSchema = string(text)
	}
	if cmd.Flags().Changed("temperature") {
		o.Temperature = &t.temperature
	}
	if cmd.Flags().Changed("max-tokens") {
		if t.maxTokens < 1 {
			return terminal.Misused(cmd, "--max-tokens is %d: it starts at 1", t.maxTokens)
		}
		o.MaxOutputTokens = &t.maxTokens
	}
	if o.ReasoningEffort != "" || o.ResponseSchema != "" || o.Temperature != nil || o.MaxOutputTokens != nil {
		t.options = o
	}
	return nil
}

// mediaType tells what a file holds, by its name, else by its first bytes.
func mediaType(path string, data []byte) string {
	kind := mime.TypeByExtension(filepath.Ext(path))
	if kind == "" {
		kind = http.DetectContentType(data)
	}
	kind, _, _ = strings.Cut(kind, ";")
	return kind
}
