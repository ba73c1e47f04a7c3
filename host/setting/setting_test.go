package setting

import (
	"slices"
	"testing"
)

// Every row can be shown and obeyed: a default fits its own bounds, words say what is asked for, no key is there twice.
func TestTable(t *testing.T) {
	var seen []string
	for _, s := range Table() {
		if slices.Contains(seen, s.Key) {
			t.Errorf("%s is there twice", s.Key)
		}
		seen = append(seen, s.Key)
		if !Fits(s.Key, s.Default) {
			t.Errorf("the default of %s, %s, is not what it may be", s.Key, s.Default)
		}
		if s.Words != "" && (s.May() == "JSON" || s.Otherwise() == "") {
			t.Errorf("%s does not say what it may be or is", s.Key)
		}
		if s.Own && s.Page {
			t.Errorf("%s is the host's own and open to the page", s.Key)
		}
	}
}

func TestFits(t *testing.T) {
	for _, c := range []struct {
		key, value string
		want       bool
	}{
		{RetentionDays, "0", true},
		{RetentionDays, "30", true},
		{RetentionDays, "-1", false},
		{RetentionDays, "1.5", false},
		{RetentionDays, `"30"`, false},
		{RetentionDays, "null", false},
		{RetentionDays, "36501", false},
		{RetentionWhat, `"all"`, true},
		{RetentionWhat, "all", false},
		{RetentionWhat, `"some"`, false},
		{Summaries, "false", true},
		{Summaries, "0", false},
		{MaxTurns, "1", true},
		{MaxTurns, "0", false},
		{ApprovalMinutes, "0.5", true},
		{ApprovalMinutes, "0", false},
		{ApprovalMinutes, "10081", false},
		{Titles, "false", true},
		{Titles, "true", false},
		{Titles, `{"provider":"p"}`, true},
		{Titles, `{"model":"m"}`, false},
		{"window.theme", `"dark"`, true},
		{"something.new", "7", true},
	} {
		if got := Fits(c.key, c.value); got != c.want {
			t.Errorf("%s may be %s: %v", c.key, c.value, got)
		}
	}
}

// What can't be obeyed is as if it were not set.
func TestObeyed(t *testing.T) {
	if !On(Summaries, "") || !On(Summaries, "7") || On(Summaries, "false") {
		t.Error("summaries are on unless they are switched off")
	}
	if n := Amount(MaxTurns, "-3"); n != 50 {
		t.Errorf("turns: %v", n)
	}
	if n := Amount(ApprovalMinutes, "0.5"); n != 0.5 {
		t.Errorf("minutes: %v", n)
	}
	if w := Word(RetentionWhat, ""); w != "archived" {
		t.Errorf("retention of %q", w)
	}
}

func TestFind(t *testing.T) {
	if s, ok := Find("window.sidebar"); !ok || !s.Page {
		t.Error("the page may not keep its own")
	}
	for _, key := range []string{"window.", "windows.theme", "tools", ""} {
		if s, ok := Find(key); ok && key != "window." || s.Page && key != "window." {
			t.Errorf("%q is taken for %+v", key, s)
		}
	}
}
