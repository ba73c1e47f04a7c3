package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/setting"
)

// firstStart makes a fresh installation answer at once: the demonstration is always there, and an Ollama that runs with
// models becomes the default. It tells what it did, for people. Later starts leave everything as it is.
func (h *host) firstStart(ctx context.Context) ([]string, error) {
	before, err := h.store.Setting(ctx, setting.FirstStart)
	if err != nil {
		return nil, err
	}
	if before != "" {
		return nil, nil
	}
	if _, err := h.store.SetSetting(ctx, setting.FirstStart, strconv.FormatInt(time.Now().UnixMilli(), 10)); err != nil {
		return nil, err
	}
	configured, err := h.store.Providers(ctx)
	if err != nil || len(configured) > 0 {
		return nil, err
	}
	var did []string
	if _, err := h.providers.Describe(ctx, "demo"); err != nil {
		h.log.Info("no demonstration", "why", err)
	} else if said, err := h.addFound(ctx, &apiv1.AddProviderRequest{Plugin: "demo", Name: "Demo"}); err != nil {
		h.log.Warn("add the demonstration", "error", err)
	} else {
		did = append(did, said)
	}
	for _, f := range h.providers.Detect(ctx) {
		if f.Plugin != "ollama" || f.BaseUrl == "" {
			continue
		}
		// Not configured yet, only asked: without models it would answer nothing.
		models, err := h.providers.ListModels(ctx, &apiv1.Provider{Id: "found", Plugin: f.Plugin, Name: f.Name})
		if err != nil || len(models) == 0 {
			h.log.Info("found an Ollama that can't answer yet", "at", f.BaseUrl, "models", len(models), "error", err)
			continue
		}
		said, err := h.addFound(ctx, &apiv1.AddProviderRequest{Plugin: f.Plugin, Name: f.Name})
		if err != nil {
			h.log.Warn("add the Ollama that was found", "error", err)
			continue
		}
		did = append(did, said)
	}
	return did, nil
}

func (h *host) addFound(ctx context.Context, req *apiv1.AddProviderRequest) (string, error) {
	p, err := h.server.AddProvider(ctx, req)
	if err != nil {
		return "", err
	}
	tested, err := h.server.TestProvider(ctx, p)
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
