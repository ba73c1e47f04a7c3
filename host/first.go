package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/setting"
)

// firstPatience is how long a first start waits for what runs here to answer before it listens: one that does becomes
// the default of the first question, one that hangs holds nobody up.
const firstPatience = 500 * time.Millisecond

// firstStart makes a fresh installation answer at once: the demonstration is there when it returns, and an Ollama that
// runs with models becomes the default, later if need be. The channel tells what was done, for people, until all is.
// Later starts leave everything as it is, once a first one came to its end.
func (h *host) firstStart(ctx context.Context) <-chan string {
	news := make(chan string, 8)
	fresh, err := h.fresh(ctx)
	if err != nil {
		h.log.Warn("look whether this is the first start", "error", err)
	}
	if !fresh {
		close(news)
		return news
	}
	h.addDemo(ctx, news)
	ready := make(chan struct{})
	h.beside.Go(func() {
		defer close(news)
		defer close(ready)
		h.addOllama(ctx, news)
		if ctx.Err() != nil {
			return
		}
		h.firstDone(ctx)
	})
	patience := time.NewTimer(firstPatience)
	defer patience.Stop()
	select {
	case <-ready:
	case <-patience.C:
		h.log.Info("what runs here is still asked; the host starts meanwhile")
	case <-ctx.Done():
	}
	return news
}

// fresh tells whether nobody has configured anything yet, and no start has come to the end of looking for something.
func (h *host) fresh(ctx context.Context) (bool, error) {
	before, err := h.store.Setting(ctx, setting.FirstStart)
	if err != nil || before != "" {
		return false, err
	}
	configured, err := h.store.Providers(ctx)
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(configured, func(p *apiv1.Provider) bool { return !p.Canned }) {
		h.firstDone(ctx)
		return false, nil
	}
	return true, nil
}

func (h *host) firstDone(ctx context.Context) {
	if _, err := h.store.SetSetting(ctx, setting.FirstStart, strconv.FormatInt(time.Now().UnixMilli(), 10)); err != nil {
		h.log.Warn("write down that this was the first start", "error", err)
	}
}

func (h *host) addDemo(ctx context.Context, news chan<- string) {
	if configured, err := h.store.Providers(ctx); err != nil || len(configured) > 0 {
		return
	}
	if _, err := h.plugins.Describe(ctx, "demo"); err != nil {
		h.log.Info("no demonstration", "why", err)
	} else if said, err := h.addFound(ctx, &apiv1.AddProviderRequest{Plugin: "demo", Name: "Demo"}); err != nil {
		h.log.Warn("add the demonstration", "error", err)
	} else {
		news <- said
	}
}

func (h *host) addOllama(ctx context.Context, news chan<- string) {
	for _, f := range h.providers.Detect(ctx) {
		if f.Kind != apiv1.Hint_KIND_SERVER {
			continue
		}
		// Not configured yet, only asked: without models it would answer nothing.
		models, err := h.providers.ListModels(ctx, &apiv1.Provider{Id: "found", Plugin: f.Plugin, Name: f.Name})
		if err != nil || len(models) == 0 {
			h.log.Info("found a server that can't answer yet", "at", f.BaseUrl, "models", len(models), "error", err)
			continue
		}
		// Somebody may have been faster meanwhile.
		if configured, err := h.store.Providers(ctx); err != nil || slices.ContainsFunc(configured, func(p *apiv1.Provider) bool { return p.Plugin == f.Plugin }) {
			continue
		}
		said, err := h.addFound(ctx, &apiv1.AddProviderRequest{Plugin: f.Plugin, Name: f.Name})
		if err != nil {
			h.log.Warn("add the server that was found", "error", err)
			continue
		}
		select {
		case news <- said:
		default:
		}
	}
}

func (h *host) addFound(ctx context.Context, req *apiv1.AddProviderRequest) (string, error) {
	// It has just answered; once begun, adding it is not left half done by the host's end.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	p, err := h.providers.Add(ctx, req, nil)
	if err != nil {
		return "", err
	}
	tested, err := h.providers.Test(ctx, p)
	if err != nil {
		return "", err
	}
	switch {
	case tested.Provider.Error != nil:
		return fmt.Sprintf("added %s, which does not work yet: %s", p.Name, tested.Provider.Error.Message), nil
	case p.Canned:
		return fmt.Sprintf("added %s, whose answers are canned, so that there is something to try", p.Name), nil
	case tested.Provider.IsDefault:
		return fmt.Sprintf("found %s and made it the default", tested.Summary), nil
	}
	return "added " + p.Name, nil
}
