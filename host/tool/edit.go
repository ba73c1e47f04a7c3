package tool

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/policy"
)

// Bounds of edit_file.
const (
	maxEdit = 2 << 20
	maxDiff = 64 << 10
)

type editArgs struct {
	Path       string  `json:"path"`
	OldText    *string `json:"old_text"`
	NewText    string  `json:"new_text"`
	ReplaceAll *bool   `json:"replace_all"`
}

func editFile() *Tool {
	return &Tool{
		Declaration: declare(EditFile),
		Brief:       brief(EditFile, "Writes a text file.", "path", "new_text"),
		Question:    "May this file be changed?",
		Changes:     true,
		Prepare:     prepareEdit,
		Look:        lookEdit,
		Do:          func(_ context.Context, c *Call, g policy.Grant) (Result, error) { return c.editFile(g), nil },
	}
}

func prepareEdit(c *Call, text string) error {
	a := &editArgs{}
	if err := arguments(text, a, "path", "new_text"); err != nil {
		return err
	}
	switch {
	case len(a.NewText) > maxEdit:
		return fmt.Errorf("new_text has %s; %s are the most", size(int64(len(a.NewText))), size(maxEdit))
	case a.OldText != nil && *a.OldText == "":
		return errors.New("old_text is empty: use null to write the whole file")
	case a.OldText != nil && *a.OldText == a.NewText:
		return errors.New("old_text and new_text are the same")
	}
	path, shown, err := resolve(c.Root, a.Path)
	if err != nil {
		return err
	}
	if path == c.Root || strings.HasSuffix(a.Path, "/") {
		return fmt.Errorf("%q names a directory, not a file", a.Path)
	}
	c.Args, c.Path, c.Wants = a, shown, policy.Request{Write: path}
	return nil
}

// lookEdit is the difference that an edit would make now; empty where it would fail.
func lookEdit(c *Call) string {
	a := c.Args.(*editArgs)
	p, err := reach(c.Root, "", c.Wants.Write, false)
	if errors.Is(err, fs.ErrNotExist) && a.OldText == nil {
		return diff(c.Path, nil, []byte(a.NewText))
	}
	if err != nil {
		return ""
	}
	defer p.close()
	before, _, err := p.content(maxEdit)
	if err != nil {
		return ""
	}
	after, err := a.apply(before)
	if err != nil {
		return ""
	}
	return diff(c.Path, before, after)
}

// editFile changes what was granted.
func (c *Call) editFile(g policy.Grant) Result {
	a := c.Args.(*editArgs)
	p, err := reach(c.Root, g.Identity(), g.Write(), a.OldText == nil)
	if err != nil {
		return c.failed("changed", err)
	}
	defer p.close()
	before, seen, err := p.content(maxEdit)
	if err != nil {
		return c.failed("changed", err)
	}
	if seen == nil && a.OldText != nil {
		return c.failed("changed", fs.ErrNotExist)
	}
	if what, is := binary(before); is {
		return c.failed("changed", fmt.Errorf("it is a binary file (%s)", what))
	}
	after, err := a.apply(before)
	if err != nil {
		return c.failed("changed", err)
	}
	if seen != nil && bytes.Equal(before, after) {
		return did(c.Path + " has exactly this content already.")
	}
	mode := fs.FileMode(0o644)
	if seen != nil {
		mode = seen.Mode()
	}
	if _, err := p.replace(after, mode, seen); err != nil {
		return c.failed("changed", err)
	}
	sum := sha256.Sum256(after)
	f := &apiv1.FileChange{Path: c.Path, Kind: apiv1.FileChange_KIND_CHANGED, Diff: diff(c.Path, before, after)}
	words := fmt.Sprintf("%s is changed.", c.Path)
	if seen == nil {
		f.Kind = apiv1.FileChange_KIND_CREATED
		words = fmt.Sprintf("%s is made, %s.", c.Path, size(int64(len(after))))
	}
	f.Why = Sensitive(c.Path)
	f.Sensitive = f.Why != ""
	return Result{Content: words, Outcome: apiv1.ToolOutput_OUTCOME_DONE, Changes: []Change{{
		File: f, Path: g.Write(), Existed: seen != nil, Before: before, Mode: uint32(mode.Perm()), After: sum[:],
	}}}
}

// apply gives the text after the edit. The file's lines go on ending as they do, however the model writes them.
func (a *editArgs) apply(before []byte) ([]byte, error) {
	if a.OldText == nil {
		return rewritten(before, []byte(a.NewText)), nil
	}
	all := a.ReplaceAll != nil && *a.ReplaceAll
	old, new := []byte(*a.OldText), []byte(a.NewText)
	after, err := []byte(nil), error(nil)
	if n := bytes.Count(before, old); bytes.IndexByte(old, '\r') >= 0 && (n == 1 || n > 1 && all) {
		// It says how the lines end, and may want that changed.
		after = bytes.ReplaceAll(before, old, new)
	} else if after, err = flatten(before).replace(old, new, all); err != nil {
		return nil, err
	}
	if len(after) > maxEdit {
		return nil, fmt.Errorf("it would be larger than %s", size(maxEdit))
	}
	return after, nil
}

// diff is the difference in the unified form, cut where it gets long.
func diff(path string, before, after []byte) string {
	d := udiff.Unified("a/"+path, "b/"+path, strings.ToValidUTF8(string(before), "\uFFFD"), strings.ToValidUTF8(string(after), "\uFFFD"))
	if len(d) > maxDiff {
		d = fmt.Sprintf("%s\n[… %s more]\n", strings.ToValidUTF8(d[:maxDiff], ""), size(int64(len(d)-maxDiff)))
	}
	return d
}
