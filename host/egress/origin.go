package egress

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// CheckBaseURL tells in words what is wrong with a base URL that a person typed, and gives it back without spaces
// around and slashes behind it. Empty is right: it means the plugin's own.
func CheckBaseURL(raw string) (string, error) {
	raw = strings.TrimSpace(raw)
	if raw == "" {
		return "", nil
	}
	wrong := func(format string, args ...any) (string, error) {
		return "", sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST,
			"the base URL %q can't be used: %s. It should look like https://api.example.com/v1", raw, fmt.Sprintf(format, args...)).Blaming("base_url")
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return wrong("it is not a URL")
	case u.Scheme == "" || (u.Host == "" && u.Opaque != "" && u.Scheme != "http" && u.Scheme != "https"):
		return wrong("it does not begin with http:// or https://")
	case u.Scheme != "http" && u.Scheme != "https":
		return wrong("%s:// is not supported, only http:// and https:// are", u.Scheme)
	case u.Hostname() == "":
		return wrong("it names no host")
	case u.User != nil:
		return wrong("it holds a user name or password; the key goes into the provider's key setting")
	case holdsKey(u.Query()):
		return wrong("it holds a key behind the question mark; the key goes into the provider's key setting")
	case u.Fragment != "" || strings.Contains(raw, "#"):
		return wrong("it has a fragment (#%s); leave it out", u.Fragment)
	case strings.ContainsAny(u.Host, " \t\r\n%\\"):
		return wrong("its host name has characters that can't be there")
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 {
			return wrong("its port %s is not between 1 and 65535", p)
		}
	}
	// A query stays: some servers want their version there, in each call.
	u.Path, u.RawPath, u.ForceQuery = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/"), false
	return u.String(), nil
}

// holdsKey tells whether a query has what looks like a credential: an address is shown and written down.
func holdsKey(query url.Values) bool {
	for name := range query {
		low := strings.ToLower(name)
		for _, word := range []string{"key", "token", "secret", "password", "sig"} {
			if strings.Contains(low, word) {
				return true
			}
		}
	}
	return false
}

// BaseURL resolves where a provider's requests go: what the person entered, else what the plugin's environment
// variable says, else the plugin's default. Empty: the plugin needs no network.
func BaseURL(entered string, d *providerv1.DescribeResponse, getenv func(string) string) (string, error) {
	if entered = strings.TrimSpace(entered); entered != "" {
		return CheckBaseURL(entered)
	}
	if d.BaseUrlEnv != "" {
		if v := strings.Trim(strings.TrimSpace(getenv(d.BaseUrlEnv)), `"'`); v != "" {
			u, err := CheckBaseURL(hostURL(v, d.DefaultBaseUrl))
			if err != nil {
				return "", sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST,
					"the environment variable %s is %q, which is no address; correct it where OpenVibez is started, or enter a base URL for the provider", d.BaseUrlEnv, v).Blaming("base_url")
			}
			return u, nil
		}
	}
	return CheckBaseURL(d.DefaultBaseUrl)
}

// hostURL reads an address as Ollama reads OLLAMA_HOST: scheme, host and port may each be missing. Addresses that one
// can listen on but not connect to mean this machine.
func hostURL(v, standard string) string {
	if strings.Contains(v, "@") {
		// Not an address of Ollama's kind; CheckBaseURL has the words.
		return v
	}
	scheme, rest, found := strings.Cut(v, "://")
	port := map[string]string{"http": "80", "https": "443"}[scheme]
	if !found {
		scheme, rest, port = "http", v, "80"
		if u, err := url.Parse(standard); err == nil && u.Scheme != "" {
			scheme, port = u.Scheme, u.Port()
			if port == "" {
				port = map[string]string{"http": "80", "https": "443"}[scheme]
			}
		}
	}
	hostport, path, _ := strings.Cut(rest, "/")
	host, given, err := net.SplitHostPort(hostport)
	if err != nil {
		host, given = strings.Trim(hostport, "[]"), ""
	}
	if n, err := strconv.Atoi(given); err == nil && n > 0 && n <= 65535 {
		port = given
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
		if ip != nil && ip.To4() == nil {
			host = "::1"
		}
	}
	u := url.URL{Scheme: scheme, Host: net.JoinHostPort(host, port), Path: strings.TrimRight("/"+path, "/")}
	return u.String()
}

// origin gives scheme://host:port of a URL in the one form used for comparing: lower case, the port always there.
func origin(scheme, hostport string) (string, error) {
	scheme = strings.ToLower(scheme)
	if scheme != "http" && scheme != "https" {
		return "", fmt.Errorf("scheme %q is neither http nor https", scheme)
	}
	u, err := url.Parse(scheme + "://" + hostport)
	if err != nil || u.Host != hostport || u.Hostname() == "" || u.User != nil || strings.ContainsAny(hostport, "%\\ ") {
		return "", fmt.Errorf("%q is not a host", hostport)
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	n, err := strconv.Atoi(port)
	if err != nil || n < 1 || n > 65535 {
		return "", fmt.Errorf("%q is not a port", port)
	}
	return scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), strconv.Itoa(n)), nil
}

// OriginOf gives the origin of a whole URL.
func OriginOf(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", fmt.Errorf("%q is not a URL", raw)
	}
	return origin(u.Scheme, u.Host)
}
