package policy

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// reach notes a host that is named, and that the network is needed.
func (w *walk) reach(host string) {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	plain := host != "" && strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789.-") == ""
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); !plain && err != nil {
		w.elsewhere()
		return
	}
	if w.private && loopback(host) {
		w.loops++
		return
	}
	w.add(ClassNetwork, "It reaches "+host)
	if !slices.Contains(w.found.domains, host) {
		w.found.domains = append(w.found.domains, host)
	}
}

// loopback tells of the box's own addresses.
func loopback(host string) bool {
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// elsewhere notes that the network is needed, and that not all hosts are known.
func (w *walk) elsewhere() {
	w.add(ClassNetwork, "It reaches the network")
	w.found.others = true
}

// address notes the host of a URL, or of a bare "host/path".
func (w *walk) address(a arg) {
	if a.kind != literal || a.loud || a.home || strings.ContainsAny(a.text, "\\{}[]<>^`|\" \t\n") || strings.HasPrefix(a.text, "-") {
		w.elsewhere()
		return
	}
	text := a.text
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		w.elsewhere()
	case u.Scheme == "file":
		w.add(ClassUnknown, "It reads files by their URL")
	case u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "git" && u.Scheme != "ssh" && u.Scheme != "ws" && u.Scheme != "wss":
		w.add(ClassUnknown, "It uses a URL that is not of the web")
		w.elsewhere()
	case u.User != nil && strings.Contains(u.User.String(), "@"):
		w.elsewhere()
	default:
		w.reach(u.Hostname())
	}
}

// registry notes the hosts that a package manager uses by itself, unless an option names others.
func (w *walk) registry(c *call, hosts ...string) {
	for _, h := range hosts {
		w.reach(h)
	}
	for i, a := range c.args {
		flag, value, attached := strings.Cut(a.text, "=")
		switch flag {
		case "--registry", "--index-url", "-i", "--extra-index-url", "--find-links", "-f", "--index", "--source", "--proxy", "--git":
			if c.name != "npm" && c.name != "pnpm" && c.name != "yarn" || flag != "-i" && flag != "-f" {
				if attached {
					w.address(arg{text: value})
				} else if i+1 < len(c.args) {
					w.address(c.args[i+1])
				}
			}
		default:
			if strings.Contains(a.text, "://") || a.kind != literal {
				w.elsewhere()
			}
		}
		w.anyPath(a, c.st)
	}
}

// curl takes what is known to be harmless besides the network.
func curl() spec {
	return spec{ClassNetwork, "", "", "-fsSLkIviNgqR46aBjlnpJM#0123 -O!b -o:w -D:w -c:w -d:D -H:D -X:t -A:t -e:t -u:t -b:D -m:t -w:O -r:t -T:r -F:D -z:t -Y:t -y:t -C:t " +
		"--fail --fail-with-body --silent --show-error --location --insecure --head --include --verbose --no-buffer --remote-name!b " +
		"--remote-header-name --compressed --globoff --http1.1 --http2 --progress-bar --no-progress-meter --get --json:D --parallel " +
		"--ipv4 --ipv6 --tlsv1.2 --tlsv1.3 --retry-connrefused --retry-all-errors --create-dirs --path-as-is --raw --location-trusted " +
		"--output:w --output-dir:w --dump-header:w --cookie-jar:w --data:D --data-raw:t --data-binary:D --data-urlencode:D --header:D " +
		"--request:t --user-agent:t --referer:t --user:t --cookie:D --max-time:t --connect-timeout:t --write-out:O --range:t --retry:t " +
		"--retry-delay:t --retry-max-time:t --upload-file:r --form:D --form-string:t --limit-rate:t --max-redirs:t --max-filesize:t --url:U " +
		"--config:x -K:x --proxy:x -x:x --resolve:x --connect-to:x --unix-socket:x --interface:x --dns-servers:x -E:x --engine:x", false}
}

func wget() spec {
	return spec{ClassNetwork, "", "", "-qcNSdvbrkpEHxFlnv46 -nc -nv -nd -nH -np -O:w -o:w -a:w -P:w -U:t -t:t -T:t -w:t -l:t -A:t -R:t " +
		"--quiet --continue --no-verbose --server-response --spider --recursive --no-parent --no-clobber --timestamping --show-progress " +
		"--no-check-certificate --content-disposition --mirror --convert-links --page-requisites --output-document:w --output-file:w " +
		"--directory-prefix:w --user-agent:t --tries:t --timeout:t --header:t --post-data:t --post-file:r --method:t --body-data:t " +
		"--use-askpass:x --input-file:x -i:x --execute:x -e:x --config:x --no-config", false}
}

// fetch is curl and wget: options first, then every operand is a URL.
func (w *walk) fetch(s spec, c *call) {
	s.operands = "U*"
	before, loops, others := len(w.found.domains), w.loops, w.found.others
	w.found.others = false
	w.check(s, c)
	urls := len(w.found.domains) > before || w.found.others
	if w.loops > loops && !urls { // it stays in the box
		w.found.why[ClassNetwork] = ""
		w.add(ClassRead, because(ClassRead))
		urls = true
	}
	w.found.others = w.found.others || others
	for _, a := range c.args {
		if a.is("-J") || c.name == "wget" {
			w.add(ClassBuild, because(ClassBuild))
		}
	}
	if !urls {
		w.found.others = true
	}
	for _, dir := range c.st.dirs {
		if w.has(ClassBuild) && !within(w.root, dir) && !temporary(dir) {
			w.add(ClassDangerous, "It writes outside the workspace")
		}
	}
}
