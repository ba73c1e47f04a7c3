package store

import (
	"testing"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Which model answers where none is named is settled here, and watchers hear of it when the models change.
func TestAnsweringModel(t *testing.T) {
	s := fresh(t)
	p := must[*apiv1.Provider](t)(s.AddProvider(t.Context(), &apiv1.Provider{Plugin: "x", Name: "X"}))
	for _, c := range []struct {
		standard string
		models   []*providerv1.Model
		want     string
	}{
		{"", nil, ""},
		{"", []*providerv1.Model{{Id: "zebra"}, {Id: "ant"}}, "zebra"},
		{"", []*providerv1.Model{{Id: "zebra"}, {Id: "ant", Recommended: true}}, "ant"},
		{"zebra", []*providerv1.Model{{Id: "ant"}, {Id: "zebra:latest"}}, "zebra:latest"},
		{"zebra", []*providerv1.Model{{Id: "ant"}}, "zebra"},
		{"", []*providerv1.Model{{Id: "ant"}}, "ant"},
	} {
		before := s.Rev()
		must[*apiv1.Provider](t)(s.UpdateProvider(t.Context(), p.Id, func(p *apiv1.Provider) error { p.DefaultModel = c.standard; return nil }))
		if err := s.SyncModels(t.Context(), p.Id, c.models); err != nil {
			t.Fatal(err)
		}
		got := must[*apiv1.Provider](t)(s.Provider(t.Context(), p.Id))
		if got.AnsweringModel != c.want {
			t.Errorf("of %v with default %q, %q answers", c.models, c.standard, got.AnsweringModel)
		}
		if c.want != "" && got.Rev <= before {
			t.Errorf("nobody is told that %q answers now", c.want)
		}
	}
	before := s.Rev()
	if err := s.SyncModels(t.Context(), p.Id, []*providerv1.Model{{Id: "ant"}}); err != nil || s.Rev() != before {
		t.Errorf("nothing changed, and yet there is rev %d after %d (%v)", s.Rev(), before, err)
	}
}

// There is a default provider as long as there is one at all, and one that answers in earnest before canned ones.
func TestDefaultIsInherited(t *testing.T) {
	s := fresh(t)
	first := must[*apiv1.Provider](t)(s.AddProvider(t.Context(), &apiv1.Provider{Plugin: "x", Name: "X", IsDefault: true}))
	must[*apiv1.Provider](t)(s.AddProvider(t.Context(), &apiv1.Provider{Plugin: "demo", Name: "Demo", Canned: true}))
	must[*apiv1.Provider](t)(s.AddProvider(t.Context(), &apiv1.Provider{Plugin: "y", Name: "Y"}))
	if err := s.RemoveProvider(t.Context(), first.Id); err != nil {
		t.Fatal(err)
	}
	if p := must[*apiv1.Provider](t)(s.DefaultProvider(t.Context())); p.GetName() != "Y" {
		t.Errorf("the default is %v", p)
	}
}
