//go:build !darwin || cgo

package tray

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"fyne.io/systray"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// askRest is for how long a new question takes no yes: a menu that was open may still have shown another one.
const askRest = 1500 * time.Millisecond

// trayAsk is the place in the menu for what the chat page asked for and may not do alone.
type trayAsk struct {
	title, allow, deny *systray.MenuItem
	about              []*systray.MenuItem
	shown              atomic.Pointer[shownAsk]
}

type shownAsk struct {
	id string
	at time.Time
}

func newTrayAsk(ctx context.Context, t *tray) *trayAsk {
	const lines = 6
	a := &trayAsk{title: systray.AddMenuItem("", "")}
	for range lines {
		line := a.title.AddSubMenuItem("", "")
		line.Disable()
		a.about = append(a.about, line)
	}
	a.deny = a.title.AddSubMenuItem("Don’t allow", "")
	a.allow = a.title.AddSubMenuItem("Allow", "")
	a.title.Hide()
	answer := func(allow bool) func() {
		return func() {
			if s := a.shown.Load(); s != nil && (!allow || time.Since(s.at) > askRest) {
				t.answer(ctx, s.id, allow)
			}
		}
	}
	onClick(ctx, a.allow, answer(true))
	onClick(ctx, a.deny, answer(false))
	return a
}

func (a *trayAsk) show(q *apiv1.Consent) {
	if q == nil {
		a.shown.Store(nil)
		a.title.Hide()
		return
	}
	// First of all no click counts for the question before.
	a.shown.Store(&shownAsk{q.Id, time.Now()})
	a.title.SetTitle("The chat page asks you")
	lines := askLines(q)
	for i, item := range a.about {
		// What does not fit is not hidden: the last line says so.
		switch {
		case i >= len(lines):
			item.Hide()
		case i == len(a.about)-1 && len(lines) > len(a.about):
			item.SetTitle(menuText("… all of it: openvibez approval list"))
			item.Show()
		default:
			item.SetTitle(menuText(lines[i]))
			item.Show()
		}
	}
	a.title.Show()
}

// askLines breaks a question into lines that fit a menu.
func askLines(q *apiv1.Consent) (lines []string) {
	const width = 70
	for _, line := range strings.Split(q.Text+"\n"+q.Subject, "\n") {
		row := ""
		for _, word := range strings.Fields(line) {
			for r := []rune(word); len(r) > width; r = []rune(word) {
				lines, word = append(lines, string(r[:width])), string(r[width:])
			}
			if row != "" && len([]rune(row))+1+len([]rune(word)) > width {
				lines, row = append(lines, row), ""
			}
			row = strings.TrimSpace(row + " " + word)
		}
		if row != "" {
			lines = append(lines, row)
		}
	}
	return lines
}
