package web

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// Proxy believes what a proxy says in a header, if it comes from the proxy's address.
type Proxy struct {
	Header string         // that names the person
	From   []netip.Prefix // where the proxy is; whoever comes from elsewhere is refused
}

// ParseProxy reads the settings of a trusted proxy.
func ParseProxy(header, from string) (Proxy, error) {
	p := Proxy{Header: http.CanonicalHeaderKey(strings.TrimSpace(header))}
	for one := range strings.SplitSeq(from, ",") {
		one = strings.TrimSpace(one)
		prefix, err := netip.ParsePrefix(one)
		if err != nil {
			addr, err := netip.ParseAddr(one)
			if err != nil {
				return p, fmt.Errorf("web.proxy_from %q: want addresses or networks separated by commas, as 10.0.0.5 or 10.0.0.0/24", from)
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		p.From = append(p.From, prefix.Masked())
	}
	return p, nil
}

func (p Proxy) Person(r *http.Request) (Person, error) {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return Person{}, fmt.Errorf("the address %q cannot be read", r.RemoteAddr)
	}
	trusted := false
	for _, from := range p.From {
		trusted = trusted || from.Contains(at.Addr().Unmap())
	}
	if !trusted {
		return Person{}, fmt.Errorf("this page is reached through its proxy, and %s is none of web.proxy_from", at.Addr())
	}
	names := r.Header.Values(p.Header)
	if len(names) != 1 { // of two, one is what the browser sent
		return Person{}, fmt.Errorf("the proxy says who looks in one header %s, and there are %d", p.Header, len(names))
	}
	if err := named(names[0]); err != nil {
		return Person{}, fmt.Errorf("header %s: %w", p.Header, err)
	}
	return Person{Name: names[0], Proof: "proxy"}, nil
}

func (Proxy) Refuse(w http.ResponseWriter, _ *http.Request, err error) {
	http.Error(w, err.Error(), http.StatusForbidden)
}

// Routes has none: the proxy signs people in and out.
func (Proxy) Routes(*http.ServeMux) {}
