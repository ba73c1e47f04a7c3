//go:build !darwin || cgo

package tray

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"fyne.io/systray"

	"github.com/openvibez/openvibez/host/client"
	"github.com/openvibez/openvibez/ui/icon"
)

// run shows the icon until ctx ends; quit is called when the person wants the whole program to end. Where no icon
// can be shown it returns an error that says why. It can be called once in a process, and on macOS only
// from the main goroutine.
func run(ctx context.Context, c *client.Client, quit func(), log *slog.Logger) (err error) {
	if err := awaitPanel(ctx, log); err != nil || ctx.Err() != nil {
		return err
	}
	defer func() {
		// systray panics at its end if the bus went away between our check and its own start.
		if p := recover(); p != nil {
			err = fmt.Errorf("the icon's library gave up: %v", p)
		}
	}()
	t := newTray(c, quit, log)

	// What panels ask first must be there before the icon is.
	systray.SetTitle("OpenVibez")
	systray.SetTooltip(trayTooltip(nil))
	setTrayIcon(icon.Tray)
	systray.SetOnTapped(func() { t.open(ctx, "") })

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	systray.Run(func() {
		m := newTrayMenu(ctx, t)
		go t.follow(ctx)
		go func() {
			m.serve(ctx)
			systray.Quit()
		}()
	}, nil)
	return nil
}

type trayMenu struct {
	tray                         *tray
	open, newChat, running, exit *systray.MenuItem
	asks                         *trayAsk
	slots                        []*traySlot
	busy                         bool
}

// traySlot is a place for a run in the menu. Slots are hidden and used again, never removed: systray closes a removed
// item's channel, and a click at that moment would end the program.
type traySlot struct {
	item  *systray.MenuItem
	run   atomic.Value // the run's id, "" while the slot is free
	label string
	freed time.Time
}

func newTrayMenu(ctx context.Context, t *tray) *trayMenu {
	m := &trayMenu{tray: t, asks: newTrayAsk(ctx, t)}
	m.open = systray.AddMenuItem("Open OpenVibez", "")
	m.newChat = systray.AddMenuItem("New conversation", "")
	systray.AddSeparator()
	m.running = systray.AddMenuItem("Nothing running", "")
	m.running.Disable()
	systray.AddSeparator()
	m.exit = systray.AddMenuItem("Quit", "")
	onClick(ctx, m.open, func() { t.open(ctx, "") })
	onClick(ctx, m.newChat, func() { t.open(ctx, "new") })
	onClick(ctx, m.exit, t.quit)
	return m
}

func onClick(ctx context.Context, item *systray.MenuItem, do func()) {
	go func() {
		for {
			select {
			case <-item.ClickedCh:
				do()
			case <-ctx.Done():
				return
			}
		}
	}()
}

// serve shows what the tray publishes until ctx ends.
func (m *trayMenu) serve(ctx context.Context) {
	for {
		select {
		case runs := <-m.tray.shown:
			m.show(ctx, runs)
		case q := <-m.tray.asked:
			m.asks.show(q)
		case <-ctx.Done():
			return
		}
	}
}

func (m *trayMenu) show(ctx context.Context, runs []trayRun) {
	active := map[string]trayRun{}
	for _, r := range runs {
		active[r.id] = r
	}
	for _, s := range m.slots {
		id := s.run.Load().(string)
		r, on := active[id]
		switch {
		case id == "":
		case !on:
			s.run.Store("")
			s.freed = time.Now()
			s.item.Hide()
		default:
			s.relabel(r.label)
			delete(active, id)
		}
	}
	for _, r := range runs {
		if _, missing := active[r.id]; missing {
			m.place(ctx, r)
		}
	}
	if len(runs) == 0 {
		m.running.SetTitle("Nothing running")
		m.running.Disable()
	} else {
		m.running.SetTitle(fmt.Sprintf("Running (%d)", len(runs)))
		m.running.Enable()
	}
	systray.SetTooltip(trayTooltip(runs))
	if busy := len(runs) > 0; busy != m.busy {
		m.busy = busy
		if busy {
			setTrayIcon(icon.TrayBusy)
		} else {
			setTrayIcon(icon.Tray)
		}
	}
}

// place gives a run a slot. A slot freed a moment ago is left alone: a menu that is open may still show its old run,
// and a click there must not cancel another one.
func (m *trayMenu) place(ctx context.Context, r trayRun) {
	for _, s := range m.slots {
		if s.run.Load() == "" && time.Since(s.freed) > time.Minute {
			s.relabel(r.label)
			s.run.Store(r.id)
			s.item.Show()
			return
		}
	}
	s := &traySlot{item: m.running.AddSubMenuItem(menuText(r.label), ""), label: r.label}
	s.run.Store(r.id)
	onClick(ctx, s.item, func() {
		if id := s.run.Load().(string); id != "" {
			m.tray.cancel(ctx, id)
		}
	})
	m.slots = append(m.slots, s)
}

func (s *traySlot) relabel(label string) {
	if s.label != label {
		s.label = label
		s.item.SetTitle(menuText(label))
	}
}
