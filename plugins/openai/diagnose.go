package main

import (
	"context"
	"fmt"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Diagnose tells what the connection amounts to.
func (*openAI) Diagnose(ctx context.Context, conn *providerv1.Connection) ([]*providerv1.DiagnoseResponse_Fact, error) {
	c, err := newClient(conn)
	if err != nil {
		return nil, err
	}
	api := "Responses"
	if c.api == apiChat {
		api = "Chat Completions"
	}
	if c.settings.API == apiAuto {
		api += ", chosen by the address"
	}
	facts := []*providerv1.DiagnoseResponse_Fact{
		{Name: "address", Value: c.base, Ok: true},
		{Name: "API", Value: api, Ok: true},
	}
	models, err := c.models(ctx)
	if err != nil {
		return append(facts, &providerv1.DiagnoseResponse_Fact{Name: "server", Value: err.Error()}), ctx.Err()
	}
	return append(facts,
		&providerv1.DiagnoseResponse_Fact{Name: "server", Value: "answers, and accepts the key if it wants one", Ok: true},
		&providerv1.DiagnoseResponse_Fact{Name: "models", Value: fmt.Sprint(len(models)), Ok: len(models) > 0}), nil
}
