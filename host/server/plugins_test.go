package server

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/plugin"
	"github.com/openvibez/openvibez/sdk"
)

// echoPackage is a package of the echo plugin under another name; its program is this test.
func echoPackage(t *testing.T) []byte {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	name := "bin/openvibez-provider-hollow"
	m := &sdk.Manifest{
		ID: "hollow", Name: "Hollow", Description: "Says something else than its manifest.", Version: "1", Protocol: 1, Licence: "MIT",
		Platforms: map[string]string{runtime.GOOS + "/" + runtime.GOARCH: name},
	}
	var b bytes.Buffer
	if err := plugin.WritePackage(&b, m, map[string][]byte{name: program}, nil, ""); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPluginRights(t *testing.T) {
	f := start(t)
	socket := apiv1.NewPluginServiceClient(socketHTTP(SocketPath(f.dir)), "http://openvibez")
	b := f.browser(byBrowser)
	page := apiv1.NewPluginServiceClient(b.doer(), b.base)
	ctx := t.Context()
	content := echoPackage(t)
	file := filepath.Join(t.TempDir(), "hollow.ovp")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}

	for name, req := range map[string]*apiv1.InspectPackageRequest{
		"file":    {Package: &apiv1.InspectPackageRequest_Path{Path: file}},
		"address": {Package: &apiv1.InspectPackageRequest_Url{Url: "https://127.0.0.1:9/hollow.ovp"}},
		"update":  {Package: &apiv1.InspectPackageRequest_Update{Update: "hollow"}},
	} {
		if _, err := page.InspectPackage(ctx, req); connect.CodeOf(err) != connect.CodePermissionDenied {
			t.Errorf("the page may name a package by %s: %v", name, err)
		}
	}
	if _, err := page.SetPluginEnabled(ctx, &apiv1.SetPluginEnabledRequest{Id: "echo", Enabled: true, AllowUnconfined: true}); connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("the page may let plugins run unconfined: %v", err)
	}
	develop, err := page.DevelopPlugin(ctx, &apiv1.DevelopPluginRequest{Id: "echo", Path: "/bin/true"})
	if err == nil {
		for develop.Receive() {
		}
		err = develop.Err()
	}
	if connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("the page may have programs run: %v", err)
	}

	// The package itself it may hand over; what is asked holds for it too.
	shown, err := page.InspectPackage(ctx, &apiv1.InspectPackageRequest{Package: &apiv1.InspectPackageRequest_Data{Data: content}})
	if err != nil {
		t.Fatal(err)
	}
	if shown.Facts.Tier != apiv1.Tier_TIER_UNSIGNED || shown.Facts.Confirmation != "hollow" || shown.Facts.Source != "the chat page" {
		t.Errorf("the page is shown %v", shown.Facts)
	}
	// This server has no sandbox: then only the command line may install.
	_, err = page.InstallPlugin(ctx, &apiv1.InstallPluginRequest{Token: shown.Token, Confirmation: "hollow"})
	if connect.CodeOf(err) != connect.CodePermissionDenied || !strings.Contains(err.Error(), "can't confine it") {
		t.Errorf("the page may install what nothing confines: %v", err)
	}
	if _, err := socket.InstallPlugin(ctx, &apiv1.InstallPluginRequest{Token: shown.Token}); err == nil || !strings.Contains(err.Error(), "its name has to be typed") {
		t.Errorf("without the name typed it gave %v", err)
	}
	_, err = socket.InstallPlugin(ctx, &apiv1.InstallPluginRequest{Token: shown.Token, Confirmation: "hollow"})
	if err == nil || !strings.Contains(err.Error(), "is not installed") {
		t.Errorf("a plugin that is not what its manifest says gave %v", err)
	}
	list, err := socket.ListPlugins(ctx, &apiv1.ListPluginsRequest{})
	if err != nil || slices.ContainsFunc(list.Plugins, func(p *apiv1.Plugin) bool { return p.Id == "hollow" }) {
		t.Errorf("there is %v, %v", list, err)
	}
	if p := list.Plugins[0]; p.Id != "echo" || p.Tier != apiv1.Tier_TIER_BUILT_IN || len(p.Abilities) == 0 {
		t.Errorf("the plugin that came with the host is %v", p)
	}

	if _, err := page.SetPluginEnabled(ctx, &apiv1.SetPluginEnabledRequest{Id: "echo"}); err != nil {
		t.Error(err)
	}
	if _, err := f.providers.AddProvider(ctx, &apiv1.AddProviderRequest{Plugin: "echo"}); err == nil || !strings.Contains(err.Error(), "switched off") {
		t.Errorf("a provider of a plugin that is switched off gave %v", err)
	}
	if _, err := page.SetPluginEnabled(ctx, &apiv1.SetPluginEnabledRequest{Id: "echo", Enabled: true}); err != nil {
		t.Error(err)
	}
	logs, err := page.PluginLogs(ctx, &apiv1.PluginLogsRequest{Id: "echo"})
	if err != nil || !strings.Contains(strings.Join(logs.GetLines(), "\n"), "plugin started") {
		t.Errorf("logs are %v, %v", logs, err)
	}
	for name, err := range map[string]error{
		"verify":   failure(socket.VerifyPlugin(ctx, &apiv1.VerifyPluginRequest{Id: "echo"})),
		"rollback": failure(socket.RollbackPlugin(ctx, &apiv1.RollbackPluginRequest{Id: "echo"})),
		"remove":   failure(socket.RemovePlugin(ctx, &apiv1.RemovePluginRequest{Id: "echo"})),
	} {
		if err == nil || !strings.Contains(err.Error(), "came with OpenVibez") {
			t.Errorf("%s of a plugin that came with the host gave %v", name, err)
		}
	}
}

func failure[T any](_ T, err error) error { return err }
