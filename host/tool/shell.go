package tool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/policy"
	"github.com/openvibez/openvibez/host/sandbox"
)

// Bounds of run_shell.
const (
	defaultTimeout = 120 * time.Second
	maxTimeout     = 600 * time.Second
	maxCommand     = 64 << 10
	// Of each of what a command printed and what it complained about.
	maxOutput = 24 << 10
)

type shellArgs struct {
	Command   string  `json:"command"`
	Directory *string `json:"directory"`
	Timeout   *int    `json:"timeout_seconds"`
}

func runShell(box *sandbox.Sandbox) *Tool {
	return &Tool{
		Declaration: declare(RunShell),
		Brief:       brief(RunShell, "Runs a shell command line in a sandbox, without a terminal.", "command"),
		Question:    "May this command run?",
		Changes:     true,
		Prepare:     prepareShell,
		Do:          func(ctx context.Context, c *Call, g policy.Grant) (Result, error) { return c.run(ctx, box, g) },
	}
}

func prepareShell(c *Call, text string) error {
	a := &shellArgs{}
	if err := arguments(text, a, "command"); err != nil {
		return err
	}
	switch {
	case strings.TrimSpace(a.Command) == "":
		return errors.New("the command is empty")
	case len(a.Command) > maxCommand:
		return fmt.Errorf("the command has %s; %s are the most: put what it works on into a file", size(int64(len(a.Command))), size(maxCommand))
	case a.Timeout != nil && (*a.Timeout < 1 || *a.Timeout > int(maxTimeout.Seconds())):
		return fmt.Errorf("timeout_seconds is 1 to %d", int(maxTimeout.Seconds()))
	}
	where := "."
	if a.Directory != nil && *a.Directory != "" {
		where = *a.Directory
	}
	dir, shown, err := resolve(c.Root, where)
	if err != nil {
		return err
	}
	p, err := reach(c.Root, "", dir, false)
	if err == nil {
		defer p.close()
		info, statErr := p.dir.Lstat(p.name)
		if err = statErr; err == nil && !info.IsDir() {
			err = errors.New("it is no directory")
		}
	}
	if err != nil {
		return fmt.Errorf("the directory %s can't be used: %s", shown, plain(err))
	}
	c.Args, c.Path, c.Wants = a, shown, policy.Request{Command: a.Command, Dir: dir}
	return nil
}

// Command is the command line of a run_shell call; empty for other calls.
func (c *Call) Command() string { return c.Wants.Command }

// run runs what was granted, to the end of everything it started.
func (c *Call) run(ctx context.Context, box *sandbox.Sandbox, g policy.Grant) (Result, error) {
	a := c.Args.(*shellArgs)
	timeout, cold := defaultTimeout, box.Cold(g.Root())
	if cold {
		timeout = maxTimeout
	}
	if a.Timeout != nil {
		timeout = time.Duration(*a.Timeout) * time.Second
	}
	res, err := box.Run(ctx, g, sandbox.Options{Timeout: timeout, MaxOutput: maxOutput, Private: c.Private})
	if cause := context.Cause(ctx); cause != nil {
		return Result{Content: "The command was stopped: the run was cancelled.\n" + printed(res), Outcome: apiv1.ToolOutput_OUTCOME_CANCELLED}, nil
	}
	if err != nil {
		return Result{}, err
	}
	head := fmt.Sprintf("exit code %d", res.ExitCode)
	if res.TimedOut {
		head = fmt.Sprintf("ended after %s because it took too long; timeout_seconds can allow up to %d", timeout, int(maxTimeout.Seconds()))
		if cold {
			head += "\nNothing was built here before, so that much had to be compiled first. It is kept: make the same call again, and it goes on from there."
		}
	}
	if res.Problem != "" {
		head += "\n" + res.Problem
	}
	if len(res.Refused) > 0 {
		head += "\nIt tried to reach " + strings.Join(res.Refused, ", ") + ", which is not granted. That is why, whatever the command itself says."
	}
	for _, words := range res.Told {
		head += "\nOn its way to the network: " + words + "."
	}
	if why := because(res, g.Profile()); why != "" {
		head += "\n" + why
	}
	out := Result{Content: strings.TrimRight(head+"\n"+printed(res), "\n"), Outcome: apiv1.ToolOutput_OUTCOME_EXITED, ExitCode: res.ExitCode}
	if res.TimedOut {
		out.Outcome, out.ExitCode = apiv1.ToolOutput_OUTCOME_TIMED_OUT, 0
	}
	return out, nil
}

// noNetwork is how programs say that they reach nobody. Many take it for something else.
func noNetwork() []string {
	return []string{
		"ENOTCACHED", "EAI_AGAIN", "ENOTFOUND", "getaddrinfo", "Could not resolve host", "Temporary failure in name resolution", "Name or service not known",
		"Network is unreachable", "failed to lookup address", "server misbehaving", "unable to resolve host", "Could not resolve proxy",
		"--offline was specified", "GOPROXY list is not the empty string", "No matching distribution found",
	}
}

// because says what messages mean about what the sandbox does, and that nobody would guess.
func because(res sandbox.Result, in policy.Profile) string {
	text := res.Stderr.Text
	settings := strings.Contains(text, "could not write config file") || strings.Contains(text, "could not lock config file")
	switch {
	case res.ExitCode == 0:
		return ""
	case settings && strings.Contains(text, "core.repositoryformatversion"):
		return "There is a repository here already, so git init is not needed. It wanted to write .git/config, which the sandbox keeps as it is."
	case settings:
		return "The sandbox keeps .git/config as it is, because settings can make git run programs. Ask the person to set this one."
	case strings.Contains(text, "failed to remove .") && strings.Contains(text, "Device or resource busy"):
		return "The sandbox keeps directories of these names for as long as a command runs; the empty ones go when it ends. Everything else was done, so there is no need to try again."
	case strings.Contains(text, "Device or resource busy") || strings.Contains(text, "EBUSY"):
		return "The sandbox covers git's data and settings of tools inside the workspace while a command runs; a command can't move or remove them, or what holds them."
	case in != policy.ProfileNet && in != policy.ProfileHost && slices.ContainsFunc(noNetwork(), func(sign string) bool {
		return strings.Contains(text, sign) || strings.Contains(res.Stdout.Text, sign)
	}):
		return "The command ran without network: only commands that are known to need it get one, and the person is asked about them first."
	}
	return ""
}

// printed is what a command wrote, for the model.
func printed(res sandbox.Result) string {
	var b strings.Builder
	for _, o := range []struct {
		name string
		out  sandbox.Output
	}{{"stdout", res.Stdout}, {"stderr", res.Stderr}} {
		switch {
		case o.out.Total == 0:
			continue
		case o.out.Binary:
			fmt.Fprintf(&b, "%s: %s of binary data, not shown\n", o.name, size(o.out.Total))
		default:
			fmt.Fprintf(&b, "%s:\n%s\n", o.name, strings.TrimRight(o.out.Text, "\n"))
		}
	}
	if b.Len() == 0 {
		return "no output"
	}
	return b.String()
}
