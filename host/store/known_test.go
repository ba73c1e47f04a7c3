package store

import (
	"fmt"
	"sync"
	"testing"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// What is remembered is never older than what was committed before it was asked for.
func TestKnownIsNeverStale(t *testing.T) {
	s := fresh(t)
	p := must[*apiv1.Provider](t)(s.AddProvider(t.Context(), &apiv1.Provider{Plugin: "demo", Name: "One"}))
	var readers sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if _, err := s.Setting(t.Context(), "count"); err != nil {
					t.Error(err)
				}
				if _, err := s.Models(t.Context(), p.Id); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for n := range 200 {
		want := fmt.Sprint(n)
		must[*apiv1.Setting](t)(s.SetSetting(t.Context(), "count", want))
		if got := must[string](t)(s.Setting(t.Context(), "count")); got != want {
			t.Fatalf("the setting is %s after it was set to %s", got, want)
		}
		if n%10 != 0 {
			continue
		}
		if err := s.SyncModels(t.Context(), p.Id, []*providerv1.Model{{Id: want}}); err != nil {
			t.Fatal(err)
		}
		if got := must[[]*apiv1.Model](t)(s.Models(t.Context(), p.Id)); len(got) != 1 || got[0].Model.Id != want {
			t.Fatalf("the models are %v after %s came", got, want)
		}
	}
	close(done)
	readers.Wait()

	own := must[*apiv1.Provider](t)(s.Provider(t.Context(), "one"))
	own.Name = "changed by its reader"
	if again := must[*apiv1.Provider](t)(s.Provider(t.Context(), p.Id)); again.Name != "One" {
		t.Errorf("readers share a provider: %v", again)
	}
	must[*apiv1.Setting](t)(s.SetSetting(t.Context(), "count", ""))
	if got := must[string](t)(s.Setting(t.Context(), "count")); got != "" {
		t.Errorf("a setting that is gone is %s", got)
	}
	if err := s.RemoveProvider(t.Context(), p.Id); err != nil {
		t.Fatal(err)
	}
	if all := must[[]*apiv1.Provider](t)(s.Providers(t.Context())); len(all) != 0 {
		t.Errorf("after it was removed there is %v", all)
	}
	if all := must[[]*apiv1.Model](t)(s.Models(t.Context(), "")); len(all) != 0 {
		t.Errorf("after their provider was removed there are %v", all)
	}
}
