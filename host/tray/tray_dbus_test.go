//go:build linux

package tray

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/godbus/dbus/v5"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/client"
)

// trayHost is the part of the API that the tray uses, in the hands of the test.
type trayHost struct {
	apiv1.UnimplementedSessionServiceHandler
	apiv1.UnimplementedRunServiceHandler
	apiv1.UnimplementedHostServiceHandler
	changes chan *apiv1.Change
	asked   chan string
}

func (h *trayHost) GetSession(_ context.Context, r *apiv1.GetSessionRequest) (*apiv1.GetSessionResponse, error) {
	return &apiv1.GetSessionResponse{Session: &apiv1.Session{Id: r.Id, Title: "title_of " + r.Id}}, nil
}

func (h *trayHost) ListRuns(context.Context, *apiv1.ListRunsRequest) (*apiv1.ListRunsResponse, error) {
	return &apiv1.ListRunsResponse{Rev: 7}, nil
}

func (h *trayHost) Cancel(_ context.Context, r *apiv1.CancelRequest) (*apiv1.CancelResponse, error) {
	h.asked <- "cancel " + r.RunId
	return &apiv1.CancelResponse{}, nil
}

func (h *trayHost) GetConsent(context.Context, *apiv1.GetConsentRequest) (*apiv1.GetConsentResponse, error) {
	return &apiv1.GetConsentResponse{}, nil
}

func (h *trayHost) AnswerConsent(_ context.Context, r *apiv1.AnswerConsentRequest) (*apiv1.AnswerConsentResponse, error) {
	h.asked <- fmt.Sprint("answer ", r.Id, " ", r.Allow)
	return &apiv1.AnswerConsentResponse{}, nil
}

func (h *trayHost) OpenWindow(_ context.Context, r *apiv1.OpenWindowRequest) (*apiv1.OpenWindowResponse, error) {
	h.asked <- "open " + r.SessionId
	return &apiv1.OpenWindowResponse{}, nil
}

func (h *trayHost) Watch(ctx context.Context, r *apiv1.WatchRequest, s *connect.ServerStream[apiv1.WatchResponse]) error {
	h.asked <- fmt.Sprint("watch after ", r.AfterRev)
	for {
		select {
		case c := <-h.changes:
			if c == nil {
				return connect.NewError(connect.CodeUnavailable, nil)
			}
			if err := s.Send(&apiv1.WatchResponse{Rev: 7, Changes: []*apiv1.Change{c}}); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

func (h *trayHost) expect(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-h.asked:
		if got != want {
			t.Fatalf("the tray asked %q, not %q", got, want)
		}
	case <-time.After(time.Minute):
		t.Fatalf("the tray never asked %q", want)
	}
}

func (h *trayHost) run(id string, state apiv1.RunState, ended int64) {
	h.changes <- &apiv1.Change{Row: &apiv1.Change_Run{Run: &apiv1.Run{Id: id, SessionId: "s-" + id, State: state, EndedMs: ended}}}
}

// panel is a StatusNotifierWatcher of the test's own.
type panel struct {
	bus   *dbus.Conn
	mu    sync.Mutex
	items []string
	// So often it takes no icon.
	refuse int
}

func newPanel(t *testing.T, address string) *panel {
	t.Helper()
	bus, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bus.Close() })
	p := &panel{bus: bus}
	if err := bus.Export(p, "/StatusNotifierWatcher", statusNotifierWatcher); err != nil {
		t.Fatal(err)
	}
	if err := bus.Export(watcherProperties{p}, "/StatusNotifierWatcher", "org.freedesktop.DBus.Properties"); err != nil {
		t.Fatal(err)
	}
	if reply, err := bus.RequestName(statusNotifierWatcher, dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatal("own the watcher's name:", reply, err)
	}
	return p
}

func (p *panel) RegisterStatusNotifierItem(service string, sender dbus.Sender) *dbus.Error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse > 0 {
		p.refuse--
		return dbus.MakeFailedError(errors.New("not yet"))
	}
	p.items = append(p.items, string(sender)+service)
	return nil
}

type watcherProperties struct{ panel *panel }

func (w watcherProperties) Get(_, _ string) (dbus.Variant, *dbus.Error) {
	w.panel.mu.Lock()
	defer w.panel.mu.Unlock()
	return dbus.MakeVariant(append([]string{}, w.panel.items...)), nil
}

// item waits until an icon has registered and gives the name of its owner.
func (p *panel) item(t *testing.T) string {
	t.Helper()
	owner := ""
	eventually(t, "the icon registers", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.items) > 0 {
			owner, _, _ = strings.Cut(p.items[0], "/")
		}
		return owner != ""
	})
	return owner
}

type menuNode struct {
	ID       int32
	Props    map[string]dbus.Variant
	Children []dbus.Variant
}

// menu flattens the visible menu: "label" or "-label" for a disabled one, indented by level.
func (p *panel) menu(owner string) (lines []string, ids map[string]int32) {
	ids = map[string]int32{}
	var rev uint32
	var root menuNode
	call := p.bus.Object(owner, "/StatusNotifierItem/menu").Call("com.canonical.dbusmenu.GetLayout", 0, int32(0), int32(-1), []string{})
	if call.Store(&rev, &root) != nil {
		return nil, ids
	}
	var walk func(n menuNode, indent string)
	walk = func(n menuNode, indent string) {
		for _, c := range n.Children {
			var child menuNode
			if dbus.Store(c.Value().([]any), &child.ID, &child.Props, &child.Children) != nil {
				continue
			}
			if v, ok := child.Props["visible"].Value().(bool); ok && !v {
				continue
			}
			label, _ := child.Props["label"].Value().(string)
			if kind, _ := child.Props["type"].Value().(string); kind == "separator" {
				label = "---"
			}
			if on, ok := child.Props["enabled"].Value().(bool); ok && !on {
				label = "-" + label
			}
			ids[label] = child.ID
			lines = append(lines, indent+label)
			walk(child, indent+"  ")
		}
	}
	walk(root, "")
	return lines, ids
}

func (p *panel) expectMenu(t *testing.T, owner string, want ...string) map[string]int32 {
	t.Helper()
	var ids map[string]int32
	eventually(t, "the menu is "+strings.Join(want, " | "), func() bool {
		var got []string
		got, ids = p.menu(owner)
		return strings.Join(got, "\n") == strings.Join(want, "\n")
	})
	return ids
}

func (p *panel) click(t *testing.T, owner string, id int32) {
	t.Helper()
	if err := p.bus.Object(owner, "/StatusNotifierItem/menu").Call("com.canonical.dbusmenu.Event", 0, id, "clicked", dbus.MakeVariant(0), uint32(0)).Err; err != nil {
		t.Fatal(err)
	}
}

func (p *panel) tooltip(owner string) string {
	v, err := p.bus.Object(owner, "/StatusNotifierItem").GetProperty("org.kde.StatusNotifierItem.ToolTip")
	if err != nil {
		return err.Error()
	}
	return v.Value().([]any)[2].(string)
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never came true:", what)
		}
	}
}

func testBus(t *testing.T) (address string) {
	t.Helper()
	if _, err := exec.LookPath("dbus-daemon"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("needs dbus-daemon: apt-get install dbus")
		}
		t.Skip("needs dbus-daemon: apt-get install dbus")
	}
	c := exec.Command("dbus-daemon", "--session", "--nofork", "--print-address", "--address=unix:dir="+t.TempDir())
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Kill() //nolint:errcheck // It may have ended by itself.
		c.Wait()         //nolint:errcheck // It was killed.
	})
	address, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(address)
}

// TestTray plays the panel for a tray in a process of its own, which is this test called once more: systray can be
// started only once in a process.
func TestTray(t *testing.T) {
	if socket := os.Getenv("OPENVIBEZ_TEST_TRAY"); socket != "" {
		ctx, quit := context.WithCancel(t.Context())
		if err := run(ctx, client.New(socket), quit, slog.New(slog.NewTextHandler(os.Stderr, nil))); err != nil {
			t.Fatal(err)
		}
		return
	}
	address := testBus(t)
	h := &trayHost{changes: make(chan *apiv1.Change), asked: make(chan string, 10)}
	mux := http.NewServeMux()
	mux.Handle(apiv1.NewSessionServiceHandler(h))
	mux.Handle(apiv1.NewRunServiceHandler(h))
	mux.Handle(apiv1.NewHostServiceHandler(h))
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: mux}
	go server.Serve(l) //nolint:errcheck // It always ends with an error, when the test closes it.
	t.Cleanup(func() { server.Close() })

	c := exec.Command(os.Args[0], "-test.run=^TestTray$")
	c.Env = append(os.Environ(), "OPENVIBEZ_TEST_TRAY="+socket, "DBUS_SESSION_BUS_ADDRESS="+address)
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Kill() //nolint:errcheck // It has ended by itself if all went well.
		if t.Failed() {
			t.Log(said.String())
		}
	})

	p := newPanel(t, address) // later than the tray, or before it: both must do
	p.mu.Lock()
	p.refuse = 1
	p.mu.Unlock()
	owner := p.item(t)
	h.expect(t, "watch after 7")
	if v, err := p.bus.Object(owner, "/StatusNotifierItem").GetProperty("org.kde.StatusNotifierItem.Id"); err != nil || v.Value() != "OpenVibez" {
		t.Error("Id:", v, err)
	}
	if err := p.bus.Object(owner, "/StatusNotifierItem").Call("org.kde.StatusNotifierItem.Activate", 0, int32(1), int32(1)).Err; err != nil {
		t.Fatal(err)
	}
	h.expect(t, "open ")
	ids := p.expectMenu(t, owner, "Open OpenVibez", "New conversation", "---", "-Nothing running", "---", "Quit")
	p.click(t, owner, ids["New conversation"])
	h.expect(t, "open new")

	h.run("a", apiv1.RunState_RUN_STATE_RUNNING, 0)
	h.run("b", apiv1.RunState_RUN_STATE_WAITING_APPROVAL, 0)
	ids = p.expectMenu(t, owner, "Open OpenVibez", "New conversation", "---", "Running (2)",
		"  Cancel “title__of s-a”", "  Cancel “title__of s-b” (asks you)", "---", "Quit")
	eventually(t, "the tooltip counts", func() bool { return p.tooltip(owner) == "OpenVibez: 2 active, 1 waiting for you" })
	p.click(t, owner, ids["Cancel “title__of s-b” (asks you)"])
	h.expect(t, "cancel b")
	h.run("b", apiv1.RunState_RUN_STATE_CANCELLED, 1)
	h.run("c", apiv1.RunState_RUN_STATE_QUEUED, 0)
	old := ids["Cancel “title__of s-b” (asks you)"]
	ids = p.expectMenu(t, owner, "Open OpenVibez", "New conversation", "---", "Running (2)",
		"  Cancel “title__of s-a”", "  Cancel “title__of s-c” (queued)", "---", "Quit")
	p.click(t, owner, old) // in a menu that was open all the time
	p.click(t, owner, ids["Cancel “title__of s-a”"])
	h.expect(t, "cancel a")

	h.changes <- &apiv1.Change{Row: &apiv1.Change_Consent{Consent: &apiv1.Consent{Id: "q1", Text: "Let models read this folder?", Subject: "/srv/a_b"}}}
	ids = p.expectMenu(t, owner, "The chat page asks you", "  -Let models read this folder?", "  -/srv/a__b", "  Don’t allow", "  Allow",
		"Open OpenVibez", "New conversation", "---", "Running (2)", "  Cancel “title__of s-a”", "  Cancel “title__of s-c” (queued)", "---", "Quit")
	p.click(t, owner, ids["Allow"]) // at once: the menu may have shown another question
	p.click(t, owner, ids["Don’t allow"])
	h.expect(t, "answer q1 false")
	time.Sleep(askRest)
	p.click(t, owner, ids["Allow"])
	h.expect(t, "answer q1 true")
	h.changes <- &apiv1.Change{Row: &apiv1.Change_Tombstone{Tombstone: &apiv1.Tombstone{Topic: apiv1.Topic_TOPIC_CONSENTS, Id: "q1"}}}
	p.expectMenu(t, owner, "Open OpenVibez", "New conversation", "---", "Running (2)", "  Cancel “title__of s-a”", "  Cancel “title__of s-c” (queued)", "---", "Quit")

	h.changes <- nil // the stream breaks; the host knows of no runs when asked again
	h.expect(t, "watch after 7")
	ids = p.expectMenu(t, owner, "Open OpenVibez", "New conversation", "---", "-Nothing running", "---", "Quit")

	// A signal that systray does not expect ends its listener. Then another panel takes over.
	p.bus.Send(&dbus.Message{
		Type: dbus.TypeSignal,
		Headers: map[dbus.HeaderField]dbus.Variant{
			dbus.FieldDestination: dbus.MakeVariant(owner),
			dbus.FieldPath:        dbus.MakeVariant(dbus.ObjectPath("/org/openvibez/test")),
			dbus.FieldInterface:   dbus.MakeVariant("org.openvibez.Test"),
			dbus.FieldMember:      dbus.MakeVariant("Nothing"),
		},
	}, nil)
	if _, err := p.bus.ReleaseName(statusNotifierWatcher); err != nil {
		t.Fatal(err)
	}
	p2 := newPanel(t, address)
	if again := p2.item(t); again != owner {
		t.Errorf("%s registered, not %s", again, owner)
	}

	p2.click(t, owner, ids["Quit"])
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
}

func TestTrayWithoutBus(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+t.TempDir()+"/none")
	err := run(t.Context(), nil, nil, slog.New(slog.DiscardHandler))
	if err == nil || !strings.HasPrefix(err.Error(), "there is no session bus") {
		t.Error(err)
	}
}

// What is said about the icon is so: a name on the bus is no panel, and a panel is no icon.
func TestWhetherTheIconIsShown(t *testing.T) {
	address := testBus(t)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
	if problem := PanelProblem(); !strings.Contains(problem, "nothing on this desktop") {
		t.Errorf("without a panel: %q", problem)
	}
	name, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := name.RequestName(statusNotifierWatcher, dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	if problem := PanelProblem(); !strings.Contains(problem, "does not answer") {
		t.Errorf("with a name and nothing behind it: %q", problem)
	}
	if err := name.Close(); err != nil {
		t.Fatal(err)
	}
	p := newPanel(t, address)
	if problem := PanelProblem(); problem != "" {
		t.Errorf("with a panel: %q", problem)
	}
	if problem := iconProblem(); problem != notYet {
		t.Errorf("with a panel that has not taken the icon: %q", problem)
	}
	for _, separator := range []string{"", "@"} {
		if err := p.RegisterStatusNotifierItem(separator+"/StatusNotifierItem", dbus.Sender(p.bus.Names()[0])); err != nil {
			t.Fatal(err)
		}
		if problem := iconProblem(); problem != "" {
			t.Errorf("with the icon: %q", problem)
		}
		p.mu.Lock()
		p.items = nil
		p.mu.Unlock()
	}
}
