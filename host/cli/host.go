package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/client"
	"github.com/openvibez/openvibez/host/place"
	"github.com/openvibez/openvibez/host/terminal"
)

func openCommand(t *terminal.Terminal) *cobra.Command {
	var link, signOut bool
	var session string
	cmd := &cobra.Command{
		Use:   "open",
		Short: "Open the chat: the window, else a browser, else a link to open by hand",
		Long: `Opens the chat window, or brings it to the front. Without the window's program or its libraries the
default browser is used; without a display a link is printed. A link works once, within ten minutes, and
only on this machine, by programs of the same user. A page that was opened stays signed in while it is
used, and twelve hours longer.`,
		Example: `  openvibez open
  openvibez open --session new
  openvibez open --link
  openvibez open --sign-out`,
		Args: terminal.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := client.Ensure(cmd.Context(), t.Getenv)
			if err != nil {
				return err
			}
			if signOut {
				res, err := c.Host.SignOut(cmd.Context(), &apiv1.SignOutRequest{})
				if err == nil {
					t.Err.Printf("Signed out: %d. Each page has to be opened anew.\n", res.Pages)
				}
				return err
			}
			req := &apiv1.OpenWindowRequest{LinkOnly: link, SessionId: session}
			if session != "" && session != "new" {
				s, err := findSession(cmd.Context(), c, session)
				if err != nil {
					return err
				}
				req.SessionId = s.Id
			}
			res, err := c.Host.OpenWindow(cmd.Context(), req)
			if err != nil {
				return err
			}
			if link {
				t.Out.Println(res.Link)
				return nil
			}
			SayOpened(t, res)
			return nil
		},
	}
	cmd.Flags().BoolVar(&link, "link", false, "only print a link for a browser")
	cmd.Flags().BoolVar(&signOut, "sign-out", false, "open nothing: sign out all pages that are open")
	cmd.Flags().StringVarP(&session, "session", "s", "", "show this session: an id, its beginning, \"last\" or \"new\"")
	return cmd
}

// SayOpened tells where the chat is now.
func SayOpened(t *terminal.Terminal, res *apiv1.OpenWindowResponse) {
	switch res.How {
	case apiv1.OpenWindowResponse_HOW_WINDOW:
		t.Out.Println("The chat window is open.")
	case apiv1.OpenWindowResponse_HOW_BROWSER:
		t.Out.Printf("The chat is open in your browser (%s).\n", res.Problem)
	default:
		t.Out.Printf("Open this link in a browser on this machine; it works once, within ten minutes:\n%s\n", res.Link)
		if res.Problem != "" {
			t.Err.Println(t.Err.Dim("Nothing could be opened: " + res.Problem))
		}
	}
}

func statusCommand(t *terminal.Terminal) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Tell whether the host runs, and what it does",
		Long:  `Tells about the running host. The exit code is 3 if there is none.`,
		Example: `  openvibez status
  openvibez status --json | jq .pid`,
		Args: terminal.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := client.Running(cmd.Context(), t.Getenv)
			if err != nil {
				return err
			}
			s, err := c.Host.GetStatus(cmd.Context(), &apiv1.GetStatusRequest{})
			if err != nil {
				return err
			}
			if asJSON {
				return printStatus(t.Out, s)
			}
			h := s.Host
			say := func(name, text string) { t.Out.Printf("%s  %s\n", t.Out.Dim(fmt.Sprintf("%-8s", name)), text) }
			say("host", fmt.Sprintf("running, process %d, since %s", h.Pid, time.UnixMilli(h.StartedMs).Format("2006-01-02 15:04")))
			say("version", h.Version)
			say("data", h.DataDir)
			say("runs", fmt.Sprintf("%d under way, %d waiting", s.ActiveRuns, s.QueuedRuns))
			if h.Tray {
				say("tray", "shown")
			} else {
				say("tray", h.TrayProblem)
			}
			if h.PageUrl != "" {
				say("page", h.PageUrl)
			}
			for _, hint := range s.Hints {
				say("found", HintWords(hint))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the status as a JSON object")
	return cmd
}

// printStatus writes the host's row and what it does as one object.
func printStatus(out io.Writer, s *apiv1.GetStatusResponse) error {
	var host, rest bytes.Buffer
	work := proto.CloneOf(s)
	work.Host = nil
	if err := errors.Join(terminal.PrintJSON(&host, s.Host), terminal.PrintJSON(&rest, work)); err != nil {
		return err
	}
	line := strings.TrimSuffix(host.String(), "}\n")
	if more := strings.TrimPrefix(rest.String(), "{"); more != "}\n" {
		line += "," + more
	} else {
		line += more
	}
	_, err := io.WriteString(out, line)
	return err
}

func stopCommand(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "stop",
		Short: "End the host and its window",
		Long: `Ends the host. Answers under way become interrupted with what they have; messages that wait stay
waiting. Without a host there is nothing to do, and that is no error.`,
		Example: `  openvibez stop`,
		Args:    terminal.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := place.Find(t.Getenv)
			if err != nil {
				return err
			}
			return client.Stop(cmd.Context(), d)
		},
	}
}
