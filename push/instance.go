package push

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
)

// InstanceIP returns the address that this host has towards a gateway, IPv4 or
// IPv6: a good value for a label instance where hosts have no better names.
//
//	ip, err := push.InstanceIP(ctx, gateway)
//	…
//	job, err := push.New(gateway, "backup", push.Grouping("instance", ip.String()))
//
// It is the source address of the route to the gateway, as the kernel chooses it.
// So it is a loopback address only if the gateway is on this host. A proxy is not
// taken into account, and neither is a NAT on the way.
//
// Nothing is sent to find out, and no answer awaited, if the gateway's URL has a
// literal address. A name is looked up, as the resolver of the system does it,
// within ctx; of its addresses the first to which there is a route counts.
//
// The gateway's URL is as for [New]. It is an error if there is no route.
func InstanceIP(ctx context.Context, gateway string) (netip.Addr, error) {
	u, err := parseGateway(gateway)
	if err != nil {
		return netip.Addr{}, err
	}
	addresses, err := lookUp(ctx, u.Hostname())
	if err != nil {
		return netip.Addr{}, fmt.Errorf("push: find the address towards %s: %w", u.Hostname(), err)
	}
	var errs []error
	for _, a := range addresses {
		ip, err := sourceTowards(ctx, netip.AddrPortFrom(a, port(u)))
		if err == nil {
			return ip, nil
		}
		errs = append(errs, err)
	}
	return netip.Addr{}, fmt.Errorf("push: find the address towards %s: %w", u.Hostname(), errors.Join(errs...))
}

// lookUp returns the addresses of a host, at least one if there is no error.
func lookUp(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err == nil && len(addresses) == 0 {
		err = errors.New("it has no address")
	}
	return addresses, err
}

// port returns the port of a URL. It decides nothing, but for firewalls and
// routes that tell ports apart.
func port(u *url.URL) uint16 {
	if n, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
		return uint16(n)
	}
	if u.Scheme == "https" {
		return 443
	}
	return 80
}

// sourceTowards asks the kernel for the source address of packets to this place.
// To connect a UDP socket chooses it and sends nothing.
func sourceTowards(ctx context.Context, to netip.AddrPort) (netip.Addr, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "udp", to.String())
	if err != nil {
		return netip.Addr{}, err
	}
	defer conn.Close()
	local, ok := conn.LocalAddr().(*net.UDPAddr)
	if !ok {
		return netip.Addr{}, fmt.Errorf("the local address is %v", conn.LocalAddr())
	}
	// A zone is a name of this host alone, and no part of what it is known by.
	return local.AddrPort().Addr().Unmap().WithZone(""), nil
}
