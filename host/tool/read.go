package tool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/policy"
)

// Bounds of read_file.
const (
	maxRead      = 16 << 20
	maxReadBytes = 64 << 10
	maxLines     = 2000
	maxLine      = 2000
	maxNames     = 500
)

type readArgs struct {
	Path   string `json:"path"`
	Offset *int   `json:"offset"`
	Limit  *int   `json:"limit"`
}

func readFile() *Tool {
	return &Tool{
		Declaration: declare(ReadFile),
		Brief:       brief(ReadFile, "Reads a text file, or lists a directory.", "path"),
		Question:    "May this file be read?",
		Prepare:     prepareRead,
		Do:          func(_ context.Context, c *Call, g policy.Grant) (Result, error) { return c.readFile(g), nil },
	}
}

func prepareRead(c *Call, text string) error {
	a := &readArgs{}
	if err := arguments(text, a, "path"); err != nil {
		return err
	}
	if a.Offset != nil && *a.Offset < 1 {
		return errors.New("offset counts lines from 1")
	}
	if a.Limit != nil && *a.Limit < 1 {
		return errors.New("limit is at least 1")
	}
	path, shown, err := resolve(c.Root, a.Path)
	if err != nil {
		return err
	}
	c.Args, c.Path, c.Wants = a, shown, policy.Request{Read: path}
	return nil
}

// readFile reads what was granted.
func (c *Call) readFile(g policy.Grant) Result {
	a := c.Args.(*readArgs)
	p, err := reach(c.Root, g.Identity(), g.Read(), false)
	if err != nil {
		return c.failed("read", err)
	}
	defer p.close()
	f, info, err := p.open()
	if err != nil {
		return c.failed("read", err)
	}
	defer f.Close()
	if info.IsDir() {
		return c.list(f)
	}
	if info.Size() > maxRead {
		return c.failed("read", fmt.Errorf("it has %s; use run_shell with head, tail or sed for a part of it", size(info.Size())))
	}
	data, err := io.ReadAll(io.LimitReader(f, maxRead))
	if err != nil {
		return c.failed("read", err)
	}
	if what, is := binary(data); is {
		return did(fmt.Sprintf("%s is a binary file of %s (%s).", c.Path, size(int64(len(data))), what))
	}
	from, limit := 1, maxLines
	if a.Offset != nil {
		from = *a.Offset
	}
	if a.Limit != nil {
		limit = min(*a.Limit, maxLines)
	}
	return c.piece(data, from, limit)
}

// piece gives lines of a text, counting from 1.
func (c *Call) piece(data []byte, from, limit int) Result {
	text := strings.ToValidUTF8(string(data), "\uFFFD")
	if text == "" {
		return did(c.Path + " is empty.")
	}
	lines := strings.SplitAfter(text, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	if from > len(lines) {
		return Result{Content: fmt.Sprintf("%s has %d lines; there is no line %d.", c.Path, len(lines), from), Outcome: apiv1.ToolOutput_OUTCOME_FAILED}
	}
	var b strings.Builder
	last := from - 1
	for ; last < len(lines) && last-from+1 < limit; last++ {
		line := clip(lines[last])
		if b.Len() > 0 && b.Len()+len(line) > maxReadBytes {
			break
		}
		b.WriteString(line)
	}
	if last < len(lines) || from > 1 {
		if !strings.HasSuffix(b.String(), "\n") {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "[lines %d to %d of %d", from, last, len(lines))
		if last < len(lines) {
			fmt.Fprintf(&b, "; read on with offset %d", last+1)
		}
		b.WriteString("]")
	}
	return did(b.String())
}

// clip shortens a line that no person wrote.
func clip(line string) string {
	if len(line) <= maxLine {
		return line
	}
	cut := strings.ToValidUTF8(line[:maxLine], "")
	end := ""
	if strings.HasSuffix(line, "\n") {
		end = "\n"
	}
	return fmt.Sprintf("%s[… %d bytes more in this line]%s", cut, len(line)-len(cut)-len(end), end)
}

func (c *Call) list(f *os.File) Result {
	entries, err := f.ReadDir(-1)
	if err != nil {
		return c.failed("listed", err)
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		name := strings.ToValidUTF8(e.Name(), "\uFFFD")
		switch {
		case e.IsDir():
			name += "/"
		case e.Type()&fs.ModeSymlink != 0:
			name += " (a link)"
		}
		names = append(names, name)
	}
	slices.Sort(names)
	head := fmt.Sprintf("%s is a directory with %d entries:\n", c.Path, len(names))
	if len(names) > maxNames {
		head = fmt.Sprintf("%s is a directory with %d entries; the first %d:\n", c.Path, len(names), maxNames)
		names = names[:maxNames]
	}
	return did(head + strings.Join(names, "\n"))
}

// binary tells of data that is no text, and what it seems to be.
func binary(data []byte) (what string, is bool) {
	head := data[:min(len(data), 8000)]
	if bytes.IndexByte(head, 0) < 0 {
		return "", false
	}
	return http.DetectContentType(head), true
}

// failed says what could not be done; done is the verb's past: "read", "changed".
func (c *Call) failed(done string, err error) Result {
	words := plain(err)
	if errors.Is(err, fs.ErrNotExist) {
		words = "there is no such file"
	}
	return Result{Content: fmt.Sprintf("%s can't be %s: %s.", c.Path, done, words), Outcome: apiv1.ToolOutput_OUTCOME_FAILED}
}
