package e2e

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestWindow holds a conversation in the real window, on a desktop with a real panel, across a kill -9 of the host.
func TestWindow(t *testing.T) {
	window := filepath.Join("..", "bin", "openvibez-window")
	_, err := os.Stat(window)
	need(t, err == nil, "bin/openvibez-window: run `make build` with libgtk-3-dev and libwebkit2gtk-4.1-dev installed")
	for _, tool := range []string{"Xvfb", "openbox", "xdotool", "xprop", "import", "dbus-daemon", "xfce4-panel"} {
		_, err := exec.LookPath(tool)
		need(t, err == nil, tool+": apt-get install xvfb openbox xdotool x11-utils imagemagick dbus xfce4-panel")
	}
	raw, err := os.ReadFile(window)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, "openvibez-window"), raw, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(filepath.Join(bin, "openvibez-window")) })

	d := newDesktop(t)
	h := newHome(t, d.env...)
	p := h.start()
	wait(t, "the tray icon", func() bool { return strings.Contains(h.must("status", "--json"), `"tray":true`) })
	h.must("open")
	id := d.window(t, "OpenVibez")

	d.say(id, "hello from the window")
	wait(t, "the first answer", func() bool {
		list := sessions(t, h)
		return len(list) == 1 && strings.Contains(h.must("session", "show", list[0].ID), "Have fun!")
	})
	d.shot(t, "window")

	p.kill()
	h.start()
	d.say(id, "hello again")
	wait(t, "an answer of the new host in the old window", func() bool {
		return strings.Count(h.must("session", "show", firstSession(t, h)), "Have fun!") == 2
	})
	d.shot(t, "window-again")

	d.run("xdotool", "windowclose", id)
	wait(t, "the window to be gone", func() bool { return d.run("xdotool", "search", "--onlyvisible", "--name", "OpenVibez") == "" })
	if r := h.cli("status"); r.code != 0 {
		t.Errorf("closing the window ended the host: %s", r.stderr)
	}
}

// desktop is an X server, a session bus, a window manager and a panel of the test's own.
type desktop struct{ env []string }

func newDesktop(t *testing.T) *desktop {
	t.Helper()
	home := t.TempDir()
	d := &desktop{env: []string{
		"HOME=" + home, "XDG_CONFIG_HOME=" + home, "XDG_CACHE_HOME=" + home, "XDG_DATA_HOME=" + home,
		"GDK_BACKEND=x11", "NO_AT_BRIDGE=1", "LIBGL_ALWAYS_SOFTWARE=1",
	}}
	d.env = append(d.env, "DISPLAY=:"+d.start(t, []string{"-displayfd", "3", "-screen", "0", "1280x860x24", "-nolisten", "tcp"}, "Xvfb"))
	d.env = append(d.env, "DBUS_SESSION_BUS_ADDRESS="+d.start(t, []string{"--session", "--nofork", "--print-address=3"}, "dbus-daemon"))
	d.start(t, nil, "openbox")
	wait(t, "openbox to manage windows", func() bool {
		return strings.Contains(d.run("xprop", "-root", "_NET_SUPPORTING_WM_CHECK"), "window id")
	})
	panel := filepath.Join(home, "xfce4", "xfconf", "xfce-perchannel-xml")
	if err := os.MkdirAll(panel, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(panel, "xfce4-panel.xml"), []byte(panelConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	d.start(t, []string{"--disable-wm-check"}, "xfce4-panel")
	return d
}

// panelConfig is a panel that holds nothing but the tray.
const panelConfig = `<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="size" type="uint" value="28"/>
      <property name="plugin-ids" type="array"><value type="int" value="1"/></property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="systray"/>
  </property>
</channel>
`

// start runs a program of the desktop until the test ends, and gives what it writes to its descriptor 3.
func (d *desktop) start(t *testing.T, args []string, name string) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), d.env...)
	cmd.ExtraFiles = []*os.File{w}
	err = cmd.Start()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if !strings.Contains(strings.Join(args, " "), "3") {
		return ""
	}
	line := make([]byte, 0, 256)
	for !bytes.HasSuffix(line, []byte("\n")) {
		b := make([]byte, 1)
		if _, err := io.ReadFull(r, b); err != nil {
			t.Fatalf("%s did not say where it is: %v", name, err)
		}
		line = append(line, b...)
	}
	return strings.TrimSpace(string(line))
}

func (d *desktop) run(name string, args ...string) string {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), d.env...)
	out, _ := cmd.Output()
	return strings.TrimSpace(string(out))
}

// window waits for a visible window and gives its id.
func (d *desktop) window(t *testing.T, title string) string {
	t.Helper()
	var id string
	wait(t, "the window", func() bool {
		id, _, _ = strings.Cut(d.run("xdotool", "search", "--onlyvisible", "--name", title), "\n")
		return id != ""
	})
	// The page takes the keyboard once it is drawn, of which X knows nothing.
	time.Sleep(3 * time.Second)
	return id
}

func (d *desktop) say(id, text string) {
	d.run("xdotool", "windowactivate", "--sync", id)
	d.run("xdotool", "type", "--delay", "20", text)
	d.run("xdotool", "key", "Return")
}

// shot keeps a picture of the whole screen where OPENVIBEZ_SHOTS says.
func (d *desktop) shot(t *testing.T, name string) {
	t.Helper()
	dir := os.Getenv("OPENVIBEZ_SHOTS")
	if dir == "" {
		return
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	d.run("import", "-window", "root", filepath.Join(dir, name+".png"))
}
