package e2e

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"connectrpc.com/connect"
	_ "github.com/glebarez/go-sqlite" // the driver "sqlite"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/store"
)

var (
	chaosCycles = flag.Int("chaos", 3, "how often TestChaos kills the host")
	chaosSeed   = flag.Uint64("seed", 0, "what TestChaos draws from; 0: something new")
)

// TestChaos kills the host, its plugins and its watchers at random moments, again and again on one database, while
// messages are sent, answered, queued, cancelled, retried and decided, and checks after each kill that nothing is lost,
// doubled or left over.
func TestChaos(t *testing.T) {
	seed := *chaosSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("go test ./e2e -run 'TestChaos$' -chaos %d -seed %d", *chaosCycles, seed)
	c := newChaos(t, seed)
	for n := range *chaosCycles {
		c.cycle(n)
		if t.Failed() {
			t.Fatalf("cycle %d broke a promise", n)
		}
	}
	c.report()
}

// chaos is one installation and all that it has promised so far.
type chaos struct {
	*home
	rnd *rand.Rand

	mu       sync.Mutex
	messages map[string]*message // by client request id
	sessions []string
	rooms    []string // those in the workspace
	// Runs whose cancel was acknowledged, and decisions that were, by approval.
	cancelled map[string]bool
	decided   map[string]string
	// A trusted directory in which tools leave the marks of messages, a line each.
	workplace, workspace string
	// What happened, for the report.
	counts map[string]int
}

// message is one that was sent, or tried to be.
type message struct {
	id, session string
	text        string
	model       string
	// How often its run was asked for again.
	repeats int
	// The whole answer that its script makes, or what begins it.
	answer string
	run    string // once acknowledged
	// The run replaces or continues another, so its own text is not all of the answer.
	linked bool
	edited bool
}

func newChaos(t *testing.T, seed uint64) *chaos {
	c := &chaos{
		home: newHome(t), rnd: rand.New(rand.NewPCG(seed, 1)), messages: map[string]*message{},
		cancelled: map[string]bool{}, decided: map[string]string{}, counts: map[string]int{}, workplace: t.TempDir(),
	}
	p := c.start()
	made, err := apiv1.NewWorkspaceServiceClient(c.http(), "http://openvibez").AddWorkspace(t.Context(),
		&apiv1.AddWorkspaceRequest{Path: c.workplace, Trust: apiv1.Trust_TRUST_TRUSTED})
	if err != nil {
		t.Fatal(err)
	}
	c.workspace = made.Workspace.Id
	c.must("provider", "add", "scripted")
	c.must("provider", "default", "scripted")
	p.kill()
	return c
}

func (c *chaos) count(what string) {
	c.mu.Lock()
	c.counts[what]++
	c.mu.Unlock()
}

func (c *chaos) report() {
	var words []string
	for what, n := range c.counts {
		words = append(words, fmt.Sprintf("%s %d", what, n))
	}
	c.t.Logf("%d messages in %d sessions; %s", len(c.messages), len(c.sessions), strings.Join(words, ", "))
}

// draw gives a number below n. It is for one goroutine.
func (c *chaos) draw(n int) int { return c.rnd.IntN(n) }

// cycle starts the host, keeps it busy, kills it, and looks at what is left.
func (c *chaos) cycle(n int) {
	early := c.draw(8) == 0
	p := c.begin(early)
	if early {
		// In the middle of its start, where the database is opened, migrated and settled.
		time.Sleep(time.Duration(c.draw(120)) * time.Millisecond)
		p.kill()
		c.count("kills while starting")
		c.nobodyLeft(p)
		c.checkFile(n)
		return
	}
	ctx, cancel := context.WithCancel(c.t.Context())
	var busy sync.WaitGroup
	for i := range 3 {
		// Each goroutine draws from numbers of its own, so that a seed means the same again.
		rnd := rand.New(rand.NewPCG(c.rnd.Uint64(), uint64(i)))
		busy.Go(func() { c.keepSending(ctx, rnd) })
	}
	meddle := rand.New(rand.NewPCG(c.rnd.Uint64(), 10))
	busy.Go(func() { c.meddle(ctx, meddle) })
	for range 2 {
		rnd := rand.New(rand.NewPCG(c.rnd.Uint64(), 20))
		busy.Go(func() { c.follow(ctx, rnd) })
	}
	life := time.Duration(50+c.draw(1500)) * time.Millisecond
	if c.draw(3) == 0 {
		time.Sleep(life / 2)
		c.killPlugin()
		time.Sleep(life / 2)
	} else {
		time.Sleep(life)
	}
	p.kill()
	c.count("kills")
	cancel()
	busy.Wait()
	c.nobodyLeft(p)
	c.checkFile(n)
	if n%4 == 3 || n == *chaosCycles-1 {
		c.checkAPI(n)
	}
}

// begin starts the host; early: without waiting until it answers.
func (c *chaos) begin(early bool) *host {
	if !early {
		return c.start()
	}
	return c.launch()
}

// killPlugin ends the plugin's process as the system would that has no memory left.
func (c *chaos) killPlugin() {
	for _, pid := range c.processes("openvibez-provider-scripted") {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		c.count("plugin kills")
	}
}

// processes lists this installation's processes whose program has a name; "" for all.
func (c *chaos) processes(name string) []int {
	var found []int
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		c.t.Fatal(err)
	}
	for _, dir := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		exe, err := os.Readlink(dir + "/exe")
		if err != nil {
			continue
		}
		base := filepath.Base(strings.TrimSuffix(exe, " (deleted)"))
		env, _ := os.ReadFile(dir + "/environ")
		cmdline, _ := os.ReadFile(dir + "/cmdline")
		cwd, _ := os.Readlink(dir + "/cwd")
		ours := strings.HasPrefix(exe, bin) && (strings.Contains(string(env), c.dir) || strings.HasPrefix(cwd, c.dir)) ||
			strings.Contains(string(cmdline), c.dir)
		if ours && (name == "" || base == name) {
			found = append(found, pid)
		}
	}
	return found
}

// nobodyLeft waits until everything that a killed host had started is gone too.
func (c *chaos) nobodyLeft(p *host) {
	wait(c.t, fmt.Sprintf("the children of host %d to end: %v", p.cmd.Process.Pid, c.processes("")), func() bool { return len(c.processes("")) == 0 })
}

// client's calls for one goroutine; a host that is gone makes them fail, which is the point.
func (c *chaos) calls() (apiv1.HostServiceClient, apiv1.RunServiceClient, apiv1.SessionServiceClient) {
	hosts, runs := c.client()
	return hosts, runs, c.home.sessions()
}

// scripts are what messages have the provider do; the answer is all that it would say.
var scripts = []func(rnd *rand.Rand, mark string) (script, answer string){
	func(rnd *rand.Rand, mark string) (string, string) {
		n := 1 + rnd.IntN(3000)
		return fmt.Sprintf("raw %s \nusage 7 3\ntext %d", mark, n), mark + numbers(n)
	},
	func(rnd *rand.Rand, mark string) (string, string) {
		n := 10 + rnd.IntN(100)
		return fmt.Sprintf("raw %s\nslow %d %d\nusage 7 3", mark, n, 1+rnd.IntN(20)), mark + numbers(n)
	},
	func(rnd *rand.Rand, mark string) (string, string) {
		n := 5 + rnd.IntN(40)
		return fmt.Sprintf("thought hm %s\nraw %s\nslow %d 3\nthought and\ntext 40\nusage 7 3", mark, mark, n), mark + numbers(n) + numbers(40)
	},
	func(_ *rand.Rand, mark string) (string, string) {
		return "once error rate_limited 200\nraw " + mark + "\nusage 7 3\ntext 20", mark + numbers(20)
	},
	func(_ *rand.Rand, mark string) (string, string) {
		return "raw " + mark + "\nslow 10 5\nkill", mark + numbers(10)
	},
	func(_ *rand.Rand, mark string) (string, string) {
		return "raw " + mark + "\nslow 5 5\nerror provider", mark + numbers(5)
	},
	func(_ *rand.Rand, mark string) (string, string) {
		return "raw " + mark + "\nquestion sure?\nusage 7 3", mark
	},
	func(_ *rand.Rand, mark string) (string, string) { return "raw " + mark + "\nhang", mark },
}

// toolScripts are for a model that calls tools: one that needs no question, one that takes its time and leaves processes
// behind it, one that asks first.
var toolScripts = []func(mark string) string{
	func(mark string) string { return shell("echo " + mark + " >> marks") },
	func(mark string) string {
		return shell("echo " + mark + " >> marks; sleep 1000 & setsid sleep 1000 & sleep 0.3; echo done")
	},
	func(mark string) string { return shell("python3 -c pass; echo " + mark + " >> marks") },
}

func shell(command string) string {
	arguments, _ := json.Marshal(map[string]string{"command": command})
	return "raw working\ntool run_shell " + string(arguments)
}

func numbers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%03d ", i%1000)
	}
	return b.String()
}

// gone tells whether a call failed because nobody was there to answer it.
func gone(err error) bool {
	code := connect.CodeOf(err)
	return code == connect.CodeUnavailable || code == connect.CodeCanceled || code == connect.CodeUnknown || code == connect.CodeDeadlineExceeded || code == connect.CodeInternal
}

// TestChaosMigration kills the host while it brings the first schema to today's; what was there stays, once.
func TestChaosMigration(t *testing.T) {
	for n := range max(1, *chaosCycles) {
		h := newHome(t)
		path := filepath.Join(h.dir, "openvibez.db")
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		for _, script := range []string{"../host/store/testdata/0001.sql", "../host/store/testdata/0001-rows.sql"} {
			text, err := os.ReadFile(script)
			if err == nil {
				_, err = db.ExecContext(t.Context(), string(text))
			}
			if err != nil {
				t.Fatalf("%s: %v", script, err)
			}
		}
		if _, err := db.ExecContext(t.Context(), "PRAGMA application_id = 1331053146; PRAGMA user_version = 1"); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		p := h.launch()
		time.Sleep(time.Duration(rand.IntN(150)) * time.Millisecond)
		p.kill()
		var st *store.Store
		wait(t, "the killed host's lock", func() bool {
			// A plugin that was just being started holds it until it is another program.
			var locked *store.LockedError
			st, err = store.Open(t.Context(), store.Config{Path: path})
			return !errors.As(err, &locked)
		})
		if err != nil {
			t.Fatalf("kill %d: %v", n, err)
		}
		if err := st.CheckInvariants(t.Context()); err != nil {
			t.Errorf("kill %d: %v", n, err)
		}
		if runs, err := st.SessionRuns(t.Context(), "sess"); err != nil || len(runs) != 2 {
			t.Errorf("kill %d: %v, %v", n, runs, err)
		}
		page, err := st.ListEntries(t.Context(), &apiv1.ListEntriesRequest{SessionId: "sess"})
		if err != nil || len(page.Entries) < 5 || page.Entries[1].GetText().GetText() != "A rune is a code point." {
			t.Errorf("kill %d: %v, %v", n, page, err)
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}
}
