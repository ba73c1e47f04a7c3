package store

import (
	"testing"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/setting"
)

func TestCheckSetting(t *testing.T) {
	for key, values := range map[string]struct{ good, bad []string }{
		setting.RetentionDays:   {[]string{"0", "90"}, []string{"-1", "1.5", `"soon"`, "36501"}},
		setting.RetentionWhat:   {[]string{`"all"`, `"archived"`}, []string{`"pinned"`, "true"}},
		setting.Summaries:       {[]string{"true", "false"}, []string{`"off"`, "0", "null"}},
		setting.Scratch:         {[]string{"true", "false"}, []string{`"no"`}},
		setting.Titles:          {[]string{"false", `{"provider":"a"}`, `{"provider":"a","model":"b"}`}, []string{"true", `"off"`, "{}", "null"}},
		setting.MaxTurns:        {[]string{"1", "500"}, []string{"0", "2.5", "-3", `"7"`, "null"}},
		setting.ApprovalMinutes: {[]string{"10", "0.5", "10080"}, []string{"0", "-1", "10081", `"soon"`, "[]"}},
	} {
		for _, value := range append(values.good, "") {
			if err := CheckSetting(key, value); err != nil {
				t.Error(err)
			}
		}
		for _, value := range values.bad {
			wantErr(t, CheckSetting(key, value), ErrInvalid, key)
		}
	}
	if err := CheckSetting("window.theme", `"anything"`); err != nil {
		t.Error(err)
	}
}

func TestBadSettings(t *testing.T) {
	s := fresh(t)
	for key, value := range map[string]string{setting.Summaries: "false", "window.theme": `"dark"`} {
		must[*apiv1.Setting](t)(s.SetSetting(t.Context(), key, value))
	}
	_, err := s.SetSetting(t.Context(), setting.MaxTurns, `"many"`)
	wantErr(t, err, ErrInvalid, "a whole number from 1 on")
	// A version before may have kept it.
	err = s.write(t.Context(), true, func(t *tx) error {
		_, err := t.exec("INSERT INTO settings (key, value_json, rev) VALUES (?, ?, ?)", setting.MaxTurns, `"many"`, t.next(apiv1.Topic_TOPIC_SETTINGS))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	words := BadSettings(must[[]*apiv1.Setting](t)(s.Settings(t.Context())))
	const want = `tools.max_turns is "many": it can be a whole number from 1 on; it is not obeyed until it is set anew or put back with: openvibez settings reset tools.max_turns`
	if len(words) != 1 || words[0] != want {
		t.Errorf("%q", words)
	}
}

func TestRefusedOptionsGoWithTheirProvider(t *testing.T) {
	s := fresh(t)
	a := must[*apiv1.Provider](t)(s.AddProvider(t.Context(), &apiv1.Provider{Plugin: "scripted", Name: "A"}))
	b := must[*apiv1.Provider](t)(s.AddProvider(t.Context(), &apiv1.Provider{Plugin: "scripted", Name: "B"}))
	for _, id := range []string{a.Id, b.Id} {
		must[*apiv1.Setting](t)(s.SetSetting(t.Context(), setting.Refused(id, "m"), `["temperature"]`))
	}
	if err := s.RemoveProvider(t.Context(), a.Id); err != nil {
		t.Fatal(err)
	}
	left := must[[]*apiv1.Setting](t)(s.Settings(t.Context()))
	if len(left) != 2 || left[0].Key != setting.Refused(b.Id, "m") || left[1].Key != setting.Removed(a.Id) {
		t.Errorf("left: %v", left)
	}
}
