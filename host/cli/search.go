package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/client"
	"github.com/openvibez/openvibez/host/terminal"
)

func searchCommand(t *terminal.Terminal) *cobra.Command {
	var asJSON bool
	var since, until, session string
	var limit int
	req := &apiv1.SearchSessionsRequest{}
	cmd := &cobra.Command{
		Use:   "search QUERY...",
		Short: "Find what was said in all conversations",
		Long: `Finds messages and answers in which all the words occur, the newest first. "A phrase" in quotes occurs as it
stands; a beginning of at least three letters with a star stands for all words that begin so. Accents and case do not
matter. Scripts written without blanks, such as Chinese, are only found by the beginning of a run of characters.

Times are days (2026-11-26) or how long ago (24h, 7d).`,
		Example: `  openvibez search monad
  openvibez search '"race condition" go*' --since 7d
  openvibez search kernel --provider ollama --since 2026-01-01 --ranked
  openvibez search todo --json | jq -r .session.id`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return terminal.Misused(cmd, "%s needs something to look for", terminal.NameOf(cmd))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			if limit < 1 {
				return terminal.Misused(cmd, "--limit is %d: it starts at 1", limit)
			}
			var err error
			if req.SinceMs, err = moment(since, false); err != nil {
				return terminal.Misused(cmd, "--since %w", err)
			}
			if req.UntilMs, err = moment(until, true); err != nil {
				return terminal.Misused(cmd, "--until %w", err)
			}
			c, err := client.Ensure(ctx, t.Getenv)
			if err != nil {
				return err
			}
			if session != "" {
				s, err := findSession(ctx, c, session)
				if err != nil {
					return err
				}
				req.SessionId = s.Id
			}
			req.Query = strings.Join(args, " ")
			shown := 0
			for {
				req.Limit = int32(min(limit-shown, 100))
				res, err := c.Sessions.SearchSessions(ctx, req)
				if err != nil {
					return err
				}
				for _, h := range res.Hits {
					shown++
					if asJSON {
						err = terminal.PrintJSON(t.Out, h)
					} else {
						showHit(t, h)
					}
					if err != nil {
						return err
					}
				}
				if req.PageToken = res.NextPageToken; req.PageToken == "" || shown >= limit {
					break
				}
			}
			if shown == 0 && !asJSON {
				t.Err.Println("Nothing was found.")
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.BoolVar(&asJSON, "json", false, "print one JSON object a line")
	f.StringVarP(&req.Provider, "provider", "p", "", "only what went through this provider")
	f.StringVarP(&req.WorkspaceId, "workspace", "w", "", "only conversations in this workspace")
	f.StringVarP(&session, "session", "s", "", "only in this conversation")
	f.StringVar(&since, "since", "", "only from this day or moment on")
	f.StringVar(&until, "until", "", "only up to the end of this day, or to this moment")
	f.BoolVar(&req.Ranked, "ranked", false, "best first, among the newest 200")
	f.IntVarP(&limit, "limit", "n", 20, "find at most so many")
	return cmd
}

// showHit prints where something was found and the text around it.
func showHit(t *terminal.Terminal, h *apiv1.SearchHit) {
	who := "answer"
	if h.User {
		who = "you"
	}
	t.Out.Printf("%s  %s\n", t.Out.Bold(terminal.Short(h.Session.Id)+"  "+terminal.OneLine(h.Session.Title, 60)),
		t.Out.Dim(fmt.Sprintf("%s, entry %d, %s", who, h.Seq, terminal.Ago(h.CreatedMs))))
	t.Out.Print("    ")
	for _, p := range h.Pieces {
		// A piece may begin or end with the blank that parts it from the next.
		text := strings.Map(func(r rune) rune {
			if r == '\n' || r == '\t' || r == '\r' {
				return ' '
			}
			return r
		}, p.Text)
		if p.Found {
			t.Out.Print(t.Out.Yellow(text))
		} else {
			t.Out.Print(text)
		}
	}
	t.Out.Print("\n\n")
}

// moment reads a day, or how long ago, as Unix milliseconds; 0 for nothing. end wants the end of a day.
func moment(text string, end bool) (int64, error) {
	if text == "" {
		return 0, nil
	}
	if day, err := time.ParseInLocation(time.DateOnly, text, time.Local); err == nil {
		if end {
			day = day.AddDate(0, 0, 1).Add(-time.Millisecond)
		}
		return day.UnixMilli(), nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 {
			return time.Now().AddDate(0, 0, -n).UnixMilli(), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return time.Now().Add(-d).UnixMilli(), nil
	}
	return 0, fmt.Errorf("%q is no time: write a day as in 2026-11-26, or how long ago as in 24h or 7d", text)
}
