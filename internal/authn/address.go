package authn

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// ClientAddress tells the address that rates are counted by. Forwarded addresses are believed only as far as they were
// written by the proxies given; an IPv6 caller is its /64.
func ClientAddress(proxies []netip.Prefix) func(*http.Request) string {
	trusted := func(a netip.Addr) bool {
		return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	return func(r *http.Request) string {
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil {
			host = r.RemoteAddr
		}
		addr, err := netip.ParseAddr(host)
		if err != nil {
			return host
		}
		addr = addr.Unmap().WithZone("")
		// SECURITY: from right to left, as long as the one who wrote the entry is a trusted proxy; the rest anybody can make up.
		hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		for i := len(hops) - 1; i >= 0 && trusted(addr); i-- {
			next, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
			if err != nil {
				break
			}
			addr = next.Unmap().WithZone("")
		}
		if addr.Is6() {
			if p, err := addr.Prefix(64); err == nil {
				return p.Masked().Addr().String()
			}
		}
		return addr.String()
	}
}
