package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/openvibez/openvibez/host/keys"
	"github.com/openvibez/openvibez/sdk"
)

// refusal is an answer of the host itself, in the form in which OpenAI's API reports errors.
type refusal struct {
	status  int
	code    string
	message string
}

var unknownCapability = refusal{
	http.StatusForbidden, "unknown_capability",
	"the host does not know this request's capability: the run it was made for has ended or was cancelled",
}

// refuse answers a request that may not leave.
func (b *Broker) refuse(w http.ResponseWriter, r refusal) {
	b.traffic.refused.Add(1)
	b.log.Debug("request of a plugin refused", "code", r.code, "message", r.message)
	r.write(w)
}

func (r refusal) write(w http.ResponseWriter) {
	var body struct {
		Error struct {
			Code    string `json:"code"`
			Type    string `json:"type"`
			Message string `json:"message"`
		} `json:"error"`
	}
	body.Error.Code, body.Error.Type, body.Error.Message = r.code, "host_policy", r.message
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set(sdk.HeaderDenied, r.code)
	w.WriteHeader(r.status)
	_ = json.NewEncoder(w).Encode(body)
}

// failed answers for an upstream that did not.
func (b *Broker) failed(w http.ResponseWriter, r *http.Request, err error) {
	on, ok := r.Context().Value(errandKey{}).(*errand)
	var large *http.MaxBytesError
	switch {
	case ok && on.grant.ctx.Err() != nil:
		b.refuse(w, unknownCapability)
	case errors.Is(err, context.Canceled):
		// The plugin hung up: nobody reads an answer.
		panic(http.ErrAbortHandler)
	case errors.As(err, &large):
		b.refuse(w, tooLarge)
	case private(err) != nil:
		b.refuse(w, refusal{http.StatusForbidden, "address_not_allowed", fmt.Sprintf(
			"%v. A plugin gets there only where you have entered the address as the provider's base URL", private(err))})
	case !ok:
		b.refuse(w, refusal{http.StatusBadRequest, "request_refused", err.Error()})
	default:
		r := upstream(keys.Place(on.origin), err)
		b.log.Debug("request of a plugin was not answered", "code", r.code, "message", r.message)
		r.write(w)
	}
}

// upstream puts into words why no answer came from an origin.
func upstream(origin string, err error) refusal {
	var (
		op         *net.OpError
		dns        *net.DNSError
		record     tls.RecordHeaderError
		alert      tls.AlertError
		verify     *tls.CertificateVerificationError
		authority  x509.UnknownAuthorityError
		name       x509.HostnameError
		invalid    x509.CertificateInvalidError
		timeout    net.Error
		isTimeout  = errors.As(err, &timeout) && timeout.Timeout()
		throughTLS = errors.As(err, &record) || errors.As(err, &alert) || errors.As(err, &verify)
	)
	switch {
	case errors.As(err, &op) && (op.Op == "proxyconnect" || op.Op == "socks connect") || strings.Contains(err.Error(), "Proxy Authentication Required"):
		return refusal{http.StatusBadGateway, "upstream_proxy", fmt.Sprintf(
			"the network proxy named in the environment (HTTPS_PROXY, HTTP_PROXY) did not let the request through to %s: %s", origin, root(err))}
	case errors.As(err, &record):
		return refusal{http.StatusBadGateway, "upstream_tls", fmt.Sprintf(
			"%s does not answer in TLS; if it is a plain HTTP server, its address begins with http://", origin)}
	case errors.As(err, &authority):
		return refusal{http.StatusBadGateway, "upstream_tls", fmt.Sprintf(
			"the certificate of %s is signed by an authority that this machine does not know; add it to the system's certificates, or name its file in the environment variable SSL_CERT_FILE where OpenVibez is started", origin)}
	case errors.As(err, &name):
		return refusal{http.StatusBadGateway, "upstream_tls", fmt.Sprintf("the certificate of %s is for another name: %s", origin, name.Error())}
	case errors.As(err, &invalid):
		return refusal{http.StatusBadGateway, "upstream_tls", fmt.Sprintf(
			"the certificate of %s is not valid now: %s; check this machine's clock too", origin, invalid.Error())}
	case garbage(err) != "":
		return refusal{http.StatusBadGateway, "upstream_garbage", fmt.Sprintf(
			"something answers at %s, but not in HTTP: what came begins with %s. Check the address, its port above all", origin, garbage(err))}
	case isTimeout && !errors.As(err, &dns):
		return refusal{http.StatusGatewayTimeout, "upstream_timeout", fmt.Sprintf("%s did not answer in time: %s", origin, root(err))}
	case throughTLS || strings.Contains(err.Error(), "tls: "):
		return refusal{http.StatusBadGateway, "upstream_tls", fmt.Sprintf("the encrypted connection to %s failed: %s", origin, root(err))}
	case errors.As(err, &dns):
		words := fmt.Sprintf("no address is known for %s; check the name and the network connection", dns.Name)
		if dns.IsTimeout || dns.IsTemporary {
			words = fmt.Sprintf("the name server did not answer for %s; check the network connection", dns.Name)
		}
		return refusal{http.StatusBadGateway, "upstream_unreachable", words}
	case errors.Is(err, syscall.ECONNREFUSED):
		return refusal{http.StatusBadGateway, "upstream_unreachable", fmt.Sprintf("nothing listens at %s (connection refused); is the server running?", origin)}
	case errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE):
		return refusal{http.StatusBadGateway, "upstream_cut", fmt.Sprintf("%s closed the connection before it answered", origin)}
	}
	return refusal{http.StatusBadGateway, "upstream_unreachable", fmt.Sprintf("%s can't be reached: %s", origin, root(err))}
}

// root gives the innermost words of an error: "no route to host" rather than the whole chain.
func root(err error) string {
	for {
		var sys *os.SyscallError
		if errors.As(err, &sys) {
			return sys.Err.Error()
		}
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}

// malformed finds in an error of net/http, which has no type for it, the beginning of what came in the place of an answer.
var malformed = regexp.MustCompile(`malformed (?:HTTP \w+( code)?|MIME header(?: line| initial line)?):? ?("(?:[^"\\]|\\.)*"|.*)`)

// garbage gives the beginning of what came where an answer should be, quoted; "" if it was one.
func garbage(err error) string {
	m := malformed.FindStringSubmatch(err.Error())
	if m == nil {
		return ""
	}
	came, unquoteErr := strconv.Unquote(m[2])
	if unquoteErr != nil {
		came = m[2]
	}
	const most = 60
	if len(came) > most {
		came = strings.ToValidUTF8(came[:most], "") + "…"
	}
	return strconv.Quote(came)
}
