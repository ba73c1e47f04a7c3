package server

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// pulled holds the models that an echo has downloaded; it lives in the plugin's process.
var pulled sync.Map

func (echo) PullModel(ctx context.Context, _ *providerv1.Connection, model string, progress func(*providerv1.PullProgress)) error {
	for i := range int64(3) {
		progress(&providerv1.PullProgress{Status: fmt.Sprint("part ", i), CompletedBytes: i, TotalBytes: 2})
	}
	switch model {
	case "endless":
		<-ctx.Done()
		return ctx.Err()
	case "broken":
		return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_CUT, "the download broke off")
	}
	pulled.Store(model, true)
	return nil
}

func (echo) DeleteModel(_ context.Context, _ *providerv1.Connection, model string) error {
	if _, there := pulled.LoadAndDelete(model); !there {
		return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_UNKNOWN_MODEL, "there is no model %s", model)
	}
	return nil
}

func (echo) Diagnose(_ context.Context, c *providerv1.Connection) ([]*providerv1.DiagnoseResponse_Fact, error) {
	return []*providerv1.DiagnoseResponse_Fact{{Name: "address", Value: c.BaseUrl, Ok: true}}, nil
}

func (f *fixture) models(t *testing.T) string {
	t.Helper()
	res, err := f.providers.ListModels(t.Context(), &apiv1.ListModelsRequest{ProviderId: "echo"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range res.Models {
		names = append(names, m.Model.Id)
	}
	return strings.Join(names, " ")
}

func TestModelsArePulledAndRemoved(t *testing.T) {
	f := start(t)
	ctx := t.Context()
	if _, err := f.providers.AddProvider(ctx, &apiv1.AddProviderRequest{Plugin: "echo"}); err != nil {
		t.Fatal(err)
	}
	pull := func(ctx context.Context, model string, seen func(*providerv1.PullProgress)) error {
		stream, err := f.providers.PullModel(ctx, &apiv1.PullModelRequest{ProviderId: "echo", Model: model})
		if err != nil {
			return err
		}
		defer stream.Close()
		for stream.Receive() {
			seen(stream.Msg().Progress)
		}
		return stream.Err()
	}
	var last *providerv1.PullProgress
	if err := pull(ctx, "new", func(p *providerv1.PullProgress) { last = p }); err != nil || !last.GetFinished() {
		t.Errorf("pull: %v, %v", last, err)
	}
	if got := f.models(t); !strings.Contains(got, "new") {
		t.Errorf("models after the pull: %s", got)
	}
	if err := pull(ctx, "broken", func(*providerv1.PullProgress) {}); !strings.Contains(fmt.Sprint(err), "broke off") {
		t.Errorf("broken: %v", err)
	}
	leaving, leave := context.WithCancel(ctx)
	if err := pull(leaving, "endless", func(*providerv1.PullProgress) { leave() }); connect.CodeOf(err) != connect.CodeCanceled {
		t.Errorf("left: %v", err)
	}
	if _, err := f.providers.DeleteModel(ctx, &apiv1.DeleteModelRequest{ProviderId: "echo", Model: "new"}); err != nil {
		t.Error(err)
	}
	if got := f.models(t); strings.Contains(got, "new") {
		t.Errorf("models after the removal: %s", got)
	}
	_, err := f.providers.DeleteModel(ctx, &apiv1.DeleteModelRequest{ProviderId: "echo", Model: "new"})
	if connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("removed twice: %v", err)
	}
	facts, err := f.providers.Diagnose(ctx, &apiv1.DiagnoseRequest{Id: "echo"})
	if err != nil || len(facts.Facts) != 1 || facts.Facts[0].Value != "http://127.0.0.1:9" {
		t.Errorf("facts: %v, %v", facts, err)
	}
	begun := make(chan bool)
	ended := make(chan error, 1)
	go func() {
		var once sync.Once
		ended <- pull(ctx, "endless", func(*providerv1.PullProgress) { once.Do(func() { close(begun) }) })
	}()
	<-begun
	f.stop()
	if err := <-ended; connect.CodeOf(err) != connect.CodeUnavailable {
		t.Errorf("the host ended: %v", err)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	f := start(t)
	ctx := t.Context()
	_, err := f.providers.AddProvider(ctx, &apiv1.AddProviderRequest{Plugin: "echo", SettingsJson: `{"volume":11}`})
	if connect.CodeOf(err) != connect.CodeInvalidArgument || !strings.Contains(err.Error(), "volume must be at most 10") {
		t.Errorf("too loud: %v", err)
	}
	if _, err := f.providers.AddProvider(ctx, &apiv1.AddProviderRequest{Plugin: "echo", SettingsJson: `{"volume":10}`}); err != nil {
		t.Fatal(err)
	}
	_, err = f.providers.UpdateProvider(ctx, &apiv1.UpdateProviderRequest{Id: "echo", SettingsJson: ptr(`{"size":1}`)})
	if connect.CodeOf(err) != connect.CodeInvalidArgument || !strings.Contains(err.Error(), "there is no setting size; there is volume") {
		t.Errorf("unknown: %v", err)
	}
	res, err := f.providers.UpdateProvider(ctx, &apiv1.UpdateProviderRequest{Id: "echo", SettingsJson: ptr("")})
	if err != nil || res.Provider.SettingsJson != "" {
		t.Errorf("back to none: %v, %v", res, err)
	}
}
