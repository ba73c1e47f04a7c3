package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

func (a *app) openCommand() *cobra.Command {
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
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.hostOrStart(cmd.Context())
			if err != nil {
				return err
			}
			if signOut {
				res, err := c.Host.SignOut(cmd.Context(), &apiv1.SignOutRequest{})
				if err == nil {
					fmt.Fprintf(a.err, "Signed out: %d. Each page has to be opened anew.\n", res.Pages)
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
				fmt.Fprintln(a.out, res.Link)
				return nil
			}
			a.sayOpened(res)
			return nil
		},
	}
	cmd.Flags().BoolVar(&link, "link", false, "only print a link for a browser")
	cmd.Flags().BoolVar(&signOut, "sign-out", false, "open nothing: sign out all pages that are open")
	cmd.Flags().StringVarP(&session, "session", "s", "", "show this session: an id, its beginning, \"last\" or \"new\"")
	return cmd
}

// sayOpened tells where the chat is now.
func (a *app) sayOpened(res *apiv1.OpenWindowResponse) {
	switch res.How {
	case apiv1.OpenWindowResponse_HOW_WINDOW:
		fmt.Fprintln(a.out, "The chat window is open.")
	case apiv1.OpenWindowResponse_HOW_BROWSER:
		fmt.Fprintf(a.out, "The chat is open in your browser (%s).\n", res.Problem)
	default:
		fmt.Fprintf(a.out, "Open this link in a browser on this machine; it works once, within ten minutes:\n%s\n", res.Link)
		if res.Problem != "" {
			fmt.Fprintln(a.err, a.errStyle.dim("Nothing could be opened: "+res.Problem))
		}
	}
}

func (a *app) statusCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Tell whether the host runs, and what it does",
		Long:  `Tells about the running host. The exit code is 3 if there is none.`,
		Example: `  openvibez status
  openvibez status --json | jq .pid`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.host(cmd.Context())
			if err != nil {
				return err
			}
			s, err := c.Host.GetStatus(cmd.Context(), &apiv1.GetStatusRequest{})
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(a.out, s)
			}
			say := func(name, text string) { fmt.Fprintf(a.out, "%s  %s\n", a.style.dim(fmt.Sprintf("%-8s", name)), text) }
			say("host", fmt.Sprintf("running, process %d, since %s", s.Pid, time.UnixMilli(s.StartedMs).Format("2006-01-02 15:04")))
			say("version", s.Version)
			say("data", s.DataDir)
			say("runs", fmt.Sprintf("%d under way, %d waiting", s.ActiveRuns, s.QueuedRuns))
			if s.Tray {
				say("tray", "shown")
			} else {
				say("tray", s.TrayProblem)
			}
			if s.PageUrl != "" {
				say("page", s.PageUrl)
			}
			for _, hint := range s.Hints {
				say("found", hintWords(hint))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the status as a JSON object")
	return cmd
}

func (a *app) stopCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "stop",
		Short: "End the host and its window",
		Long: `Ends the host. Answers under way become interrupted with what they have; messages that wait stay
waiting. Without a host there is nothing to do, and that is no error.`,
		Example: `  openvibez stop`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := findDirs(a.getenv)
			if err != nil {
				return err
			}
			return a.stopHost(cmd.Context(), d)
		},
	}
}

// stopHost ends the host, if one runs, and waits until it has.
func (a *app) stopHost(ctx context.Context, d dirs) error {
	c, err := connectHost(ctx, d)
	if errors.Is(err, errNoHost) {
		return nil
	}
	if err != nil {
		return err
	}
	status, err := c.Host.GetStatus(ctx, &apiv1.GetStatusRequest{})
	if err != nil {
		return err
	}
	if _, err := c.Host.Stop(ctx, &apiv1.StopRequest{}); err != nil {
		return err
	}
	// Whoever starts the next one right away shall find the place free.
	for range 200 {
		if _, err := os.Stat(d.address()); errors.Is(err, fs.ErrNotExist) || !alive(int(status.Pid)) {
			return nil
		}
		time.Sleep(25 * time.Millisecond)
	}
	return fmt.Errorf("the host (process %d) has not ended yet", status.Pid)
}

// alive tells whether a process exists.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	defer func() { _ = p.Release() }()
	return runtime.GOOS == "windows" || p.Signal(syscall.Signal(0)) == nil
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: `  openvibez version`,
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.out, versionLine())
			return err
		},
	}
}

func versionLine() string {
	return fmt.Sprintf("openvibez %s %s/%s %s", version(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}
