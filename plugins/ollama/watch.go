package main

import (
	"context"
	"strings"
	"time"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

const (
	// firstLook is how long nothing may come before it is said why.
	firstLook = time.Second
	// nextLook is how often that is looked at again.
	nextLook = 2 * time.Second
)

// silence tells why nothing comes. Ollama itself says nothing while it loads a model, answers others first, reads a long
// prompt or writes a tool call, and all of that may take minutes.
func (c *client) silence(body *chatRequest) sdk.Silence {
	return sdk.Silence{Name: "Ollama", Told: firstLook, Again: nextLook, Look: func(ctx context.Context, begun bool, quiet time.Duration) (providerv1.Status_Kind, string) {
		switch {
		case begun && quiet < nextLook:
			return providerv1.Status_KIND_UNSPECIFIED, ""
		case begun && len(body.Tools) > 0:
			return providerv1.Status_KIND_WORKING, "the model is working, perhaps on a tool call"
		case begun:
			return providerv1.Status_KIND_WORKING, "the model is working"
		}
		running, err := c.running(ctx)
		if err == nil && !contains(running, body.Model) {
			return providerv1.Status_KIND_LOADING_MODEL, "loading " + strings.TrimSuffix(body.Model, ":latest") + " into memory"
		}
		return providerv1.Status_KIND_WAITING, "waiting for the model (Ollama is busy or loading it)"
	}}
}

func contains(models []listedModel, name string) bool {
	for _, m := range models {
		if strings.TrimSuffix(m.Name, ":latest") == strings.TrimSuffix(name, ":latest") {
			return true
		}
	}
	return false
}
