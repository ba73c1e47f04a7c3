package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/terminal"
)

// blind is how long a question ignores what is typed: it was meant for something else.
const blind = 500 * time.Millisecond

// asks are the questions that are put to the person at this terminal, one after the other.
type asks struct {
	ctx      context.Context
	f        *follower
	terminal bool

	mu   sync.Mutex
	open map[string]chan struct{} // closed when answered elsewhere
	seen map[string]bool

	queue chan *apiv1.Approval
	lines chan string
}

func (f *follower) newAsks(ctx context.Context) *asks {
	return &asks{
		ctx: ctx, f: f, terminal: f.Interactive() && f.Err.Terminal && !f.options.json,
		open: map[string]chan struct{}{}, seen: map[string]bool{},
	}
}

// question puts to the person what the model may not decide, or answers for a person who is not there.
func (f *follower) question(ctx context.Context, p *apiv1.Approval) {
	a := f.asks
	a.mu.Lock()
	defer a.mu.Unlock()
	if p.State != apiv1.ApprovalState_APPROVAL_STATE_PENDING {
		if gone := a.open[p.Id]; gone != nil {
			close(gone)
			delete(a.open, p.Id)
		}
		return
	}
	if a.seen[p.Id] {
		return
	}
	a.seen[p.Id] = true
	f.endLine()
	if !a.terminal {
		f.absent(ctx, p)
		return
	}
	a.open[p.Id] = make(chan struct{})
	if a.queue == nil {
		a.queue, a.lines = make(chan *apiv1.Approval, 64), make(chan string)
		go a.read(f.In)
		go a.work()
	}
	select {
	case a.queue <- p:
	default:
		go func() { a.queue <- p }()
	}
}

// absent denies what nobody is there to allow, and says how it can be allowed.
func (f *follower) absent(ctx context.Context, p *apiv1.Approval) {
	if !f.options.json {
		describeApproval(f.Err, p)
	}
	deny, ok := choiceFor(p.Question, "deny")
	if f.options.wait || !ok {
		f.Err.Printf("It waits for an answer: openvibez approval allow %s, or in the window (openvibez open).\n", terminal.Short(p.Id))
		return
	}
	_, err := f.client.Runs.Decide(ctx, &apiv1.DecideRequest{
		ApprovalId: p.Id, ChoiceId: deny, Text: "Nobody is at this terminal who could allow it.",
	})
	if err != nil {
		if ctx.Err() == nil && connect.CodeOf(err) != connect.CodeFailedPrecondition {
			f.Err.Println(err.Error())
		}
		return
	}
	f.Err.Println("Denied, since nobody is here to say yes. To allow it: ask in a terminal, or with --wait and answer with `openvibez approval`;")
	f.Err.Println("for good, trust the directory with `openvibez workspace trust`, grant hosts with `openvibez workspace allow`, or answer once with --always.")
}

// read passes on what is typed, line by line.
func (a *asks) read(in *os.File) {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if err != nil && line == "" {
			if !errors.Is(err, io.EOF) {
				a.f.aside("nothing more can be read here: " + err.Error())
			}
			close(a.lines)
			return
		}
		select {
		case a.lines <- strings.TrimSpace(line):
		case <-a.ctx.Done():
			return
		}
	}
}

// work puts the questions one after the other.
func (a *asks) work() {
	for {
		select {
		case p := <-a.queue:
			a.mu.Lock()
			gone := a.open[p.Id]
			a.mu.Unlock()
			if gone != nil {
				a.put(p, gone)
			}
		case <-a.ctx.Done():
			return
		}
	}
}

// put asks one question; an empty line is a no.
func (a *asks) put(p *apiv1.Approval, gone chan struct{}) {
	out := a.f.Err
	describeApproval(out, p)
	choices := p.Question.GetChoices()
	for i, c := range choices {
		out.Printf("  %d  %s\n", i+1, c.Text)
	}
	deny, canDeny := choiceFor(p.Question, "deny")
	prompt := "> "
	if canDeny {
		prompt = "A number, or a word to the model why not; Enter denies > "
	}
	out.Print(prompt)
	if !a.settle(gone) {
		return
	}
	for {
		var line string
		var ok bool
		select {
		case line, ok = <-a.lines:
		case <-gone:
			out.Println("\nAnswered elsewhere.")
			return
		case <-a.ctx.Done():
			return
		}
		req := &apiv1.DecideRequest{ApprovalId: p.Id}
		n := 0
		switch {
		case len(choices) == 0 && ok:
			req.Text = line
		case isNumber(line, &n) && n >= 1 && n <= len(choices):
			req.ChoiceId = choices[n-1].Id
		case canDeny && (!ok || line == "" || n == 0):
			req.ChoiceId, req.Text = deny, line
		case !ok:
			return
		default:
			out.Printf("Type a number from 1 to %d > ", len(choices))
			continue
		}
		if req.ChoiceId == "always" {
			f := a.f
			sayPreview(a.ctx, f.Terminal, f.client, p)
		}
		a.mu.Lock()
		delete(a.open, p.Id)
		a.mu.Unlock()
		if _, err := a.f.client.Runs.Decide(a.ctx, req); err != nil && a.ctx.Err() == nil {
			out.Println(err.Error())
		}
		return
	}
}

// settle lets what was typed before the question was read pass by; false if it was answered meanwhile.
func (a *asks) settle(gone chan struct{}) bool {
	timer := time.NewTimer(blind)
	defer timer.Stop()
	for {
		select {
		case _, ok := <-a.lines:
			if !ok {
				return true
			}
		case <-gone:
			a.f.Err.Println("\nAnswered elsewhere.")
			return false
		case <-a.ctx.Done():
			return false
		case <-timer.C:
			terminal.FlushInput(a.f.In)
			return true
		}
	}
}

func isNumber(line string, n *int) bool {
	var rest string
	count, _ := fmt.Sscanf(line+" .", "%d %s", n, &rest)
	return count == 2 && rest == "."
}
