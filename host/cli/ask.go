package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"unicode/utf8"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/client"
	"github.com/openvibez/openvibez/host/terminal"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// maxPrompt is the most that a message may have, as the host says too.
const maxPrompt = 12 << 20

type askOptions struct {
	provider, model, session, system string
	last, fresh, json, thoughts      bool
	tuning                           tuning
	// Where the model's tools work, and how far they may go.
	place workplace
	mode  apiv1.AccessMode
	// Questions wait for an answer from elsewhere.
	wait bool
	// The work is left at the provider.
	background bool
}

func askCommand(t *terminal.Terminal) *cobra.Command {
	var o askOptions
	cmd := &cobra.Command{
		Use:   "ask [WORDS... | -]",
		Short: "Ask a model something; the answer streams to standard output",
		Long: `Sends the words as one message and prints the answer as it comes. What is piped in is appended to
the words; "-" alone reads only that. If no host is running, one is started in the background; it ends
by itself after a while.

With --workspace the model may use tools in a directory. What needs a yes is asked here; where there is
no terminal it is denied at once, unless --wait lets it wait for the window or openvibez approval.

With --background the provider works on the answer by itself, also while no host runs: ask prints the
run's id and ends, openvibez run show prints the answer when it is there. Not all models can do that.

Thoughts and status go to standard error: by themselves only in a terminal, thoughts always with
--thoughts. Ctrl-C cancels the answer; what has come by then is kept.`,
		Example: `  openvibez ask "What is a monad?"
  git diff | openvibez ask "Review this:"
  openvibez ask --continue "Shorter, please"
  openvibez ask --provider ollama --model qwen3:4b --system "Answer in French" "Who are you?"
  openvibez ask --attach chart.png "What does this show?"
  openvibez ask --schema answer.schema.json "List three primes"
  openvibez ask --workspace . "Why do the tests fail?"
  openvibez ask --background "Compare these two proofs: …"
  openvibez ask --json "hello" | jq -r '.entry.text.text // empty'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := prompt(t, cmd, args)
			if err != nil {
				return err
			}
			if err := o.check(cmd); err != nil {
				return err
			}
			if err := o.tuning.read(cmd); err != nil {
				return err
			}
			if o.background {
				if o.tuning.options == nil {
					o.tuning.options = &providerv1.Options{}
				}
				o.tuning.options.Background = true
			}
			if o.mode, err = o.place.mode(cmd); err != nil {
				return err
			}
			return ask(cmd.Context(), t, o, text)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.provider, "provider", "p", "", "provider to ask, by name or id (default: the session's, else the default one)")
	f.StringVarP(&o.model, "model", "m", "", "model to ask (default: the session's, else the provider's)")
	f.StringVarP(&o.session, "session", "s", "", "go on with this session: an id, its beginning, or \"last\"")
	f.BoolVarP(&o.last, "continue", "c", false, "go on with the session used last")
	f.BoolVar(&o.fresh, "new", false, "begin a new session (the default)")
	f.StringVar(&o.system, "system", "", "system prompt of a new session")
	f.BoolVar(&o.background, "background", false, "let the provider work on it by itself, and do not wait for the answer")
	o.tuning.flags(f)
	o.place.flags(cmd)
	o.printing(cmd)
	return cmd
}

func (o *askOptions) check(cmd *cobra.Command) error {
	ways := 0
	for _, chosen := range []bool{o.last, o.fresh, o.session != ""} {
		if chosen {
			ways++
		}
	}
	if ways > 1 {
		return terminal.Misused(cmd, "--session, --continue and --new exclude each other")
	}
	if o.last {
		o.session = "last"
	}
	if o.system != "" && o.session != "" {
		return terminal.Misused(cmd, "--system is for a new session; this one has begun")
	}
	return nil
}

// prompt puts the message together from the words and what is piped in.
func prompt(t *terminal.Terminal, cmd *cobra.Command, args []string) (string, error) {
	words := strings.Join(args, " ")
	only := len(args) == 1 && args[0] == "-"
	if only {
		words = ""
	}
	info, err := t.In.Stat()
	if only || err == nil && (info.Mode().IsRegular() || info.Mode()&fs.ModeNamedPipe != 0) {
		piped, err := io.ReadAll(io.LimitReader(t.In, maxPrompt+1))
		if err != nil {
			return "", fmt.Errorf("read standard input: %w", err)
		}
		if rest := strings.TrimRight(string(piped), "\r\n"); rest != "" {
			if words != "" {
				words += "\n\n"
			}
			words += rest
		}
	}
	switch {
	case strings.TrimSpace(words) == "":
		return "", terminal.Misused(cmd, "the message is empty: write it behind ask, or pipe it in")
	case len(words) > maxPrompt:
		return "", terminal.Misused(cmd, "the message is too long: %d MB are the most", maxPrompt>>20)
	case !utf8.ValidString(words):
		bad := 0
		for i, r := range words {
			if r == utf8.RuneError && !strings.HasPrefix(words[i:], "\uFFFD") {
				bad = i
				break
			}
		}
		return "", terminal.Misused(cmd, "the message is not valid UTF-8 (byte %d is not): convert it first, for instance with iconv", bad+1)
	}
	return words, nil
}

func ask(ctx context.Context, t *terminal.Terminal, o askOptions, text string) error {
	c, err := client.Ensure(ctx, t.Getenv)
	if err != nil {
		return err
	}
	named := ""
	if o.session != "" {
		session, err := findSession(ctx, c, o.session)
		if err != nil {
			return err
		}
		named = session.Id
	}
	req := &apiv1.SendRequest{
		ClientRequestId: rand.Text(), SessionId: named, Text: text, Provider: o.provider, Model: o.model, SystemPrompt: o.system,
		Attachments: o.tuning.attached, Options: o.tuning.options, AccessMode: o.mode, ConfirmRoot: o.place.confirmed,
	}
	if o.place.dir != "" {
		if req.Workspace, err = takeUp(ctx, t, c, o.place.dir); err != nil {
			return err
		}
	}
	sent, err := c.Runs.Send(ctx, req)
	if connect.CodeOf(err) == connect.CodeUnavailable {
		// Whether it arrived is unknown, and does not matter: the same request is never carried out twice.
		if c, err = client.Ensure(ctx, t.Getenv); err != nil {
			return err
		}
		sent, err = c.Runs.Send(ctx, req)
	}
	if err != nil {
		return err
	}
	return (&follower{Terminal: t, options: o, client: c, run: sent.Run, rev: sent.Rev}).printAll(ctx)
}

// printAll prints the run to its end; Ctrl-C cancels it.
func (f *follower) printAll(ctx context.Context) error {
	ctx, stop := f.cancelOnSignal(ctx)
	defer stop()
	final, err := f.follow(ctx)
	if err != nil {
		return err
	}
	return f.finish(final)
}

// cancelOnSignal cancels the run at the first Ctrl-C and goes on watching, since the end still has to come; the second
// one leaves at once.
func (f *follower) cancelOnSignal(ctx context.Context) (context.Context, func()) {
	ctx, leave := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	var once sync.Once
	go func() {
		for {
			select {
			case <-signals:
			case <-ctx.Done():
				return
			}
			first := false
			once.Do(func() { first = true })
			if !first {
				leave(terminal.Fail(terminal.Cancelled, errors.New("left before the end of the answer was known")))
				return
			}
			go func() {
				if _, err := f.client.Runs.Cancel(ctx, &apiv1.CancelRequest{RunId: f.run.Id}); err != nil {
					leave(terminal.Fail(terminal.Cancelled, fmt.Errorf("cancel: %s", err.Error())))
				}
			}()
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		leave(nil)
	}
}
