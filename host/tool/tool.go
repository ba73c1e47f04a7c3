package tool

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/policy"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// The tools.
const (
	RunShell    = apiv1.ToolRunShell
	ReadFile    = apiv1.ToolReadFile
	EditFile    = apiv1.ToolEditFile
	SearchFiles = apiv1.ToolSearchFiles
	UpdatePlan  = apiv1.ToolUpdatePlan
)

// Call is one call of a tool, understood and not yet allowed.
type Call struct {
	ID   string
	Name string
	// Wants is what policy is to decide about, without the place; nothing for update_plan.
	Wants policy.Request
	// Path is the file as people call it; empty for commands.
	Path string
	// Private is the directory that keeps /tmp and home of the conversation's commands; without one they vanish.
	Private string

	// Root is the workspace, Args what Prepare made of the arguments.
	Root string
	Args any

	tool *Tool
}

// Result is what came of a call.
type Result struct {
	// Content is what the model is told.
	Content string
	// Outcome is done, exited, timed out, failed or cancelled; ExitCode belongs to exited.
	Outcome  apiv1.ToolOutput_Outcome
	ExitCode int
	Changes  []Change
	// Plan is what update_plan was given.
	Plan *providerv1.Plan
}

// Failed tells whether the call did not do what it was to do.
func (r Result) Failed() bool {
	return r.Outcome != apiv1.ToolOutput_OUTCOME_DONE && (r.Outcome != apiv1.ToolOutput_OUTCOME_EXITED || r.ExitCode != 0)
}

func did(content string) Result {
	return Result{Content: content, Outcome: apiv1.ToolOutput_OUTCOME_DONE}
}

// Change is what a call did to a file, and what takes it back.
type Change struct {
	File *apiv1.FileChange
	// Path is absolute. Existed says that there was a file, with these bytes and this mode; After is the SHA-256 of what
	// is there now.
	Path    string
	Existed bool
	Before  []byte
	Mode    uint32
	After   []byte
}

// Changes tells whether the call may change something.
func (c *Call) Changes() bool { return c.tool.Changes }

// Question is what a person is asked about the call.
func (c *Call) Question() string { return c.tool.Question }

// Harmless tells that the call wants nothing that policy would decide about.
func (c *Call) Harmless() bool {
	w := c.Wants
	return w.Command == "" && w.Read == "" && w.Write == "" && w.Outside == nil
}

// Preview is the difference that the call would make now; empty where there is none to show.
func (c *Call) Preview() string {
	if c.tool.Look == nil {
		return ""
	}
	return c.tool.Look(c)
}

// Same tells whether two calls want the same of the same place.
func (c *Call) Same(o *Call) bool {
	a, b := c.Wants, o.Wants
	return c.Name == o.Name && c.Root == o.Root && a.Command == b.Command && a.Dir == b.Dir && a.Read == b.Read && a.Write == b.Write &&
		(a.Outside == nil) == (b.Outside == nil) && (a.Outside == nil || *a.Outside == *b.Outside)
}

// arguments reads a call's arguments into v, a pointer to a struct.
func arguments(text string, v any, required ...string) error {
	if strings.TrimSpace(text) == "" {
		text = "{}"
	}
	var given map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &given); err != nil {
		return fmt.Errorf("the arguments are no JSON object: %w", err)
	}
	var missing []string
	for _, name := range required {
		if value, ok := given[name]; !ok || string(value) == "null" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("the arguments lack %s", strings.Join(missing, " and "))
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("the arguments do not fit: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is something behind the arguments")
	}
	return nil
}

// resolve gives the absolute path that a model means, with symbolic links resolved as far as it exists, and its name for
// people.
func resolve(root, name string) (path, shown string, err error) {
	switch {
	case strings.ContainsRune(name, 0):
		return "", "", errors.New("a path can't hold NUL")
	case name == "~" || strings.HasPrefix(name, "~/"):
		return "", "", errors.New("~ is not known here: paths are relative to the workspace")
	case !filepath.IsAbs(name):
		name = filepath.Join(root, name)
	}
	path, rest, err := follow(filepath.Clean(name))
	if err != nil {
		return "", "", fmt.Errorf("look at %s: %w", name, err)
	}
	path = filepath.Join(append([]string{path}, rest...)...)
	return path, show(root, path), nil
}

// show names a path as people do: relative to the workspace where it lies there.
func show(root, path string) string {
	rel, err := filepath.Rel(root, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return path
	}
	return filepath.ToSlash(rel)
}
