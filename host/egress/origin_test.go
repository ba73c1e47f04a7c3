package egress

import (
	"testing"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func TestCheckBaseURL(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "  https://api.example.com/v1/ ": "https://api.example.com/v1", "http://127.0.0.1:11434": "http://127.0.0.1:11434",
		"HTTPS://Example.com": "https://Example.com", "http://[::1]:80/x": "http://[::1]:80/x",
	} {
		if got, err := CheckBaseURL(in); err != nil || got != want {
			t.Errorf("%q gave %q, %v; want %q", in, got, err, want)
		}
	}
	for in, words := range map[string]string{
		"api.example.com":               "does not begin with http:// or https://",
		"localhost:11434":               "does not begin with http:// or https://",
		"/v1":                           "does not begin with",
		"ftp://example.com":             "ftp:// is not supported",
		"https://":                      "names no host",
		"https:///v1":                   "names no host",
		"https://:443":                  "names no host",
		"https://me:pw@example.com":     "user name or password",
		"https://example.com?api_KEY=1": "holds a key behind the question mark",
		"https://example.com/#a":        "has a fragment",
		"https://example.com:0":         "port 0 is not between",
		"https://example.com:70000":     "port 70000 is not between",
		"https://exa mple.com":          "it is not a URL",
		"http://example.com\n.evil/":    "it is not a URL",
	} {
		_, err := CheckBaseURL(in)
		wantError(t, err, providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, words, "should look like https://")
	}
}

func TestBaseURLComesFromEntryEnvironmentOrDefault(t *testing.T) {
	ollama := &providerv1.DescribeResponse{BaseUrlEnv: "OLLAMA_HOST", DefaultBaseUrl: "http://127.0.0.1:11434"}
	for _, c := range []struct{ entered, env, want string }{
		{"", "", "http://127.0.0.1:11434"},
		{"http://box:1/x", "http://other", "http://box:1/x"},
		{"", "box", "http://box:11434"},
		{"", "box:1234", "http://box:1234"},
		{"", ":1234", "http://127.0.0.1:1234"},
		{"", "0.0.0.0", "http://127.0.0.1:11434"},
		{"", "0.0.0.0:1234", "http://127.0.0.1:1234"},
		{"", "[::]:1234", "http://[::1]:1234"},
		{"", "::1", "http://[::1]:11434"},
		{"", "[::1]", "http://[::1]:11434"},
		{"", "http://box", "http://box:80"},
		{"", "https://box", "https://box:443"},
		{"", "https://box:8443/path/", "https://box:8443/path"},
		{"", "box/path/to", "http://box:11434/path/to"},
		{"", " \"box:99\" ", "http://box:99"},
		{"", "box:66000", "http://box:11434"},
		{"", "box:nonsense", "http://box:11434"},
	} {
		got, err := BaseURL(c.entered, ollama, func(string) string { return c.env })
		if err != nil || got != c.want {
			t.Errorf("entered %q, OLLAMA_HOST=%q: got %q, %v; want %q", c.entered, c.env, got, err, c.want)
		}
	}
	secure := &providerv1.DescribeResponse{BaseUrlEnv: "X_URL", DefaultBaseUrl: "https://api.example.com/v1"}
	if got, _ := BaseURL("", secure, func(string) string { return "other.example/v2" }); got != "https://other.example:443/v2" {
		t.Errorf("got %q", got)
	}
	for _, bad := range []string{"ftp://x", "http://a b", "http://u:p@x"} {
		_, err := BaseURL("", ollama, func(string) string { return bad })
		wantError(t, err, providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "the environment variable OLLAMA_HOST is", bad)
	}
}

func TestOriginIsExact(t *testing.T) {
	for in, want := range map[string]string{
		"http://a": "http://a:80", "http://A:80/x": "http://a:80", "https://a": "https://a:443", "https://a:8443": "https://a:8443", "http://[::1]": "http://[::1]:80",
	} {
		if got, err := OriginOf(in); err != nil || got != want {
			t.Errorf("%s gave %s, %v; want %s", in, got, err, want)
		}
	}
	for _, bad := range [][2]string{{"", "a"}, {"ftp", "a"}, {"http", ""}, {"http", "a/b"}, {"http", "u@a"}, {"http", "a:b"}, {"http", "a:0"}, {"http", "a?b"}, {"http", "a%41"}, {"http", "a b"}, {"http", ":80"}} {
		if got, err := origin(bad[0], bad[1]); err == nil {
			t.Errorf("%q gave %s", bad, got)
		}
	}
}
