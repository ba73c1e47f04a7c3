package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

// BenchmarkWindow measures in Chromium what it takes to open a chat of 10,000 messages, from the database to the paint,
// against one of 10, and the frames while scrolling back in it and while an answer of 80 kB comes.
func BenchmarkWindow(b *testing.B) {
	h := newHome(b)
	h.start()
	h.must("provider", "add", "scripted")
	h.must("ask", "--provider", "scripted", "say This session tells the provider's id.")
	last, err := h.sessions().ListSessions(b.Context(), &apiv1.ListSessionsRequest{Limit: 1})
	if err != nil {
		b.Fatal(err)
	}
	var ids [2]string
	for i, messages := range []int{10000, 10} {
		answer, err := h.sessions().ImportSession(b.Context(), &apiv1.ImportSessionRequest{Data: longChat(b, strings.Repeat([]string{"l", "s"}[i], 16), last.Sessions[0].ProviderId, messages)})
		if err != nil {
			b.Fatal(err)
		}
		ids[i] = answer.Session.Id
	}
	for b.Loop() {
		for line := range strings.Lines(browse(b, h, "bench.mjs", "LARGE="+ids[0], "SMALL="+ids[1])) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			figure, err := strconv.ParseFloat(value, 64)
			if err != nil {
				b.Fatalf("bench.mjs said %q", line)
			}
			b.ReportMetric(figure, name)
		}
	}
	b.ReportMetric(0, "ns/op")
}

// longChat is a chat as an export writes it, half of it answers with lists, tables and code.
func longChat(b *testing.B, id, provider string, messages int) []byte {
	var out bytes.Buffer
	line := func(v any) {
		if err := json.NewEncoder(&out).Encode(v); err != nil {
			b.Fatal(err)
		}
	}
	type row = map[string]any
	line(row{"format": "openvibez-session", "version": 1})
	turns := messages / 2
	line(row{"session": row{"id": id, "title": fmt.Sprintf("%d messages", messages), "providerId": provider, "model": "scripted", "createdMs": "1", "activeMs": "2", "lastSeq": fmt.Sprint(2 * turns)}})
	run := func(i int) string { return fmt.Sprintf("%s%08d", id[:8], i) }
	for i := range turns {
		line(row{"run": row{
			"id": run(i), "sessionId": id, "clientRequestId": fmt.Sprint("c", i), "state": "RUN_STATE_COMPLETED", "providerId": provider, "model": "scripted",
			"queueOrder": fmt.Sprint(i + 1), "userSeq": fmt.Sprint(2*i + 1), "lastSeq": fmt.Sprint(2*i + 2), "finishReason": "REASON_STOP",
			"createdMs": fmt.Sprint(i + 1), "startedMs": fmt.Sprint(i + 1), "updatedMs": fmt.Sprint(i + 2), "endedMs": fmt.Sprint(i + 2),
		}, "hash": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="})
	}
	for i := range turns {
		text := fmt.Sprintf("Answer %d. %s", i, strings.Repeat("It goes on with **words** and `code` for a line or two. ", 1+i%6))
		if i%3 == 0 {
			text += "\n\n- one\n- two, which is longer\n- three"
		}
		if i%4 == 0 {
			text += fmt.Sprintf("\n\n```go\nfunc part%d(x int) error {\n\tif x > %d {\n\t\treturn fmt.Errorf(\"too big: %%d\", x)\n\t}\n\treturn nil\n}\n```", i, i)
		}
		if i%10 == 0 {
			text += "\n\n| name | value |\n|---|---|\n| a | 1 |\n| b | 2 |"
		}
		at := fmt.Sprint(i + 1)
		line(row{"entry": row{"seq": fmt.Sprint(2*i + 1), "lastSeq": fmt.Sprint(2*i + 1), "runId": run(i), "createdMs": at, "user": row{"text": fmt.Sprintf("Question %d, in a few words.", i)}}})
		line(row{"entry": row{"seq": fmt.Sprint(2*i + 2), "lastSeq": fmt.Sprint(2*i + 2), "runId": run(i), "createdMs": at, "text": row{"text": text}}})
	}
	line(row{"lines": bytes.Count(out.Bytes(), []byte("\n"))})
	return out.Bytes()
}
