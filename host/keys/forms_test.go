package keys

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
)

func TestSecretsAreFoundInAllTheirForms(t *testing.T) {
	const key = `sk-a/b+c"d=0123456789 <é`
	f := FormsOf(key)
	quoted, _ := json.Marshal("x" + key + "y")
	for name, text := range map[string]string{
		"as it is":            "with " + key + " in it",
		"in JSON":             string(quoted),
		"in JSON of others":   strings.ReplaceAll(string(quoted), "/", `\/`),
		"in a query":          "https://a.example/?k=" + url.QueryEscape(key) + "&x",
		"in a path":           "https://a.example/" + url.PathEscape(key) + "/x",
		"in small letters":    strings.ToLower(url.QueryEscape("/")) + lowerEscapes(url.QueryEscape(key)),
		"in hex":              hex.EncodeToString([]byte("_" + key + "_")),
		"in base64":           base64.StdEncoding.EncodeToString([]byte(key)),
		"in base64, before 1": base64.StdEncoding.EncodeToString([]byte("a" + key)),
		"in base64, before 2": base64.URLEncoding.EncodeToString([]byte("Bearer! " + key + "zz")),
		"in base64, before 3": base64.RawURLEncoding.EncodeToString([]byte("abcde" + key + "z")),
	} {
		if got := f.Censor(text); !strings.Contains(got, Removed) {
			t.Errorf("%s: %q stayed %q", name, text, got)
		}
		for how, r := range map[string]io.Reader{
			"byte by byte": iotest.OneByteReader(strings.NewReader(text)), "whole": strings.NewReader(text), "by halves": iotest.HalfReader(strings.NewReader(text)), "with its end": iotest.DataErrReader(strings.NewReader(text)),
		} {
			got, err := io.ReadAll(f.Reader(io.NopCloser(r)))
			if want := f.Censor(text); err != nil || string(got) != want {
				t.Errorf("%s, %s: got %q, %v; want %q", name, how, got, err, want)
			}
		}
	}
	for _, text := range []string{"", "sk-", "sk-a/b", "nothing to see", key[:len(key)-1]} {
		if got := f.Censor(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
		if got, err := io.ReadAll(f.Reader(io.NopCloser(iotest.OneByteReader(strings.NewReader(text))))); err != nil || string(got) != text {
			t.Errorf("%q was read as %q, %v", text, got, err)
		}
	}
	// A short one is found only as it is: its base64 would be found anywhere.
	if got := FormsOf("k1", "").Censor("k1 " + base64.StdEncoding.EncodeToString([]byte("k1"))); got != Removed+" azE=" {
		t.Errorf("a short one: %q", got)
	}
	if got := FormsOf("secret-12345678", "secret-12345678-long").Censor("secret-12345678-long"); got != Removed {
		t.Errorf("one that begins with another: %q", got)
	}
	var none *Forms
	if none.Any() || none.Censor("x") != "x" {
		t.Error("no forms find something")
	}
}

// What is no secret comes at once.
func TestFlowHoldsLittleBack(t *testing.T) {
	l := FormsOf("sk-0123456789").Flow()
	for i, c := range []struct{ piece, show string }{
		{"hello ", "hello "}, {"sk", ""}, {"y ", "sky "}, {"is sk-01", "is "}, {"23456789 gone", Removed + " gone"}, {"s", ""},
	} {
		if got := string(l.Next([]byte(c.piece))); got != c.show {
			t.Errorf("%d: %q gave %q, want %q", i, c.piece, got, c.show)
		}
	}
	if got := string(l.Rest()); got != "s" {
		t.Errorf("at the end %q", got)
	}
}

func BenchmarkFlow(b *testing.B) {
	l := FormsOf("sk-proj-0123456789abcdefghijklmnopqrstuvwxyz").Flow()
	pieces := [][]byte{}
	for i := range 100 {
		pieces = append(pieces, fmt.Appendf(nil, "word%d ", i))
	}
	for b.Loop() {
		for _, p := range pieces {
			l.Next(p)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/piece")
}
