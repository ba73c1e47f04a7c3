package sandbox

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// hostName gives the one form of a host's name that is compared and resolved: lower case, ASCII, no dot at the end. The
// error says in words what is wrong with a name. An address in any of its spellings is none.
func hostName(raw string) (string, error) {
	for _, c := range []byte(raw) {
		if c <= ' ' || c == 0x7f || strings.IndexByte(`@/\%?#:[]`, c) >= 0 {
			return "", fmt.Errorf("%q is no host name", raw)
		}
	}
	name, err := idna.Lookup.ToASCII(strings.TrimSuffix(raw, "."))
	if err != nil || name == "" || len(name) > 253 {
		return "", fmt.Errorf("%q is no host name", raw)
	}
	name = strings.ToLower(name)
	labels := strings.Split(name, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 {
			return "", fmt.Errorf("%q is no host name", raw)
		}
	}
	// Resolvers read 127.1, 0x7f000001 and 2130706433 as addresses.
	if last := labels[len(labels)-1]; last[0] >= '0' && last[0] <= '9' {
		return "", fmt.Errorf("%q is an address; only names can be granted", raw)
	}
	return name, nil
}

// hostPort takes host:port apart; port is standard where there is none.
func hostPort(raw string, standard int) (host string, port int, err error) {
	host, port = raw, standard
	if i := strings.LastIndexByte(raw, ':'); i >= 0 {
		host = raw[:i]
		port, err = strconv.Atoi(raw[i+1:])
		if err != nil || port < 1 || port > 65535 || strings.Trim(raw[i+1:], "0123456789") != "" {
			return "", 0, fmt.Errorf("%q has no port that exists", raw)
		}
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return "", 0, fmt.Errorf("%q is an address; only names can be granted", raw)
	}
	host, err = hostName(host)
	return host, port, err
}

// domain is one granted entry: "example.org", "*.example.org" (all below it) or either with a port.
type domain struct {
	name  string
	below bool
	port  int // 0: 80 and 443
}

// parseDomains reads granted entries; what can't be read grants nothing.
func parseDomains(entries []string) []domain {
	var list []domain
	for _, e := range entries {
		rest, below := strings.CutPrefix(strings.TrimSpace(e), "*.")
		host, port, err := hostPort(rest, 0)
		if err == nil {
			list = append(list, domain{name: host, below: below, port: port})
		}
	}
	return list
}

// covers tells whether the entry grants a host, in the form that hostName gives.
func (d domain) covers(host string, port int) bool {
	if d.port != port && (d.port != 0 || port != 80 && port != 443) {
		return false
	}
	if d.below {
		return strings.HasSuffix(host, "."+d.name)
	}
	return host == d.name
}
