package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"strings"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/cli"
	"github.com/openvibez/openvibez/host/client"
	"github.com/openvibez/openvibez/host/window"
)

// welcome tells in the terminal what runs, and how to talk to it.
func (h *host) welcome(ctx context.Context, news <-chan string) {
	say := func(name string, text any) {
		h.Out.Printf("  %s  %s\n", h.Out.Dim(fmt.Sprintf("%-8s", name)), text)
	}
	h.Out.Printf("%s %s\n", h.Out.Bold("OpenVibez"), version())
	say("data", h.dirs.Data)
	shown, problem := h.tray.Shown()
	if shown {
		say("tray", "the icon is in your panel: click it to chat")
	} else {
		say("tray", problem)
	}
	more := true
	for said := true; said; {
		var line string
		select {
		case line, more = <-news:
			if said = more; said {
				say("new", line)
			}
		default:
			said = false
		}
	}
	c := client.New(h.dirs.Socket())
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if p, err := h.store.DefaultProvider(ctx); err == nil && p != nil {
		answers := p.Name
		if p.Canned {
			answers += " (canned answers, no model)"
		}
		say("answers", answers)
	}
	if status, err := c.Host.GetStatus(ctx, &apiv1.GetStatusRequest{}); err == nil {
		for _, hint := range status.Hints {
			say("found", cli.HintWords(hint))
		}
	}
	if window.HasDisplay(h.Getenv) == nil {
		say("chat", called()+" open")
	} else if res, err := c.Host.OpenWindow(ctx, &apiv1.OpenWindowRequest{LinkOnly: true}); err != nil {
		say("chat", err.Error())
	} else {
		say("chat", res.Link)
		say("", h.Out.Dim("no display here: open this link in a browser; it works once, within ten minutes (`openvibez open --link` makes another)"))
		if line := tunnel(h.Getenv, res.Link); line != "" {
			say("ssh", line)
			say("", h.Out.Dim("run this on your own machine first, then open the link there"))
		}
	}
	say("terminal", called()+` ask "hello"`)
	h.Out.Println(h.Out.Dim("  Ctrl-C ends it."))
	if more {
		h.beside.Go(func() {
			for line := range news {
				say("new", line)
			}
		})
	}
}

// called is what to type for this program: its name where the shell finds one, else as it was started.
func called() string {
	const name = "openvibez"
	if _, err := exec.LookPath(name); err != nil {
		return os.Args[0]
	}
	return name
}

// tunnel is the command that brings a link to the machine the person sits at, if they came by ssh.
func tunnel(getenv func(string) string, link string) string {
	// client address, client port, server address, server port
	connection := strings.Fields(getenv("SSH_CONNECTION"))
	u, err := url.Parse(link)
	if len(connection) != 4 || err != nil {
		return ""
	}
	target := connection[2]
	if me, err := user.Current(); err == nil {
		target = me.Username + "@" + target
	}
	port := ""
	if connection[3] != "22" {
		port = "-p " + connection[3] + " "
	}
	return fmt.Sprintf("ssh %s-N -L %s:%s %s", port, u.Port(), net.JoinHostPort("127.0.0.1", u.Port()), target)
}
