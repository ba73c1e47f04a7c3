package store

import (
	"fmt"
	"testing"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/setting"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func TestUsageIsSummedUp(t *testing.T) {
	s := fresh(t)
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.Local)
	s.now = func() time.Time { return now }
	p := must[*apiv1.Provider](t)(s.AddProvider(t.Context(), &apiv1.Provider{Plugin: "x", Name: "Priced"}))
	err := s.SyncModels(t.Context(), p.Id, []*providerv1.Model{{Id: "m", Price: &providerv1.Price{Input: 2_000_000, CachedInput: 1_000_000, Output: 10_000_000}}})
	if err != nil {
		t.Fatal(err)
	}
	consume := func(u *providerv1.Usage) *apiv1.Run {
		sends++
		_, run, _, err := s.Send(t.Context(), Send{ClientRequestID: fmt.Sprint("u", sends), Text: "x", ProviderID: p.Id, Model: "m"})
		if err != nil {
			t.Fatal(err)
		}
		must[*apiv1.Run](t)(s.StartRun(t.Context(), run.Id))
		must[*apiv1.Run](t)(s.EndRun(t.Context(), run.Id, End{State: completed, Entries: []*apiv1.Entry{{Body: &apiv1.Entry_Usage{Usage: u}}}}))
		return run
	}
	consume(&providerv1.Usage{InputTokens: 1000, OutputTokens: 100, CachedInputTokens: 400, ReasoningTokens: 30})
	now = now.Add(24 * time.Hour)
	run := consume(&providerv1.Usage{InputTokens: 10, OutputTokens: 1})
	if err := s.CountUsage(t.Context(), run.Id, "m", &providerv1.Usage{InputTokens: 5, OutputTokens: 2, Estimated: true}); err != nil {
		t.Fatal(err)
	}
	if err := s.CountUsage(t.Context(), run.Id, "unpriced", &providerv1.Usage{InputTokens: 7}); err != nil {
		t.Fatal(err)
	}
	if err := s.PurgeSession(t.Context(), run.SessionId); err != nil {
		t.Fatal(err)
	}

	line := func(u *apiv1.UsageSum) string {
		cost := "?"
		if u.CostMicrodollars != nil {
			cost = fmt.Sprint(*u.CostMicrodollars)
		}
		return fmt.Sprint(u.Day, " ", u.Provider, " ", u.Model, " calls ", u.Calls, " ", u.EstimatedCalls, " tokens ", u.Usage.InputTokens, " ",
			u.Usage.CachedInputTokens, " ", u.Usage.OutputTokens, " ", u.Usage.ReasoningTokens, " cost ", cost)
	}
	sums := must[[]*apiv1.UsageSum](t)(s.Usage(t.Context(), time.Time{}, time.Time{}))
	want := []string{
		"2026-03-03 Priced m calls 2 1 tokens 15 0 3 0 cost 60",
		"2026-03-03 Priced unpriced calls 1 0 tokens 7 0 0 0 cost ?",
		"2026-03-02 Priced m calls 1 0 tokens 1000 400 100 30 cost 2600",
	}
	if len(sums) != len(want) {
		t.Fatalf("%d sums, want %d", len(sums), len(want))
	}
	for i, sum := range sums {
		if got := line(sum); got != want[i] {
			t.Errorf("sum %d: %s, want %s", i, got, want[i])
		}
	}
	if sums := must[[]*apiv1.UsageSum](t)(s.Usage(t.Context(), now.Add(-time.Hour), time.Time{})); len(sums) != 2 {
		t.Errorf("%d sums since yesterday's noon, want 2", len(sums))
	}
	if err := s.RemoveProvider(t.Context(), p.Id); err != nil {
		t.Fatal(err)
	}
	// Prices went with it, its name has not.
	for _, sum := range must[[]*apiv1.UsageSum](t)(s.Usage(t.Context(), time.Time{}, time.Time{})) {
		if sum.Provider != "Priced" {
			t.Errorf("a provider that was removed is called %q", sum.Provider)
		}
	}
	if name := must[string](t)(s.Setting(t.Context(), setting.Removed(p.Id))); name != `"Priced"` {
		t.Errorf("its name is kept as %s", name)
	}
}
