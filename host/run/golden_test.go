package run

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/policy"
)

var update = flag.Bool("update", false, "write the golden journals anew")

// The journals that real runs leave are what the page's reducers are tested with: ui/src/state/golden.test.ts reads the same
// files. After a change that is meant: go test ./host/run -run GoldenJournals -update
func TestGoldenJournals(t *testing.T) {
	for _, g := range []struct {
		name   string
		trust  apiv1.Trust
		access apiv1.AccessMode
		make   func(*workBench) *apiv1.Run
	}{
		{"allowed", trusted, scoped, func(b *workBench) *apiv1.Run {
			b.put("a.txt", "needle\n")
			return b.script("cloud", "thought I look.", `tool read_file {"path":"a.txt"}`, `tool search_files {"pattern":"needle"}`,
				`tool run_shell {"command":"cat a.txt"}`, `tool run_shell {"command":"exit 3"}`,
				edit("b.txt", "made\n"), `tool read_file {"path":"nowhere"}`, "then", "say Done.")
		}},
		{"asked", untrusted, scoped, func(b *workBench) *apiv1.Run {
			r := b.script("cloud", edit("a.txt", "1\n"), edit("b.txt", "2\n"), `tool read_file {"file":"a.txt"}`, "then", "say Done.")
			for i, a := range b.asked(r, 2) {
				b.decide(a, []string{choiceOnce, choiceDeny}[i], []string{"", "not this one"}[i])
			}
			return r
		}},
		{"refused", trusted, readOnly, func(b *workBench) *apiv1.Run {
			return b.script("cloud", edit("a.txt", "1\n"), `tool format_disk {}`, "then", "say I may not.")
		}},
		{"planned", trusted, scoped, func(b *workBench) *apiv1.Run {
			return b.script("cloud", `tool update_plan {"steps":[{"text":"make it","state":"active"}]}`, edit("a.txt", "1\n"), "then",
				`tool update_plan {"steps":[{"text":"make it","state":"done"}]}`, "then", "say Done.")
		}},
	} {
		t.Run(g.name, func(t *testing.T) {
			b := newWorkBench(t, g.trust, g.access)
			if level := b.engine.box.Sandbox.Report(t.Context()).Level; level != policy.LevelFull {
				t.Skipf("the sandbox is %s here; journals are made where it is full: `openvibez doctor` says what it lacks", level)
			}
			r := g.make(b)
			b.wantEnd(r, completed, noError)
			got := b.golden(r)
			path := filepath.Join("testdata", "journals", g.name+".json")
			if *update {
				if err := errorsOf(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, got, 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var is, should any
			if err := errorsOf(json.Unmarshal(got, &is), json.Unmarshal(want, &should)); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(is, should) {
				t.Errorf("the journal is\n%s\nThe page is tested with %s. If this is meant, write it anew with -update.", got, path)
			}
		})
	}
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// golden is a run's journal with all that differs each time made the same.
func (b *workBench) golden(r *apiv1.Run) []byte {
	b.Helper()
	same := []string{b.root, "/workspace", r.Id, "run", r.SessionId, "session", b.id, "provider"}
	calls := 0
	var lines []string
	for i, e := range b.entries(r.SessionId) {
		e.CreatedMs, e.Rev = int64(1000*(i+1)), int64(i+1)
		switch body := e.Body.(type) {
		case *apiv1.Entry_ToolCall:
			calls++
			same = append(same, body.ToolCall.Id, fmt.Sprint("call-", calls))
		case *apiv1.Entry_ToolOutput:
			if body.ToolOutput.WorkedMs > 0 {
				body.ToolOutput.WorkedMs = 7
			}
		case *apiv1.Entry_Decision:
			if body.Decision.ApprovalId != "" {
				same = append(same, body.Decision.ApprovalId, "approval-of-"+body.Decision.QuestionId)
			}
		case *apiv1.Entry_Usage:
			body.Usage.InputTokens, body.Usage.OutputTokens = 100, 10
		}
		line, err := protojson.Marshal(e)
		if err != nil {
			b.Fatal(err)
		}
		lines = append(lines, string(line))
	}
	// Twice, since an approval is named after its call.
	text := "[" + strings.Join(lines, ",") + "]"
	for range 2 {
		text = strings.NewReplacer(same...).Replace(text)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(text), "", "  "); err != nil {
		b.Fatal(err)
	}
	return append(out.Bytes(), '\n')
}
