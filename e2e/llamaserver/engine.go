package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"
)

// bytesPerToken makes token counts simple to predict.
const bytesPerToken = 4

// imageMark is how Ollama marks the place of an image in a text. It replaces the first one of each by the media marker.
var imageMark = regexp.MustCompile(`\[img-\d+\]`)

type engine struct {
	context int       // tokens of one conversation
	ready   time.Time // when the model counts as loaded
	media   string    // what stands in a prompt for an image
	sees    bool      // takes images
	journal *journal
}

func (e *engine) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", e.health)
	mux.HandleFunc("POST /tokenize", e.tokenize)
	mux.HandleFunc("POST /completion", e.completion)
	return mux
}

func (e *engine) health(w http.ResponseWriter, _ *http.Request) {
	if time.Now().Before(e.ready) {
		reply(w, http.StatusServiceUnavailable, map[string]any{
			"error": map[string]any{"code": 503, "message": "Loading model", "type": "unavailable_error"},
		})
		return
	}
	reply(w, http.StatusOK, map[string]any{"status": "ok"})
}

func (e *engine) tokenize(w http.ResponseWriter, r *http.Request) {
	var req struct {
		Content string `json:"content"`
	}
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ids := make([]int, tokens(req.Content))
	for i := range ids {
		ids[i] = i
	}
	reply(w, http.StatusOK, map[string]any{"tokens": ids})
}

type completionRequest struct {
	Prompt   json.RawMessage `json:"prompt"`
	NPredict int             `json:"n_predict"`
	Schema   json.RawMessage `json:"json_schema"`
	Grammar  string          `json:"grammar"`
}

type chunk struct {
	Content  string   `json:"content"`
	Stop     bool     `json:"stop"`
	StopType string   `json:"stop_type,omitempty"`
	Timings  *timings `json:"timings,omitempty"`
}

type timings struct {
	PromptN     int     `json:"prompt_n"`
	PromptMS    float64 `json:"prompt_ms"`
	PredictedN  int     `json:"predicted_n"`
	PredictedMS float64 `json:"predicted_ms"`
}

func (e *engine) completion(w http.ResponseWriter, r *http.Request) {
	var req completionRequest
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	text, images, err := readPrompt(req.Prompt)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p := parsePrompt(text, e.media)
	p.images = images
	p.structured = len(req.Schema) > 0 || req.Grammar != ""

	if images > 0 && !e.sees {
		reply(w, http.StatusInternalServerError, map[string]any{"error": map[string]any{
			"code": 500, "message": "This server does not support multimodal", "type": "server_error",
		}})
		return
	}
	if n := tokens(text); n > e.context {
		e.journal.write("refuse", p.key)
		reply(w, http.StatusBadRequest, map[string]any{"error": map[string]any{
			"code":            400,
			"message":         fmt.Sprintf("request (%d tokens) exceeds the available context size (%d tokens), try increasing it", n, e.context),
			"type":            "exceed_context_size_error",
			"n_prompt_tokens": n,
			"n_ctx":           e.context,
		}})
		return
	}
	e.journal.write("start", p.key)
	e.generate(w, r, p, req.NPredict, tokens(text))
}

// generate streams a script until its end, the limit, or the caller's hanging up.
func (e *engine) generate(w http.ResponseWriter, r *http.Request, p prompt, limit, promptTokens int) {
	w.Header().Set("Content-Type", "text/event-stream")
	flush := http.NewResponseController(w).Flush
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	send := func(c chunk) {
		fmt.Fprint(w, "data: ")
		_ = encoder.Encode(c)
		fmt.Fprint(w, "\n")
		_ = flush()
	}

	count, stop := 0, "eos"
	for piece := range answer(p) {
		if piece.pause > 0 {
			select {
			case <-r.Context().Done():
			case <-time.After(piece.pause):
			}
		}
		if r.Context().Err() != nil {
			e.journal.write("cancel", p.key)
			return
		}
		if piece.die {
			e.journal.write("die", p.key)
			os.Exit(1)
		}
		if piece.text == "" {
			continue
		}
		if limit > 0 && count >= limit {
			stop = "limit"
			break
		}
		send(chunk{Content: piece.text})
		count++
	}
	send(chunk{Stop: true, StopType: stop, Timings: &timings{
		PromptN: promptTokens, PromptMS: 1, PredictedN: count, PredictedMS: float64(count),
	}})
	e.journal.write("end", p.key)
}

// readPrompt takes both forms of a prompt: plain text, and text with images.
func readPrompt(raw json.RawMessage) (text string, images int, err error) {
	if json.Unmarshal(raw, &text) == nil {
		return text, 0, nil
	}
	var both struct {
		Text   string   `json:"prompt_string"`
		Images []string `json:"multimodal_data"`
	}
	if err := json.Unmarshal(raw, &both); err != nil {
		return "", 0, fmt.Errorf("read prompt: %w", err)
	}
	return both.Text, len(both.Images), nil
}

func tokens(text string) int {
	return (len(text) + bytesPerToken - 1) / bytesPerToken
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// parsePrompt reads what the models' template wrote: one line in brackets a message, then the key of the script.
func parsePrompt(text, media string) prompt {
	if media != "" {
		text = strings.ReplaceAll(text, media, "")
	}
	p := prompt{text: text}
	if i := strings.LastIndex(text, "<|"); i >= 0 {
		p.key, _, _ = strings.Cut(text[i+len("<|"):], "|>")
		p.key = imageMark.ReplaceAllString(p.key, "")
		p.text = text[:i]
	}
	return p
}
