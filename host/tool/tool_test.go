package tool

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/policy"
	"github.com/openvibez/openvibez/host/sandbox"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// workspace makes a directory with files: name, content, name, content…
func workspace(t *testing.T, files ...string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(files); i += 2 {
		put(t, root, files[i], files[i+1])
	}
	return root
}

func put(t *testing.T, root, name, content string) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, root, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// prepare makes a call of arguments: name, value, name, value…
func prepare(root, tool string, args ...any) (*Call, error) {
	given := map[string]any{}
	for i := 0; i < len(args); i += 2 {
		given[args[i].(string)] = args[i+1]
	}
	text, err := json.Marshal(given)
	if err != nil {
		return nil, err
	}
	return New(Config{}).Prepare(&providerv1.ToolCall{Id: "1", Name: tool, ArgumentsJson: string(text)}, root)
}

func granted(t *testing.T, c *Call, root string) policy.Grant {
	t.Helper()
	r := c.Wants
	r.Place = policy.Place{Root: root, Trust: policy.TrustTrusted, Access: policy.AccessScoped, Level: policy.LevelFull}
	d := policy.Decide(r)
	if g, ok := d.Grant(); ok {
		return g
	}
	g, err := d.Approved()
	if err != nil {
		t.Fatalf("%v: %s", r, d.Reason)
	}
	return g
}

func do(t *testing.T, root, tool string, args ...any) Result {
	t.Helper()
	c, err := prepare(root, tool, args...)
	if err != nil {
		return Result{Content: err.Error(), Outcome: apiv1.ToolOutput_OUTCOME_FAILED}
	}
	res, err := New(Config{}).Do(t.Context(), c, granted(t, c, root))
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func want(t *testing.T, res Result, failed bool, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(res.Content, w) {
			t.Errorf("%q does not say %q", res.Content, w)
		}
	}
	if res.Failed() != failed {
		t.Errorf("failed is %v: %s", res.Failed(), res.Content)
	}
}

// TestDeclarations holds the schemas to what strict providers demand: everything required, nothing else allowed.
func TestDeclarations(t *testing.T) {
	for _, d := range New(Config{}).Declarations() {
		c := jsonschema.NewCompiler()
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(d.ParametersSchema))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource(d.Name, doc); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Compile(d.Name); err != nil {
			t.Errorf("%s: %v", d.Name, err)
		}
		var schema struct {
			Properties           map[string]any
			Required             []string
			AdditionalProperties *bool
		}
		if err := json.Unmarshal([]byte(d.ParametersSchema), &schema); err != nil {
			t.Fatal(err)
		}
		if len(schema.Required) != len(schema.Properties) || schema.AdditionalProperties == nil || *schema.AdditionalProperties || len(d.Description) < 80 {
			t.Errorf("%s: %+v", d.Name, d)
		}
	}
}

func TestArguments(t *testing.T) {
	root := workspace(t)
	for _, c := range []struct{ tool, args, words string }{
		{RunShell, `{}`, "lack command"},
		{RunShell, `{"command":" "}`, "empty"},
		{RunShell, `{"command":"ls","timeout_seconds":601}`, "1 to 600"},
		{RunShell, `{"command":"ls","directory":"none"}`, "none can't be used"},
		{RunShell, `{"command":3}`, "do not fit"},
		{RunShell, `ls`, "no JSON object"},
		{ReadFile, `{"path":"a","lines":3}`, `"lines"`},
		{ReadFile, `{"path":"~/.ssh/id"}`, "~"},
		{EditFile, `{"path":"a","old_text":"","new_text":"b"}`, "null"},
		{EditFile, `{"path":"a"}`, "new_text"},
		{EditFile, `{"path":"a/","new_text":""}`, "directory"},
		{SearchFiles, `{"pattern":"("}`, "RE2"},
		{SearchFiles, `{"glob":"[a"}`, "glob"},
		{UpdatePlan, `{"steps":[]}`, "1 to 50"},
		{UpdatePlan, `{"steps":[{"text":"a","state":"finished"}]}`, "finished"},
		{"format_disk", `{}`, "no tool"},
	} {
		_, err := New(Config{}).Prepare(&providerv1.ToolCall{Name: c.tool, ArgumentsJson: c.args}, root)
		if err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s %s: %v", c.tool, c.args, err)
		}
	}
}

func TestReadFile(t *testing.T) {
	var long strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&long, "line %d\n", i+1)
	}
	root := workspace(t, "a.txt", "one\ntwo\nthree", "long", long.String(), "bin", "\x7fELF\x00\x01", "empty", "", "wide", strings.Repeat("x", 5000)+"\nnext\n", "d/e", "1")
	if res := do(t, root, ReadFile, "path", "a.txt"); res.Content != "one\ntwo\nthree" {
		t.Errorf("read %q", res.Content)
	}
	want(t, do(t, root, ReadFile, "path", "a.txt", "offset", 2, "limit", 1), false, "two\n[lines 2 to 2 of 3; read on with offset 3]")
	want(t, do(t, root, ReadFile, "path", "long"), false, "line 2000\n[lines 1 to 2000 of 3000; read on with offset 2001]")
	want(t, do(t, root, ReadFile, "path", "long", "offset", 2999), false, "line 2999\nline 3000\n[lines 2999 to 3000 of 3000]")
	want(t, do(t, root, ReadFile, "path", "long", "offset", 3001), true, "no line 3001")
	want(t, do(t, root, ReadFile, "path", "bin"), false, "binary", "6 bytes")
	want(t, do(t, root, ReadFile, "path", "empty"), false, "empty")
	want(t, do(t, root, ReadFile, "path", "wide"), false, "3000 bytes more in this line]\nnext")
	want(t, do(t, root, ReadFile, "path", "."), false, "6 entries", "d/\n")
	want(t, do(t, root, ReadFile, "path", "none"), true, "no such file")
	want(t, do(t, root, ReadFile, "path", "a.txt/x"), true, "a.txt/x can't be read")
}

func TestEditFile(t *testing.T) {
	root := workspace(t, "a.go", "func a() {}\nfunc b() {}\n", "dos.txt", "one\r\ntwo\r\n", "script", "#!/bin/sh\n")
	if err := os.Chmod(filepath.Join(root, "script"), 0o755); err != nil {
		t.Fatal(err)
	}
	res := do(t, root, EditFile, "path", "a.go", "old_text", "func b() {}", "new_text", "func c() {}")
	want(t, res, false, "a.go is changed")
	if got := get(t, root, "a.go"); got != "func a() {}\nfunc c() {}\n" {
		t.Errorf("a.go is %q", got)
	}
	if len(res.Changes) != 1 || !strings.Contains(res.Changes[0].File.Diff, "-func b() {}\n+func c() {}") || res.Changes[0].File.Path != "a.go" {
		t.Errorf("changes %+v", res.Changes)
	}
	want(t, do(t, root, EditFile, "path", "a.go", "old_text", "func", "new_text", "fn"), true, "2 times")
	want(t, do(t, root, EditFile, "path", "a.go", "old_text", "func", "new_text", "fn", "replace_all", true), false)
	want(t, do(t, root, EditFile, "path", "a.go", "old_text", "func", "new_text", "fn"), true, "exactly")
	want(t, do(t, root, EditFile, "path", "none", "old_text", "a", "new_text", "b"), true, "no such file")
	want(t, do(t, root, EditFile, "path", "dos.txt", "old_text", "one\ntwo", "new_text", "1\n2"), false)
	if got := get(t, root, "dos.txt"); got != "1\r\n2\r\n" {
		t.Errorf("dos.txt is %q", got)
	}
	want(t, do(t, root, EditFile, "path", "script", "new_text", "#!/bin/bash\n"), false)
	if info, err := os.Stat(filepath.Join(root, "script")); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("script is %v, %v", info.Mode(), err)
	}
	res = do(t, root, EditFile, "path", "new/deep/Makefile", "new_text", "all:\n")
	want(t, res, false, "made")
	if f := res.Changes[0].File; f.Kind != apiv1.FileChange_KIND_CREATED || !f.Sensitive || f.Why == "" {
		t.Errorf("a build file: %v", f)
	}
	want(t, do(t, root, EditFile, "path", "script", "new_text", "#!/bin/bash\n"), false, "already")
	if left, _ := filepath.Glob(filepath.Join(root, ".openvibez-*")); left != nil {
		t.Errorf("left behind %v", left)
	}

	// What was changed can be put back, unless somebody else changed it since.
	back := func(c Change) string {
		if err := Restore(c); err != nil {
			return err.Error()
		}
		return ""
	}
	res = do(t, root, EditFile, "path", "a.go", "new_text", "gone\n")
	before := string(res.Changes[0].Before)
	put(t, root, "a.go", "other\n")
	if got := back(res.Changes[0]); !strings.Contains(got, "changed since") {
		t.Errorf("restored over another's change: %q", got)
	}
	put(t, root, "a.go", "gone\n")
	if got := back(res.Changes[0]); got != "" || get(t, root, "a.go") != before {
		t.Errorf("restore: %q, %q", got, get(t, root, "a.go"))
	}
	res = do(t, root, EditFile, "path", "fresh", "new_text", "x")
	if got := back(res.Changes[0]); got != "" {
		t.Error(got)
	}
	if _, err := os.Stat(filepath.Join(root, "fresh")); !os.IsNotExist(err) {
		t.Errorf("a new file: %v", err)
	}
}

// TestLinks tries to lead the file tools elsewhere, before and after policy has looked.
func TestWhatGitPrintsAboutTheSandboxIsExplained(t *testing.T) {
	for stderr, want := range map[string]string{
		"error: could not write config file /src/ws/.git/config: Device or resource busy\nfatal: could not set 'core.repositoryformatversion' to '0'": "git init is not needed",
		"error: could not write config file /src/ws/.git/config: Device or resource busy\nfatal: could not set 'remote.o.url' to 'x'":                 "Ask the person",
		"warning: failed to remove .vscode/: Device or resource busy":                                                                                 "Everything else was done",
		"rm: cannot remove 'vendor/x/.git': Device or resource busy":                                                                                  "covers git's data",
		"npm error code ENOTCACHED\nnpm error request to https://registry.npmjs.org/x failed: cache mode is 'only-if-cached'":                         "ran without network",
		"fatal: not a git repository": "",
	} {
		res := sandbox.Result{ExitCode: 1, Stderr: sandbox.Output{Text: stderr}}
		if got := because(res, policy.ProfileWork); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%q: %q", stderr, got)
		}
		if res.ExitCode = 0; because(res, policy.ProfileWork) != "" {
			t.Errorf("%q is explained though all went well", stderr)
		}
	}
}

func TestLinks(t *testing.T) {
	outside := workspace(t, "secret", "the key", "d/secret", "the key")
	root := workspace(t, "a/f", "inside")
	for name, to := range map[string]string{"link": filepath.Join(outside, "secret"), "dir": outside, "hooks": ".git/hooks"} {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	// Policy is asked about where a link leads.
	for name, leads := range map[string]string{
		"link": filepath.Join(outside, "secret"), "dir/d/secret": filepath.Join(outside, "d/secret"), "../x": filepath.Join(filepath.Dir(root), "x"),
		"hooks/pre-commit": filepath.Join(root, "hooks/pre-commit"), "a/../a/f": filepath.Join(root, "a/f"), "dir/new/file": filepath.Join(outside, "new/file"),
	} {
		c, err := prepare(root, EditFile, "path", name, "new_text", "x")
		if err != nil || c.Wants.Write != leads {
			t.Errorf("%s leads to %v, %v; want %s", name, c, err, leads)
		}
	}
	// A link that leads nowhere is no way to make what it names.
	c, err := prepare(root, EditFile, "path", "hooks/pre-commit", "new_text", "x")
	if err != nil {
		t.Fatal(err)
	}
	res, err := New(Config{}).Do(t.Context(), c, granted(t, c, root))
	if err != nil || !res.Failed() {
		t.Errorf("through a dangling link: %v, %v", res, err)
	}
	// Whatever is swapped after the decision is not followed.
	for _, swap := range []struct{ tool, path, replaced, to string }{
		{ReadFile, "a/f", "a/f", filepath.Join(outside, "secret")},
		{ReadFile, "a/f", "a", filepath.Join(outside, "d")},
		{SearchFiles, "a", "a", outside},
		{EditFile, "a/f", "a", outside},
	} {
		root := workspace(t, "a/f", "inside")
		args := []any{"path", swap.path}
		switch swap.tool {
		case EditFile:
			args = append(args, "new_text", "x")
		case SearchFiles:
			args = append(args, "pattern", "key")
		}
		c, err := prepare(root, swap.tool, args...)
		if err != nil {
			t.Fatal(err)
		}
		g := granted(t, c, root)
		if err := os.RemoveAll(filepath.Join(root, swap.replaced)); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(swap.to, filepath.Join(root, swap.replaced)); err != nil {
			t.Fatal(err)
		}
		res, err := New(Config{}).Do(t.Context(), c, g)
		if err != nil || !res.Failed() || strings.Contains(res.Content, "the key") {
			t.Errorf("%v: %v, %v", swap, res, err)
		}
	}
	if got := get(t, outside, "secret"); got != "the key" {
		t.Errorf("the secret is %q", got)
	}
	// A grant for one thing is none for another.
	c, _ = prepare(root, ReadFile, "path", "a/f")
	other, _ := prepare(root, ReadFile, "path", "link")
	if _, err := New(Config{}).Do(t.Context(), other, granted(t, c, root)); err == nil {
		t.Error("a grant was used for another file")
	}
	if _, err := New(Config{}).Do(t.Context(), c, policy.Grant{}); err == nil {
		t.Error("the zero grant was used")
	}
}

func TestSearchFiles(t *testing.T) {
	root := workspace(t,
		".gitignore", "*.log\n/build/\n!keep.log\nsub/only\ntmp{1}\n", "a.go", "package a // needle\n\nfunc Needle() {}\n", "x.log", "needle", "keep.log", "needle",
		"build/out", "needle", "src/build/out", "needle in src\r\n", "src/.gitignore", "*.go\n", "src/b.go", "needle", "sub/only/c", "needle", "bin", "needle\x00",
		".git/config", "needle", "wide", strings.Repeat("x", 1000)+"needle"+strings.Repeat("y", 1000))
	res := do(t, root, SearchFiles, "pattern", "needle")
	found := strings.Split(res.Content, "\n")
	if len(found) != 4 || found[0] != "a.go:1: package a // needle" || found[1] != "keep.log:1: needle" || found[2] != "src/build/out:1: needle in src" || !strings.HasPrefix(found[3], "wide:1: x") || len(found[3]) > 400 {
		t.Errorf("found %q", found)
	}
	for _, c := range []struct {
		args []any
		want string
	}{
		{[]any{"pattern", "needle", "ignore_case", true, "glob", "*.go"}, "a.go:1: package a // needle\na.go:3: func Needle() {}"},
		{[]any{"pattern", "^func"}, "a.go:3: func Needle() {}"},
		{[]any{"pattern", "src$"}, "src/build/out:1: needle in src"},
		{[]any{"glob", "**/*.{go,log}"}, "a.go\nkeep.log"},
		{[]any{"path", "src"}, "src/.gitignore\nsrc/build/out"},
		{[]any{"path", "a.go", "pattern", "func"}, "a.go:3: func Needle() {}"},
		{[]any{"path", "src", "glob", "build/*"}, "src/build/out"},
		{[]any{"pattern", "nowhere"}, "Nothing found in the workspace."},
	} {
		if res := do(t, root, SearchFiles, c.args...); res.Content != c.want {
			t.Errorf("%v found %q, want %q", c.args, res.Content, c.want)
		}
	}
	var many strings.Builder
	for range 1000 {
		many.WriteString("needle\n")
	}
	put(t, root, "many", many.String())
	want(t, do(t, root, SearchFiles, "pattern", "needle", "path", "many"), false, "many:200: needle", "there is more")
}

func TestSnapshot(t *testing.T) {
	root := workspace(t, "kept", "1", "changed", "1", "deleted", "1", ".git/config", "[core]", ".git/objects/aa/bb", "1", "d/e", "1")
	look := func() *Snapshot {
		t.Helper()
		s, err := Look(t.Context(), root)
		if err != nil || s.Cut != "" {
			t.Fatal(s, err)
		}
		return s
	}
	before := look()
	put(t, root, "changed", "2")
	put(t, root, "new/file", "1")
	put(t, root, "Makefile", "all:")
	put(t, root, ".git/hooks/pre-commit", "evil")
	put(t, root, ".git/objects/cc/dd", "1")
	put(t, root, "clone/.git/config", "evil")
	put(t, root, "clone/.git/objects/x", "evil")
	put(t, root, "edited", "by a tool")
	for i := range 30 {
		put(t, root, fmt.Sprintf("node_modules/m/f%d.js", i), "1")
	}
	if err := os.Remove(filepath.Join(root, "deleted")); err != nil {
		t.Fatal(err)
	}
	before.Touch(root, filepath.Join(root, "edited"))
	changes, left := look().Since(before)
	var got []string
	for _, c := range changes {
		line := strings.ToLower(strings.TrimPrefix(c.Kind.String(), "KIND_")) + " " + c.Path
		if c.Sensitive {
			line += " (" + c.Why + ")"
		}
		got = append(got, line)
	}
	wanted := []string{
		"created .git/hooks/pre-commit (runs on git commands)", "created Makefile (runs when the project is built or tested)",
		"created clone/.git (a repository inside the workspace)", "created clone/.git/config (git's own configuration)",
		"changed changed", "deleted deleted", "created new/file", "created node_modules/ (30 files)",
	}
	if left != 0 || !slices.Equal(got, wanted) {
		t.Errorf("changes\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(wanted, "\n"))
	}
	if changes, _ := look().Since(look()); len(changes) != 0 {
		t.Errorf("nothing happened, and yet %v", changes)
	}
}

// tokens is what declarations take of a model's window, at four bytes each.
func tokens(all []*providerv1.Tool) (n int) {
	for _, d := range all {
		n += len(d.Name) + len(d.Description) + len(d.ParametersSchema)
	}
	return n / 4
}

// What goes with every quick question, whether or not it needs tools, is tiny.
func TestBriefly(t *testing.T) {
	tools := New(Config{})
	brief, whole := tokens(tools.Briefly()), tokens(tools.Declarations())
	t.Logf("%d tokens in few words, %d in all", brief, whole)
	if brief > 130 || whole < 5*brief {
		t.Errorf("%d tokens in few words, %d in all", brief, whole)
	}
	root := workspace(t)
	for _, d := range tools.Briefly() {
		args := map[string]any{"command": "true", "path": "a", "new_text": "1"}
		var schema struct{ Required []string }
		if err := json.Unmarshal([]byte(d.ParametersSchema), &schema); err != nil {
			t.Fatal(err)
		}
		given := map[string]any{}
		for _, name := range schema.Required {
			given[name] = args[name]
		}
		text, _ := json.Marshal(given)
		if _, err := tools.Prepare(&providerv1.ToolCall{Name: d.Name, ArgumentsJson: string(text)}, root); err != nil {
			t.Errorf("%s as it is declared in few words: %v", d.Name, err)
		}
	}
}

// A tool from outside is prepared, decided and carried out like ours, and never with a grant for other arguments.
func TestOutsideTools(t *testing.T) {
	did := ""
	tools := New(Config{Outside: func() []*Tool {
		return []*Tool{{
			Declaration: &providerv1.Tool{Name: "files_write", Description: "Writes.", ParametersSchema: `{"type":"object"}`},
			Changes:     true,
			Prepare: func(c *Call, arguments string) error {
				c.Wants = policy.Request{Outside: &policy.Outside{Server: "files", Tool: "write", Arguments: arguments}}
				return nil
			},
			Do: func(_ context.Context, c *Call, g policy.Grant) (Result, error) {
				o, _ := g.Outside()
				did = o.Arguments
				return Result{Content: "written", Outcome: apiv1.ToolOutput_OUTCOME_DONE}, nil
			},
		}}
	}})
	if all := tools.Declarations(); len(all) != 6 || all[5].Name != "files_write" || len(tools.Briefly()) != 3 {
		t.Errorf("declared %v", all)
	}
	call := func(arguments string) *Call {
		c, err := tools.Prepare(&providerv1.ToolCall{Name: "files_write", ArgumentsJson: arguments}, "/w")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c, other := call(`{"a":1}`), call(`{"a":2}`)
	if c.Harmless() || !c.Changes() || c.Same(other) || !c.Same(call(`{"a":1}`)) || c.Preview() != "" {
		t.Errorf("the call is %+v", c)
	}
	g := granted(t, c, "/w")
	if _, err := tools.Do(t.Context(), other, g); err == nil || did != "" {
		t.Error("a grant was used for other arguments")
	}
	if res, err := tools.Do(t.Context(), c, g); err != nil || res.Failed() || did != `{"a":1}` {
		t.Errorf("%v, %v, did %q", res, err, did)
	}
}
