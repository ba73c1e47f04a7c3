package run

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// narrow gives the scripted model a window of so many tokens.
func (b *bench) narrow(tokens int64) {
	b.Helper()
	if err := b.store.SyncModels(b.Context(), b.id, []*providerv1.Model{
		{Id: "scripted", Recommended: true, Local: true, ContextTokens: tokens, Capabilities: []providerv1.Capability{providerv1.Capability_CAPABILITY_TOOLS}},
	}); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) kinds(r *apiv1.Run) (kinds []string) {
	b.Helper()
	for _, e := range b.entries(r.SessionId) {
		if e.RunId == r.Id {
			kinds = append(kinds, strings.TrimPrefix(fmt.Sprintf("%T", e.Body), "*apiv1.Entry_"))
		}
	}
	return kinds
}

func (b *bench) summaries(session string) (all []*apiv1.Summary) {
	b.Helper()
	for _, e := range b.entries(session) {
		if s := e.GetSummary(); s != nil {
			all = append(all, s)
		}
	}
	return all
}

var long = strings.Repeat("many words that take a lot of room ", 60) // 2,100 bytes

func TestSummaryBeforeTheWindowOverflows(t *testing.T) {
	b := newBench(t)
	b.narrow(2000)
	session := ""
	var last *apiv1.Run
	for i := range 8 {
		res := b.send(session, fmt.Sprintf("say answer %d\n#%s", i, long))
		last = b.wantEnd(res.Run, completed, noError)
		session = res.Session.Id
	}
	all := b.summaries(session)
	if len(all) == 0 {
		t.Fatal("nothing was summarised")
	}
	if all[0].FirstSeq != 1 || all[0].UntilSeq < 2 || all[0].Text != "A script went before." {
		t.Errorf("the first summary is %v", all[0])
	}
	if newest := all[len(all)-1]; newest.FirstSeq != 1 {
		t.Errorf("the newest summary covers %d to %d; it is to hold the older ones", newest.FirstSeq, newest.UntilSeq)
	}
	told := b.told(last)
	if !strings.HasPrefix(told, "user: "+strings.TrimSpace(summaryHead)+"\n\nA script went before.") || strings.Contains(told, "say answer 0") {
		t.Errorf("the model is told:\n%s", told)
	}
	if !strings.Contains(told, "say answer 7") {
		t.Error("the newest message is not told")
	}
	entries := b.entries(session)
	if entries[0].GetUser() == nil || !strings.Contains(entries[0].GetUser().Text, "say answer 0") {
		t.Error("the original is gone")
	}
	notices := 0
	for _, e := range entries {
		if strings.Contains(e.GetNotice().GetText(), "everything is kept") {
			notices++
		}
	}
	if notices != len(all) {
		t.Errorf("%d notices for %d summaries", notices, len(all))
	}
	if r := b.end(last.Id); r.ContextUsed == 0 || r.ContextSize != 2000 || r.ContextUsed > r.ContextSize {
		t.Errorf("the window is said to hold %d of %d", r.ContextUsed, r.ContextSize)
	}
	sums, err := b.store.Usage(t.Context(), noTime, noTime)
	if err != nil {
		t.Fatal(err)
	}
	var calls int64
	for _, s := range sums {
		calls += s.Calls
	}
	// One for each answer, one for the title, one for each summary.
	if want := int64(8 + 1 + len(all)); calls != want {
		t.Errorf("%d calls are counted, want %d", calls, want)
	}
	t.Run("switched off again", func(t *testing.T) {
		if _, err := b.store.SetSetting(t.Context(), "summaries", "false"); err != nil {
			t.Fatal(err)
		}
		r := b.wantEnd(b.send(session, "say more").Run, failed, providerv1.ErrorCode_ERROR_CODE_CONTEXT_TOO_LONG)
		if !strings.Contains(r.Error.GetMessage(), "settings set summaries") {
			t.Errorf("words: %s", r.Error.GetMessage())
		}
	})
}

func TestTooLongSaysTheProvider(t *testing.T) {
	b := newBench(t)
	session := ""
	for i := range 4 {
		res := b.send(session, fmt.Sprintf("say answer %d\n#%s", i, long))
		b.wantEnd(res.Run, completed, noError)
		session = res.Session.Id
	}
	r := b.wantEnd(b.send(session, "window 1200\nsay fits").Run, completed, noError)
	if got := strings.TrimSpace(b.answer(r)); got != "fits" {
		t.Errorf("answer %q", got)
	}
	if got := b.kinds(r); !slices.Contains(got, "Summary") {
		t.Errorf("the run's entries are %v", got)
	}
	// What the provider said of its window is remembered.
	if r := b.wantEnd(b.send(session, "say next").Run, completed, noError); r.ContextSize != 1200 {
		t.Errorf("the window is taken to be %d", r.ContextSize)
	}
	// Once, then the error stands.
	r = b.wantEnd(b.send(session, "window 1").Run, failed, providerv1.ErrorCode_ERROR_CODE_CONTEXT_TOO_LONG)
	if r.Error.GetMessage() == "" {
		t.Error("no words")
	}
}

func TestMessageTooLongByItself(t *testing.T) {
	b := newBench(t)
	b.narrow(1000)
	res := b.send("", "say before")
	b.wantEnd(res.Run, completed, noError)
	r := b.wantEnd(b.send(res.Session.Id, "say x\n"+strings.Repeat(long, 4)).Run, failed, providerv1.ErrorCode_ERROR_CODE_CONTEXT_TOO_LONG)
	if !strings.Contains(r.Error.GetMessage(), "too long for scripted") || b.answer(r) != "" {
		t.Errorf("words: %s", r.Error.GetMessage())
	}
	if n := len(b.summaries(res.Session.Id)); n != 0 {
		t.Errorf("%d summaries for nothing", n)
	}
	b.wantEnd(b.send(res.Session.Id, "say after").Run, completed, noError)
}

func TestFailedSummaryIsSaid(t *testing.T) {
	b := newBench(t)
	b.narrow(1500)
	res := b.send("", "say no summary\n#"+long)
	b.wantEnd(res.Run, completed, noError)
	r := b.wantEnd(b.send(res.Session.Id, "say more\n#"+long).Run, failed, providerv1.ErrorCode_ERROR_CODE_EMPTY)
	if !strings.Contains(r.Error.GetMessage(), "no summary") {
		t.Errorf("words: %s", r.Error.GetMessage())
	}
}

// at gives entries places, as the store does.
func at(entries ...*apiv1.Entry) []*apiv1.Entry {
	for i, e := range entries {
		e.Seq, e.LastSeq = int64(i+1), int64(i+1)
	}
	return entries
}

func summary(run string, first, until int64) *apiv1.Entry {
	return &apiv1.Entry{RunId: run, Body: &apiv1.Entry_Summary{Summary: &apiv1.Summary{Text: fmt.Sprint("S", first, "-", until), FirstSeq: first, UntilSeq: until}}}
}

func TestSummarised(t *testing.T) {
	texts := func(journal []*apiv1.Entry) string {
		var all []string
		for _, e := range journal {
			all = append(all, e.GetUser().GetText()+e.GetText().GetText()+e.GetSummary().GetText())
		}
		return strings.Join(all, " ")
	}
	journal := at(user("a", "a"), text("a", "A"), user("b", "b"), text("b", "B"), user("c", "c"), summary("c", 1, 2), text("c", "C"), summary("d", 1, 4))
	// A run that replaces b, in its place.
	replaced := slices.Concat(journal[:2], []*apiv1.Entry{{Seq: 20, LastSeq: 20, RunId: "b2", Body: user("b2", "b2").Body}}, journal[4:])
	between := slices.Concat(journal[:1], []*apiv1.Entry{{Seq: 20, LastSeq: 20, RunId: "a2", Body: user("a2", "a2").Body}}, journal[1:])
	for _, tt := range []struct {
		journal []*apiv1.Entry
		on      bool
		want    string
	}{
		{journal, true, "S1-4 c C"},
		{journal[:7], true, "S1-2 b B c C"},
		{journal, false, "a A b B c C"},
		{replaced, true, "S1-2 b2 c C"},
		{between, true, "a a2 A b B c C"},
	} {
		if got := texts(summarised(tt.journal, tt.on)); got != tt.want {
			t.Errorf("summarised: %s, want %s", got, tt.want)
		}
	}
}

func TestOldIsCutBetweenCallsAndTheirResults(t *testing.T) {
	journal := at(user("a", "a"), text("a", "A"), user("b", "b"), call("b", "1"), call("b", "2"), output("b", "1", "one"), output("b", "2", "two"),
		text("b", "B"), call("b", "3"), output("b", "3", "three"))
	change := &apiv1.Entry{RunId: "b", Body: &apiv1.Entry_FileChange{FileChange: &apiv1.FileChange{Path: "x"}}}
	mixed := at(user("b", "b"), call("b", "1"), call("b", "2"), output("b", "1", "one"), change, output("b", "2", "two"), change, call("b", "3"), output("b", "3", "three"))
	nothing, everything := func(int64) bool { return false }, func(int64) bool { return true }
	for _, tt := range []struct {
		name    string
		journal []*apiv1.Entry
		newest  int
		fits    func(int64) bool
		want    [2]int
	}{
		{"all that came before", journal, 2, nothing, [2]int{0, 2}},
		{"as little as it takes", at(user("a", "a"), text("a", "A"), user("b", "b"), text("b", "B"), user("c", "c")), 4, everything, [2]int{0, 2}},
		{"within the work", journal[2:], 0, nothing, [2]int{1, 5}},
		{"the last calls stay", journal[2:7], 0, nothing, [2]int{1, 1}},
		{"what else stands between results", mixed, 0, everything, [2]int{1, 7}},
		{"nothing but a message", journal[:1], 0, nothing, [2]int{1, 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			from, to := old(tt.journal, tt.newest, tt.fits)
			if got := [2]int{from, to}; got != tt.want {
				t.Errorf("old is %v, want %v", got, tt.want)
			}
		})
	}
}

func TestHeadAndTail(t *testing.T) {
	got := headAndTail(strings.Repeat("ä", 1000), 101)
	if !strings.HasPrefix(got, "ää") || !strings.HasSuffix(got, "ää") || !strings.Contains(got, "bytes left out") || strings.ContainsRune(got, '\ufffd') {
		t.Errorf("headAndTail gives %q", got)
	}
}

func TestPieces(t *testing.T) {
	var journal []*apiv1.Entry
	for range 50 {
		journal = append(journal, user("a", long))
	}
	parts := pieces(journal, 4000)
	if len(parts) > maxPieces+2 {
		t.Errorf("%d parts", len(parts))
	}
	for _, p := range parts {
		if len(p) > 4000+leastShown {
			t.Errorf("a part of %d bytes", len(p))
		}
	}
}

func TestShortened(t *testing.T) {
	big := strings.Repeat("x", 20000)
	journal := at(user("a", "a"), call("a", "1"), output("a", "1", big), text("a", "A"), user("b", "b"), call("b", "2"), output("b", "2", big),
		call("b", "3"), output("b", "3", big), output("b", "4", "small"))
	for level, want := range [][]int{{20000, 20000, 20000, 5}, {2100, 20000, 20000, 5}, {2100, 2100, 20000, 5}, {2100, 2100, 12100, 5}} {
		x := &execution{run: &apiv1.Run{Id: "b"}, fitting: fitting{level: level}}
		list, n := x.shortened(journal)
		var got []int
		for _, e := range list {
			if r := e.GetToolOutput().GetResult(); r != nil {
				got = append(got, len(r.Content))
			}
		}
		if n != level || !slices.EqualFunc(got, want, func(got, want int) bool { return got <= want && got > want*9/10 }) {
			t.Errorf("level %d shortens %d outputs to %v, want %v", level, n, got, want)
		}
		if got := len(journal[2].GetToolOutput().Result.Content); got != 20000 {
			t.Fatalf("the journal's own output has %d bytes left", got)
		}
	}
}
