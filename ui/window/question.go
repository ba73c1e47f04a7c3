//go:build webview

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// question is what the page asked for and a person has to answer where no page can.
type question struct {
	ID      string `json:"id"`
	Text    string `json:"text"`
	Subject string `json:"subject"`
}

type answer struct {
	ID    string `json:"id"`
	Allow bool   `json:"allow"`
}

// readQuestion reads the rest of a consent command; there is none when nothing is asked any more.
func readQuestion(line string) (q question, ok bool) {
	err := json.Unmarshal([]byte(line), &q)
	return q, err == nil && q.ID != ""
}

// answer hands the person's answer to the host.
func (l *link) answer(ctx context.Context, a answer) error {
	ctx, cancel := context.WithTimeout(ctx, l.silence)
	defer cancel()
	body, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://host/openvibez.api.v1.HostService/AnswerConsent", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("give the answer: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := l.client().Do(req)
	if err != nil {
		return fmt.Errorf("give the answer: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("give the answer: the host said %s", res.Status)
	}
	return nil
}
