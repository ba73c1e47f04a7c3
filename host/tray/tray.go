package tray

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/client"
)

// tray is the icon in the panel. It knows what any client of the API can know, and nothing else.
type tray struct {
	client *client.Client
	quit   func()
	log    *slog.Logger

	runs   map[string]*apiv1.Run // those that have not ended, by id
	titles map[string]string     // of their sessions, by session id
	// What to show, the newest only: the tray may be slow, the host must not wait for it.
	shown chan []trayRun
	// What the chat page asked for; nil: nothing.
	asked chan *apiv1.Consent
}

// trayRun is a line in the menu.
type trayRun struct {
	id, label string
	asks      bool
}

func newTray(c *client.Client, quit func(), log *slog.Logger) *tray {
	return &tray{client: c, quit: quit, log: log, shown: make(chan []trayRun, 1), asked: make(chan *apiv1.Consent, 1)}
}

// follow keeps what is shown up to date until ctx ends.
func (t *tray) follow(ctx context.Context) {
	req := &apiv1.WatchRequest{Topics: []apiv1.Topic{apiv1.Topic_TOPIC_RUNS, apiv1.Topic_TOPIC_CONSENTS}}
	err := t.client.Watch(ctx, client.Watching{
		Request: req,
		Begin: func(ctx context.Context) (err error) {
			req.AfterRev, err = t.begin(ctx)
			return err
		},
		Take: func(res *apiv1.WatchResponse) (bool, error) {
			t.take(ctx, res.Changes)
			return true, nil
		},
	})
	if ctx.Err() == nil {
		t.log.Warn("tray: watch the host", "error", err)
	}
}

// begin shows what there is, and gives the rev from where on it changes.
func (t *tray) begin(ctx context.Context) (int64, error) {
	list, err := t.client.Runs.ListRuns(ctx, &apiv1.ListRunsRequest{})
	if err != nil {
		return 0, fmt.Errorf("list runs: %w", err)
	}
	page, err := t.client.Host.GetConsent(ctx, &apiv1.GetConsentRequest{})
	if err != nil {
		return 0, fmt.Errorf("ask what the page wants: %w", err)
	}
	t.runs, t.titles = map[string]*apiv1.Run{}, map[string]string{}
	for _, r := range list.Runs {
		t.put(ctx, r)
	}
	t.publish()
	t.ask(page.Consent)
	return list.Rev, nil
}

func (t *tray) take(ctx context.Context, changes []*apiv1.Change) {
	for _, c := range changes {
		if r := c.GetRun(); r != nil {
			t.put(ctx, r)
		}
		if q := c.GetConsent(); q != nil {
			t.ask(q)
		}
		if gone := c.GetTombstone(); gone != nil && gone.Topic == apiv1.Topic_TOPIC_CONSENTS {
			t.ask(nil)
		}
		if gone := c.GetTombstone(); gone != nil && gone.Topic == apiv1.Topic_TOPIC_RUNS {
			delete(t.runs, gone.Id)
		}
	}
	if len(changes) > 0 {
		t.publish()
	}
}

// ask shows what the page asked for, the newest only.
func (t *tray) ask(q *apiv1.Consent) {
	select {
	case <-t.asked:
	default:
	}
	t.asked <- q
}

func (t *tray) answer(ctx context.Context, id string, allow bool) {
	t.call(ctx, "answer the page", func(ctx context.Context) error {
		_, err := t.client.Host.AnswerConsent(ctx, &apiv1.AnswerConsentRequest{Id: id, Allow: allow})
		return err
	})
}

func (t *tray) put(ctx context.Context, r *apiv1.Run) {
	if r.EndedMs != 0 {
		delete(t.runs, r.Id)
		return
	}
	if _, known := t.runs[r.Id]; !known {
		// The title is asked for with each new run: the person may have changed it since the last one.
		if got, err := t.client.Sessions.GetSession(ctx, &apiv1.GetSessionRequest{Id: r.SessionId}); err == nil {
			t.titles[r.SessionId] = got.Session.Title
		}
	}
	t.runs[r.Id] = r
}

func (t *tray) publish() {
	runs := make([]*apiv1.Run, 0, len(t.runs))
	for _, r := range t.runs {
		runs = append(runs, r)
	}
	slices.SortFunc(runs, func(a, b *apiv1.Run) int {
		if a.CreatedMs != b.CreatedMs {
			return int(a.CreatedMs - b.CreatedMs)
		}
		return strings.Compare(a.Id, b.Id)
	})
	lines := make([]trayRun, 0, len(runs))
	for _, r := range runs {
		lines = append(lines, trayRun{
			id:    r.Id,
			label: trayLabel(t.titles[r.SessionId], r.State),
			asks:  r.State == apiv1.RunState_RUN_STATE_WAITING_APPROVAL,
		})
	}
	select {
	case <-t.shown:
	default:
	}
	t.shown <- lines
}

// trayLabel says which conversation a click cancels, and why it is not running if it isn't.
func trayLabel(title string, state apiv1.RunState) string {
	const most = 40
	title = strings.Join(strings.Fields(title), " ")
	if r := []rune(title); len(r) > most {
		title = strings.TrimSpace(string(r[:most-1])) + "…"
	}
	if title == "" {
		title = "New conversation"
	}
	label := "Cancel “" + title + "”"
	switch state {
	case apiv1.RunState_RUN_STATE_QUEUED:
		label += " (queued)"
	case apiv1.RunState_RUN_STATE_WAITING_APPROVAL:
		label += " (asks you)"
	case apiv1.RunState_RUN_STATE_WAITING_LIMIT:
		label += " (waits for a limit)"
	case apiv1.RunState_RUN_STATE_WAITING_BACKGROUND:
		label += " (in the background)"
	case apiv1.RunState_RUN_STATE_PAUSED:
		label += " (paused)"
	}
	return label
}

func trayTooltip(runs []trayRun) string {
	asking := 0
	for _, r := range runs {
		if r.asks {
			asking++
		}
	}
	switch active := len(runs); {
	case active == 0:
		return "OpenVibez"
	case asking == active:
		return fmt.Sprintf("OpenVibez: %d waiting for you", asking)
	case asking > 0:
		return fmt.Sprintf("OpenVibez: %d active, %d waiting for you", active, asking)
	default:
		return fmt.Sprintf("OpenVibez: %d active", active)
	}
}

// open opens the window on a session; "new" is an empty chat, "" where the person left off.
func (t *tray) open(ctx context.Context, session string) {
	t.call(ctx, "open the window", func(ctx context.Context) error {
		got, err := t.client.Host.OpenWindow(ctx, &apiv1.OpenWindowRequest{SessionId: session})
		if err == nil && got.Problem != "" {
			t.log.Warn("tray: open the window", "problem", got.Problem)
		}
		return err
	})
}

func (t *tray) cancel(ctx context.Context, run string) {
	t.call(ctx, "cancel", func(ctx context.Context) error {
		_, err := t.client.Runs.Cancel(ctx, &apiv1.CancelRequest{RunId: run})
		return err
	})
}

// call does what a click asked for without holding up the next click.
func (t *tray) call(ctx context.Context, what string, do func(context.Context) error) {
	go func() {
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		if err := do(ctx); err != nil && ctx.Err() == nil {
			t.log.Warn("tray: "+what, "error", err)
		}
	}()
}
