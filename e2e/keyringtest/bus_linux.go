package keyringtest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	secrets = "org.freedesktop.secrets"
	service = "/org/freedesktop/secrets"
	login   = dbus.ObjectPath(service + "/collection/login")
)

// config is a bus that starts nothing by itself.
const config = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir=%s</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`

// Bus is a session bus, and the keyring on it if there is one.
type Bus struct {
	// Address is what DBUS_SESSION_BUS_ADDRESS has to be for other programs; for the test itself it is set already.
	Address string

	t      testing.TB
	dir    string
	conn   *dbus.Conn
	daemon *exec.Cmd
}

// New starts a bus without a keychain. It is skipped where the programs are missing, unless CI is true.
func New(t testing.TB) *Bus {
	t.Helper()
	for _, program := range []string{"dbus-daemon", "gnome-keyring-daemon"} {
		if _, err := exec.LookPath(program); err != nil {
			words := "needs " + program + ": apt install dbus gnome-keyring"
			if os.Getenv("CI") == "true" {
				t.Fatal(words)
			}
			t.Skip(words)
		}
	}
	dir, err := os.MkdirTemp("/tmp", "ovk")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	b := &Bus{t: t, dir: dir}
	file := filepath.Join(dir, "bus.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, config, dir), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := b.command("dbus-daemon", "--config-file="+file, "--nofork", "--print-address=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	b.run(cmd)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("read the bus's address: %v", err)
	}
	b.Address = strings.TrimSpace(line)
	setenv(t, b.Address)
	if b.conn, err = dbus.Connect(b.Address); err != nil {
		t.Fatalf("connect to the bus: %v", err)
	}
	t.Cleanup(func() { _ = b.conn.Close() })
	return b
}

// setenv makes the bus that of the test. What the test's own process shares goes with it.
func setenv(t testing.TB, address string) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
	t.Cleanup(func() {
		if shared, err := dbus.SessionBus(); err == nil {
			_ = shared.Close()
		}
	})
}

// Unlocked starts a bus with an empty keyring that needs no password.
func Unlocked(t testing.TB) *Bus {
	t.Helper()
	b := New(t)
	b.daemon = b.command("gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets")
	b.daemon.Stdin = strings.NewReader("password\n")
	b.run(b.daemon)
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		var there bool
		err := b.conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, secrets).Store(&there)
		if err == nil && there && !b.locked() {
			return b
		}
		if time.Now().After(end) {
			t.Fatalf("gnome-keyring does not come up: %v", err)
		}
	}
}

func (b *Bus) locked() bool {
	v, err := b.conn.Object(secrets, login).GetProperty("org.freedesktop.Secret.Collection.Locked")
	locked, is := v.Value().(bool)
	return err != nil || !is || locked
}

// Lock locks the keyring; there is no display to ask for its password on.
func (b *Bus) Lock() {
	b.t.Helper()
	var locked []dbus.ObjectPath
	var prompt dbus.ObjectPath
	err := b.conn.Object(secrets, service).Call("org.freedesktop.Secret.Service.Lock", 0, []dbus.ObjectPath{login}).Store(&locked, &prompt)
	if err != nil || len(locked) != 1 {
		b.t.Fatalf("lock the keyring: %v, %v", locked, err)
	}
}

// Freeze stops the keyring from answering, until Thaw.
func (b *Bus) Freeze() { b.signal(syscall.SIGSTOP) }

// Thaw lets a frozen keyring go on where it was.
func (b *Bus) Thaw() { b.signal(syscall.SIGCONT) }

func (b *Bus) signal(s syscall.Signal) {
	b.t.Helper()
	if err := b.daemon.Process.Signal(s); err != nil {
		b.t.Fatal(err)
	}
}

// Items gives every item in the keyring: its secret by its account.
func (b *Bus) Items() map[string]string {
	b.t.Helper()
	var session dbus.ObjectPath
	var none dbus.Variant
	if err := b.conn.Object(secrets, service).Call("org.freedesktop.Secret.Service.OpenSession", 0, "plain", dbus.MakeVariant("")).Store(&none, &session); err != nil {
		b.t.Fatal(err)
	}
	v, err := b.conn.Object(secrets, login).GetProperty("org.freedesktop.Secret.Collection.Items")
	if err != nil {
		b.t.Fatal(err)
	}
	items := map[string]string{}
	for _, path := range v.Value().([]dbus.ObjectPath) {
		item := b.conn.Object(secrets, path)
		attributes, err := item.GetProperty("org.freedesktop.Secret.Item.Attributes")
		if err != nil {
			b.t.Fatal(err)
		}
		var secret struct {
			Session     dbus.ObjectPath
			Parameters  []byte
			Value       []byte
			ContentType string
		}
		if err := item.Call("org.freedesktop.Secret.Item.GetSecret", 0, session).Store(&secret); err != nil {
			b.t.Fatal(err)
		}
		items[attributes.Value().(map[string]string)["username"]] = string(secret.Value)
	}
	return items
}

func (b *Bus) command(name string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithCancel(context.Background())
	b.t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + b.dir, "XDG_DATA_HOME=" + b.dir, "XDG_RUNTIME_DIR=" + b.dir,
		"DBUS_SESSION_BUS_ADDRESS=" + b.Address,
	}
	cmd.Stderr = io.Discard
	cmd.Dir = b.dir
	return cmd
}

func (b *Bus) run(cmd *exec.Cmd) {
	b.t.Helper()
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}
