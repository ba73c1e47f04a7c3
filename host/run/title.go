package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/setting"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Bounds of making a title: what the model is shown of each side, what is taken of its answer, how long it may take.
const (
	titleShows = 1500
	titleRunes = 80
	titleLimit = time.Minute
)

const titlePrompt = "Give the conversation below a title of two to six words, in its own language. Answer with the title alone: no quotation marks, no full stop, no explanation.\n\n"

// title lets a model name a session after its first answer, beside everything else. A session that a person named, or
// that already has had an answer, keeps its title; so does one whose answers are canned.
func (e *Engine) title(r *apiv1.Run, p *apiv1.Provider) {
	if p.GetCanned() {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closing {
		return
	}
	e.workers.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), titleLimit)
		defer cancel()
		go func() {
			select {
			case <-e.ending:
				cancel()
			case <-ctx.Done():
			}
		}()
		if err := e.makeTitle(ctx, r, p); err != nil && ctx.Err() == nil {
			e.log.Warn("make a title", "session", r.SessionId, "error", err)
		}
	})
}

func (e *Engine) makeTitle(ctx context.Context, r *apiv1.Run, p *apiv1.Provider) error {
	session, err := e.store.Session(ctx, r.SessionId)
	if err != nil || session.Titled {
		return err
	}
	p, model, err := e.titler(ctx, p, r.Model)
	if err != nil || p == nil {
		return err
	}
	runs, err := e.store.SessionRuns(ctx, r.SessionId)
	if err != nil {
		return err
	}
	for _, other := range runs {
		if other.Id != r.Id && other.State == apiv1.RunState_RUN_STATE_COMPLETED {
			return nil
		}
	}
	journal, err := e.store.History(ctx, r.SessionId, r.Id)
	if err != nil {
		return err
	}
	title, usage, err := e.askTitle(ctx, r, p, model, journal)
	if usage != nil {
		err = errors.Join(err, e.store.CountUsage(ctx, r.Id, model, usage))
	}
	if err != nil {
		return err
	}
	if title == "" {
		return nil
	}
	_, err = e.store.UpdateSession(ctx, r.SessionId, func(s *apiv1.Session) error {
		if !s.Titled && s.Title == session.Title {
			s.Title = title
		}
		return nil
	})
	return err
}

// titler is who makes a title after an answer of p's model: who the setting "titles" names, nobody if it is false, else
// the cheapest model of p.
func (e *Engine) titler(ctx context.Context, p *apiv1.Provider, model string) (*apiv1.Provider, string, error) {
	value, err := e.store.Setting(ctx, setting.Titles)
	switch {
	case err != nil, value == "false":
		return nil, "", err
	case value == "":
		model, err = e.cheapest(ctx, p, model)
		return p, model, err
	}
	var named struct{ Provider, Model string }
	if err := json.Unmarshal([]byte(value), &named); err != nil {
		return nil, "", fmt.Errorf("read setting titles: %w", err)
	}
	if p, err = e.store.Provider(ctx, named.Provider); err != nil {
		return nil, "", err
	}
	if named.Model == "" {
		named.Model, err = e.ChooseModel(ctx, p, "", nil)
	}
	return p, named.Model, err
}

func (e *Engine) askTitle(ctx context.Context, r *apiv1.Run, p *apiv1.Provider, model string, journal []*apiv1.Entry) (string, *providerv1.Usage, error) {
	answer, usage, err := e.ask(ctx, p, &providerv1.RunRequest{
		RunId: "title-" + r.Id, Model: model, Purpose: providerv1.Purpose_PURPOSE_TITLE,
		Messages: []*providerv1.Message{{
			Role:  providerv1.Role_ROLE_USER,
			Parts: []*providerv1.Part{{Part: &providerv1.Part_Text{Text: titlePrompt + excerpt(journal)}}},
		}},
	}, 8*titleRunes)
	return tidyTitle(answer), usage, err
}

// cheapest is the model of p with the lowest known price for answers, or model where no price is known.
func (e *Engine) cheapest(ctx context.Context, p *apiv1.Provider, model string) (string, error) {
	models, err := e.store.Models(ctx, p.Id)
	if err != nil {
		return "", err
	}
	var least int64
	for _, m := range models {
		if price := m.Model.GetPrice().GetOutput(); price > 0 && !m.Vanished && (least == 0 || price < least) {
			least, model = price, m.Model.Id
		}
	}
	return model, nil
}

// excerpt is the beginning of what was said, enough to name it.
func excerpt(journal []*apiv1.Entry) string {
	var b strings.Builder
	for _, e := range journal {
		if text := e.GetUser().GetText(); text != "" {
			fmt.Fprintf(&b, "Person: %s\n\n", beginning(text))
		}
		if text := e.GetText().GetText(); text != "" {
			fmt.Fprintf(&b, "Model: %s\n\n", beginning(text))
		}
	}
	return b.String()
}

func beginning(text string) string {
	if len(text) <= titleShows {
		return text
	}
	end := titleShows
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// tidyTitle makes a title of what a model answered: its first line, bare; empty if that is no title.
func tidyTitle(answer string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(answer), "\n")
	line = strings.TrimSpace(strings.TrimPrefix(strings.TrimLeft(line, "#*_ "), "Title:"))
	line = strings.Trim(line, "\"'“”„«»`*_ .")
	if utf8.RuneCountInString(line) > titleRunes {
		return ""
	}
	return line
}
