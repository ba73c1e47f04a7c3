// Package openvibez_test holds the architecture as a test: who may import whom.
package openvibez_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/openvibez/openvibez/"

// layers lists every package and which of ours it may import: only entries above it, so there are no cycles.
var layers = []struct {
	dir  string
	uses string
}{
	{"sdk/provider/v1", ""}, // the protocol
	{"sdk", "sdk/provider/v1"},
	{"sdk/sdktest", "sdk sdk/provider/v1"},
	{"sdk/example", "sdk sdk/provider/v1"},
	{"plugins/ollama", "sdk sdk/provider/v1"},
	{"plugins/openai", "sdk sdk/provider/v1"},

	{"host/folder", ""},
	{"host/policy", ""},
	{"host/api/v1", "sdk/provider/v1"},
	{"host/store/driver", ""}, // what host/store calls SQLite by; a module of its own
	{"host/setting", ""},
	{"host/store", "host/folder host/setting host/api/v1 sdk/provider/v1"},
	{"host/sandbox/box", ""},
	{"host/sandbox/helper", "host/folder host/sandbox/box"},
	{"host/sandbox", "host/folder host/sandbox/box host/policy sdk"},
	{"host/keys", "host/api/v1 sdk sdk/provider/v1"},
	{"host/egress", "host/keys host/sandbox sdk sdk/provider/v1"},
	{"host/plugin", "host/keys host/egress host/sandbox host/policy host/api/v1 sdk sdk/provider/v1"},
	{"host/provider", "host/keys host/egress host/plugin host/api/v1 sdk sdk/provider/v1"},
	{"host/tool", "host/folder host/policy host/sandbox host/api/v1 sdk/provider/v1"},
	{"host/run/textcalls", "host/api/v1 sdk/provider/v1"},
	{"host/run", "host/run/textcalls host/folder host/tool host/policy host/plugin host/provider host/store host/setting host/api/v1 sdk sdk/provider/v1"},
	{"ui", ""},      // the built page
	{"ui/icon", ""}, // the icon
	{"ui/window", "ui/icon"},
	{"host/visible", ""},
	{"host/consent", "host/visible host/api/v1"},
	{"host/window", "host/api/v1"},
	{"host/server", "host/window host/consent host/run host/sandbox host/plugin host/provider host/store host/setting host/api/v1 sdk sdk/provider/v1 ui"},

	{"host/place", ""},
	{"host/terminal", "host/visible"},
	{"host/client", "host/place host/terminal host/api/v1 sdk/provider/v1"},
	{"host/cli", "host/client host/place host/terminal host/setting host/api/v1 sdk/provider/v1"},
	{"host/tray", "host/client host/api/v1 ui/icon"},
	{"host/local", "host/tool host/cli host/client host/place host/terminal host/tray host/policy host/sandbox host/keys host/plugin host/provider host/window host/store host/setting host/api/v1 ui"},
	{"host/author", "host/client host/place host/terminal host/plugin host/sandbox host/api/v1 sdk"},
	{"host", "host/author host/cli host/client host/local host/place host/terminal host/tray host/window host/tool host/sandbox host/server host/run host/plugin host/provider host/store host/setting host/api/v1 ui"},

	{"e2e/smalldisk", ""},
	{"e2e/llamaserver", ""},
	{"e2e/keyringtest", ""},
	{"e2e/ollamatest", ""},
	{"e2e/ollamatest/serve", "e2e/ollamatest"},
	{"e2e/openaitest", ""},
	{"e2e/scripted", "sdk sdk/provider/v1"},
	{"e2e/hostile", "sdk sdk/provider/v1"},
	{"e2e", "*"},
	{".", ""},
}

// testsUse is what a package's tests may import beyond that.
var testsUse = map[string]string{
	"host/terminal":  "host/api/v1",
	"sdk":            "sdk/sdktest",
	"sdk/example":    "sdk/sdktest",
	"plugins/ollama": "sdk/sdktest e2e/ollamatest",
	"plugins/openai": "sdk/sdktest e2e/ollamatest e2e/openaitest",
	"host/sandbox":   "e2e/keyringtest",
	"host/store":     "e2e/smalldisk",
	"host/run":       "*",
	"host/keys":      "e2e/keyringtest",
	"host/plugin":    "*",
	"host/provider":  "*",
	"host/server":    "*",
	"host":           "*",
}

// alone lists what only some packages may import. A trailing slash stands for everything below.
var alone = map[string]string{
	"os/exec":                        "host host/author host/client host/keys host/plugin host/sandbox host/window e2e/keyringtest e2e/ollamatest e2e/llamaserver e2e/scripted e2e/hostile sdk/sdktest",
	"gorm.io/":                       "host/store",
	"github.com/glebarez/":           "host/store",
	"database/sql":                   "host/store",
	"modernc.org/":                   "host/store/driver",
	"github.com/zalando/go-keyring":  "host/keys",
	"github.com/hashicorp/go-plugin": "sdk sdk/sdktest host/plugin e2e/scripted",
	"github.com/landlock-lsm/":       "host/sandbox/helper",
	"fyne.io/systray":                "host/tray",
	"github.com/godbus/dbus/v5":      "host/tray e2e/keyringtest",
	"github.com/santhosh-tekuri/":    "host/provider host/tool",
	"github.com/webview/":            "ui/window",
	"github.com/openai/openai-go/":   "plugins/openai",
	"github.com/spf13/cobra":         "host host/author host/cli host/local host/terminal",
	"google.golang.org/grpc":         "sdk sdk/provider/v1 sdk/sdktest host/plugin host/provider e2e/scripted",
	"connectrpc.com/connect":         "host/api/v1 host/cli host/client host/server",
	"C":                              "ui/window",
	"net/http/httputil":              "host/egress host/sandbox sdk/sdktest",
	"mvdan.cc/sh/":                   "host/terminal host/policy host/keys",
}

type file struct {
	name    string
	test    bool
	doc     bool
	imports []string
}

// packages reads every Go file of both modules, of every system and whatever its build constraints, by directory.
func packages(t *testing.T) map[string][]file {
	t.Helper()
	found := map[string][]file{}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := d.Name(); base != "." && (strings.HasPrefix(base, ".") || base == "node_modules" || base == "testdata" || base == "bin") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		if ignored(parsed) {
			return nil
		}
		f := file{name: filepath.ToSlash(name), test: strings.HasSuffix(name, "_test.go")}
		if parsed.Doc != nil {
			words := strings.Fields(parsed.Doc.Text())
			f.doc = len(words) > 2 && (words[0] == "Package" && words[1] == parsed.Name.Name ||
				words[0] == "Command" && parsed.Name.Name == "main")
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, imported)
		}
		dir := path.Dir(f.name)
		found[dir] = append(found[dir], f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// ignored tells of programs that are run with `go run file.go` and belong to no package.
func ignored(f *ast.File) bool {
	for _, group := range f.Comments {
		for _, c := range group.List {
			if c.Pos() < f.Package && c.Text == "//go:build ignore" {
				return true
			}
		}
	}
	return false
}

func TestLayers(t *testing.T) {
	found := packages(t)
	above := []string{}
	for _, l := range layers {
		files, ok := found[l.dir]
		if !ok {
			t.Errorf("%s is in the table and not in the tree", l.dir)
		}
		uses := strings.Fields(l.uses)
		for _, u := range uses {
			if u != "*" && !slices.Contains(above, u) {
				t.Errorf("the table lets %s use %s, which is not above it", l.dir, u)
			}
		}
		for _, f := range files {
			may := uses
			if f.test {
				may = append(append(slices.Clone(uses), l.dir), strings.Fields(testsUse[l.dir])...)
			}
			for _, imported := range f.imports {
				ours, is := strings.CutPrefix(imported, module)
				if is && !slices.Contains(may, ours) && !slices.Contains(may, "*") {
					t.Errorf("%s imports %s: %s may use only: %s", f.name, ours, l.dir, strings.Join(may, " "))
				}
			}
		}
		above = append(above, l.dir)
	}
	for dir := range found {
		if !slices.Contains(above, dir) {
			t.Errorf("%s is not in the table: say what it may import", dir)
		}
	}
}

func TestAlone(t *testing.T) {
	for dir, files := range packages(t) {
		for _, f := range files {
			if f.test || dir == "e2e" {
				continue
			}
			for _, imported := range f.imports {
				for what, who := range alone {
					covered := imported == what || strings.HasPrefix(imported, strings.TrimSuffix(what, "/")+"/")
					if covered && !slices.Contains(strings.Fields(who), dir) {
						t.Errorf("%s imports %s, which only these may: %s", f.name, imported, who)
					}
				}
			}
		}
	}
}

// mayChoose is where a person at a terminal says what to run, and in which profile. Everything else goes through Decide.
const mayChoose = "host/local/sandbox.go"

func TestNobodyElseChooses(t *testing.T) {
	used := false
	for dir, files := range packages(t) {
		for _, f := range files {
			knows := dir == "host/policy" || slices.Contains(f.imports, module+"host/policy")
			if f.test || !knows {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), f.name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				if declared, is := n.(*ast.FuncDecl); is && dir == "host/policy" && declared.Name.Name == "Chosen" {
					return false
				}
				if name, is := n.(*ast.Ident); is && name.Name == "Chosen" {
					if f.name != mayChoose {
						t.Errorf("%s uses policy.Chosen, which grants whatever it is told: only %s may", f.name, mayChoose)
					}
					used = true
				}
				return true
			})
		}
	}
	if !used {
		t.Errorf("%s does not use policy.Chosen any more: this test finds nothing", mayChoose)
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	for dir, files := range packages(t) {
		if !slices.ContainsFunc(files, func(f file) bool { return f.doc }) {
			t.Errorf("%s has no sentence that says what it is, such as \"Package store keeps...\"", dir)
		}
	}
}
