package provider

import (
	"context"
	"slices"
	"testing"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func TestModelsArePulledAndRemoved(t *testing.T) {
	m := newManager(t, nil, "scripted")
	p := &apiv1.Provider{Id: "p1", Plugin: "scripted", Name: "Mine", SettingsJson: `{"level":4}`}
	there := func() bool {
		t.Helper()
		models, err := m.ListModels(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(models, func(m *providerv1.Model) bool { return m.Id == "new" })
	}
	var reports []*providerv1.PullProgress
	if err := m.PullModel(t.Context(), p, "new", func(r *providerv1.PullProgress) { reports = append(reports, r) }); err != nil {
		t.Fatal(err)
	}
	if n := len(reports); n < 2 || !reports[n-1].Finished || reports[n-1].CompletedBytes != 3e6 || reports[0].Finished {
		t.Errorf("reports: %v", reports)
	}
	if !there() {
		t.Error("the model is not there")
	}
	if err := m.DeleteModel(t.Context(), p, "new"); err != nil || there() {
		t.Errorf("removed: %v, still there: %v", err, there())
	}
	wantError(t, m.DeleteModel(t.Context(), p, "new"), providerv1.ErrorCode_ERROR_CODE_UNKNOWN_MODEL, "no model new")
	wantError(t, m.DeleteModel(t.Context(), p, ""), providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "no model is named")
	ignore := func(*providerv1.PullProgress) {}
	wantError(t, m.PullModel(t.Context(), p, "broken", ignore), providerv1.ErrorCode_ERROR_CODE_CUT, "broke off")

	ctx, cancel := context.WithCancel(t.Context())
	err := m.PullModel(ctx, p, "endless", func(r *providerv1.PullProgress) {
		if r.Status == "part 2" {
			cancel()
		}
	})
	wantError(t, err, providerv1.ErrorCode_ERROR_CODE_CANCELLED)

	facts, err := m.Diagnose(t.Context(), p)
	if err != nil || len(facts) != 3 || facts[1].Value != `{"level":4}` || facts[2].Ok {
		t.Errorf("facts: %v, %v", facts, err)
	}
}

func TestPluginsSayWhatTheyCanNot(t *testing.T) {
	m := newManager(t, nil, "raw")
	p := &apiv1.Provider{Id: "p1", Plugin: "raw"}
	wantError(t, m.PullModel(t.Context(), p, "x", nil), providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED, "can't download models")
	wantError(t, m.DeleteModel(t.Context(), p, "x"), providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED, "can't remove models")
	_, err := m.Diagnose(t.Context(), p)
	wantError(t, err, providerv1.ErrorCode_ERROR_CODE_UNSUPPORTED, "nothing to tell")
}
