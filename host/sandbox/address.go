package sandbox

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// dialTime is how long connecting to one host may take, all its addresses together.
const dialTime = 15 * time.Second

// notPublic are the ranges that no machine of the public internet has, besides those that net/netip knows: their
// packets stay on this machine or in a private network, or carry another address inside.
var notPublic = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

// global is where all public IPv6 addresses are. Mapped IPv4 addresses and those of NAT64 are not.
var global = netip.MustParsePrefix("2000::/3")

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, t := range texts {
		list[i] = netip.MustParsePrefix(t)
	}
	return list
}

// PublicAddress tells whether an address is one of the public internet: not of this machine, of a private network, or
// one that leads there.
func PublicAddress(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsValid() || a.Zone() != "" || !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return false
	}
	if a.Is6() && !global.Contains(a) {
		return false
	}
	for _, p := range notPublic {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// PrivateError says that a name leads to no public address.
type PrivateError struct {
	Host    string
	Address netip.Addr
}

func (e *PrivateError) Error() string {
	return fmt.Sprintf("%s leads to %s, an address of this machine or of a private network", e.Host, e.Address)
}

// PublicDialer connects to hosts of the public internet only. It resolves a name once, looks at the addresses, and
// connects to those it has looked at: a name that changes in between gains nothing. The zero value uses the system's
// resolver.
type PublicDialer struct {
	// Finds a name's addresses; nil: the system does.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	// Connects to one address; nil: TCP.
	Dial func(ctx context.Context, to netip.AddrPort) (net.Conn, error)
}

// DialContext connects to host:port, within 15 seconds. The error is a *PrivateError if no address of host is public.
func (d *PublicDialer) DialContext(ctx context.Context, _, hostport string) (net.Conn, error) {
	host, service, err := net.SplitHostPort(hostport)
	if err != nil {
		return nil, err
	}
	port, err := net.DefaultResolver.LookupPort(ctx, "tcp", service)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	addresses, err := d.lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	var last error
	for _, a := range addresses {
		if !PublicAddress(a) {
			if last == nil {
				last = &PrivateError{host, a.Unmap()}
			}
			continue
		}
		conn, err := d.dial(ctx, netip.AddrPortFrom(a.Unmap(), uint16(port)))
		if err == nil {
			return conn, nil
		}
		last = err
	}
	if last == nil {
		last = &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return nil, last
}

func (d *PublicDialer) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	if d.Lookup != nil {
		return d.Lookup(ctx, host)
	}
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

func (d *PublicDialer) dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	if d.Dial != nil {
		return d.Dial(ctx, to)
	}
	// One address that does not answer leaves time for the next.
	return (&net.Dialer{Timeout: dialTime / 2, KeepAlive: 30 * time.Second}).DialContext(ctx, "tcp", to.String())
}
