package run

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/store"
)

// TestAnySequence does to an engine whatever clients may do, in any order, and crashes in between: what was acknowledged is
// there once, what has ended stays as it ended, and the store keeps its promises. More of it: -rapid.checks 500.
func TestAnySequence(t *testing.T) {
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := f.Value.Set("12"); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		m := newMachine(t, rt)
		defer m.leave()
		rt.Repeat(map[string]func(*rapid.T){
			"send":      m.sendSomething,
			"send same": m.sendAgain,
			"cancel":    func(*rapid.T) { m.onSome(m.cancelSome) },
			"retry":     func(*rapid.T) { m.onSome(m.retrySome) },
			"continue":  func(*rapid.T) { m.onSome(m.continueSome) },
			"pause":     func(*rapid.T) { m.onSome(m.pauseSome) },
			"resume":    func(*rapid.T) { m.onSome(m.resumeSome) },
			"edit":      func(*rapid.T) { m.onSome(m.editSome) },
			"move":      m.moveSome,
			"decide":    m.decideSome,
			"crash":     func(*rapid.T) { m.crash() },
			"restart":   func(*rapid.T) { m.bench.close(); m.bench.open() },
			"":          func(*rapid.T) { m.check() },
		})
		m.settle()
	})
}

// machine is an engine and what it has acknowledged.
type machine struct {
	bench *bench
	rt    *rapid.T
	// Runs by client request id, those ids in order, and what was sent under each.
	runs  map[string]string
	order []string
	sent  []*apiv1.SendRequest
	// How each run was seen to have ended, with its text.
	ended map[string]string
	n     int
}

func newMachine(t *testing.T, rt *rapid.T) *machine {
	m := &machine{bench: &bench{T: t}, rt: rt, runs: map[string]string{}, ended: map[string]string{}}
	m.enter()
	p, err := m.bench.store.AddProvider(context.Background(), &apiv1.Provider{Plugin: "scripted", Name: "Scripted"})
	if err != nil {
		rt.Fatal(err)
	}
	m.bench.id = p.Id
	return m
}

// enter opens what from holds, or something new.
func (m *machine) enter(from ...string) {
	dir := ""
	if len(from) > 0 {
		dir = from[0]
	} else {
		var err error
		if dir, err = os.MkdirTemp("", "ovr"); err != nil {
			m.rt.Fatal(err)
		}
	}
	m.bench.dir = dir
	m.bench.open()
}

func (m *machine) leave() {
	m.bench.close()
	_ = os.RemoveAll(m.bench.dir)
}

func (m *machine) fail(format string, args ...any) {
	m.rt.Helper()
	m.rt.Fatalf(format, args...)
}

func (m *machine) id() string {
	m.n++
	return fmt.Sprint("id", m.n)
}

func (m *machine) took(id string, r *apiv1.Run) {
	if known, ok := m.runs[id]; ok && known != r.Id {
		m.fail("%s is run %s, and was %s", id, r.Id, known)
	}
	if _, ok := m.runs[id]; !ok {
		m.order = append(m.order, id)
	}
	m.runs[id] = r.Id
}

var scripts = []string{
	"say at once", "slow 20 1", "slow 100000 2", "hang", "say half\ncrash", "error OVERLOADED", "say x\ntool look {}", "delay 20\ntool look {}",
	"question may I?\nsay after", "once error RATE_LIMITED 30\nsay later", "say long\nlength", "thought hm\nsay y\nusage 3 4",
}

func (m *machine) sendSomething(rt *rapid.T) {
	req := &apiv1.SendRequest{ClientRequestId: m.id(), Text: rapid.SampledFrom(scripts).Draw(rt, "script"), Provider: "Scripted"}
	if some := m.some("in the session of"); some != nil && rapid.Bool().Draw(rt, "old session") {
		req.SessionId = some.SessionId
	}
	res, err := m.bench.engine.Send(context.Background(), req, nil)
	if err != nil {
		m.fail("send: %v", err)
	}
	m.took(req.ClientRequestId, res.Run)
	m.sent = append(m.sent, req)
}

func (m *machine) sendAgain(rt *rapid.T) {
	if len(m.sent) == 0 {
		return
	}
	req := rapid.SampledFrom(m.sent).Draw(rt, "same")
	res, err := m.bench.engine.Send(context.Background(), req, nil)
	if err != nil {
		m.fail("send the same: %v", err)
	}
	m.took(req.ClientRequestId, res.Run)
}

// some draws one of the runs; nil if there are none.
func (m *machine) some(what string) *apiv1.Run {
	if len(m.order) == 0 {
		return nil
	}
	id := m.runs[rapid.SampledFrom(m.order).Draw(m.rt, what)]
	r, err := m.bench.store.Run(context.Background(), id)
	if err != nil {
		m.fail("an acknowledged run is gone: %v", err)
	}
	return r
}

func (m *machine) onSome(act func(*apiv1.Run) error) {
	if r := m.some("run"); r != nil {
		// What a run's state does not allow is refused; that is no failure.
		_ = act(r)
	}
}

func (m *machine) cancelSome(r *apiv1.Run) error {
	got, err := m.bench.engine.Cancel(context.Background(), r.Id)
	if err != nil || !store.Final(got.State) {
		m.fail("a cancelled run is %v: %v", got, err)
	}
	return nil
}

func (m *machine) retrySome(r *apiv1.Run) error {
	id := m.id()
	res, err := m.bench.engine.Retry(context.Background(), &apiv1.RetryRequest{RunId: r.Id, ClientRequestId: id})
	if err == nil {
		m.took(id, res.Run)
	}
	return err
}

func (m *machine) continueSome(r *apiv1.Run) error {
	id := m.id()
	res, err := m.bench.engine.Continue(context.Background(), &apiv1.ContinueRequest{RunId: r.Id, ClientRequestId: id})
	if err == nil {
		m.took(id, res.Run)
	}
	return err
}

func (m *machine) pauseSome(r *apiv1.Run) error {
	_, err := m.bench.engine.Pause(context.Background(), r.Id)
	return err
}

func (m *machine) resumeSome(r *apiv1.Run) error {
	_, err := m.bench.engine.Resume(context.Background(), r.Id)
	return err
}

func (m *machine) editSome(r *apiv1.Run) error {
	_, err := m.bench.engine.EditQueued(context.Background(), &apiv1.EditQueuedRequest{RunId: r.Id, Text: "say edited"})
	return err
}

func (m *machine) moveSome(*rapid.T) {
	m.onSome(func(r *apiv1.Run) error {
		_, err := m.bench.engine.MoveQueued(context.Background(), r.Id, m.some("before").Id)
		return err
	})
}

func (m *machine) decideSome(*rapid.T) {
	m.onSome(func(r *apiv1.Run) error {
		asked, err := m.bench.store.RunApprovals(context.Background(), r.Id)
		if err != nil || len(asked) == 0 {
			return err
		}
		a := asked[len(asked)-1]
		_, err = m.bench.engine.Decide(context.Background(), &apiv1.DecideRequest{ApprovalId: a.Id, ChoiceId: a.Question.Choices[0].Id}, apiv1.Author_AUTHOR_CLI)
		return err
	})
}

// crash goes on with the files as they are at this moment, as after kill -9.
func (m *machine) crash() {
	some := m.some("seen by")
	if some == nil {
		return
	}
	dir, err := os.MkdirTemp("", "ovr")
	if err != nil {
		m.fail("%v", err)
	}
	// Within a change nobody else writes, so the two files are of one moment.
	_, err = m.bench.store.UpdateSession(context.Background(), some.SessionId, func(*apiv1.Session) error {
		return errors.Join(copyFile(m.bench.dir, dir, "openvibez.db"), copyFile(m.bench.dir, dir, "openvibez.db-wal"))
	})
	if err != nil {
		m.fail("%v", err)
	}
	m.leave()
	m.enter(dir)
}

func copyFile(fromDir, toDir, name string) error {
	in, err := os.Open(filepath.Join(fromDir, name))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(filepath.Join(toDir, name), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// check looks at all that was acknowledged.
func (m *machine) check() {
	ctx := context.Background()
	for _, id := range m.order {
		r, err := m.bench.store.Run(ctx, m.runs[id])
		if err != nil {
			m.fail("an acknowledged run is gone: %v", err)
		}
		if r.ClientRequestId != id {
			m.fail("run %s is called %s, and was %s", r.Id, r.ClientRequestId, id)
		}
		if !store.Final(r.State) {
			if how, was := m.ended[r.Id]; was {
				m.fail("run %s had ended as %s and is %v", r.Id, how, r.State)
			}
			continue
		}
		entries, err := m.bench.store.RunEntries(ctx, r.Id)
		if err != nil {
			m.fail("%v", err)
		}
		var text strings.Builder
		for _, e := range entries {
			text.WriteString(e.GetText().GetText())
		}
		how := fmt.Sprint(r.State, " ", r.EndedMs, " ", text.String())
		if was, ok := m.ended[r.Id]; ok && was != how {
			m.fail("run %s had ended as %s, and now as %s", r.Id, was, how)
		}
		m.ended[r.Id] = how
	}
	if err := m.bench.store.CheckInvariants(ctx); err != nil {
		m.fail("%v", err)
	}
}

// settle lets everything come to an end.
func (m *machine) settle() {
	for _, id := range m.order {
		r, err := m.bench.store.Run(context.Background(), m.runs[id])
		if err != nil {
			m.fail("%v", err)
		}
		if err := m.cancelSome(r); err != nil {
			m.fail("%v", err)
		}
	}
	m.check()
	if n := m.bench.engine.Active(); n != 0 {
		m.fail("%d runs are still under way", n)
	}
}
