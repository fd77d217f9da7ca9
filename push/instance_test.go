package push

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"
)

func TestInstanceIPLoopback(t *testing.T) {
	for gateway, want := range map[string]string{
		"127.0.0.1:9091":           "127.0.0.1",
		"http://127.0.0.1/x?y=z":   "127.0.0.1",
		"https://127.0.0.2":        "127.0.0.1",
		"[::ffff:127.0.0.1]:9091":  "127.0.0.1",
		"http://u:p@127.0.0.1:443": "127.0.0.1",
	} {
		got, err := InstanceIP(t.Context(), gateway)
		if err != nil || got.String() != want {
			t.Errorf("towards %s: %v, %v, want %s", gateway, got, err, want)
		}
	}
	if listener, err := net.Listen("tcp", "[::1]:0"); err == nil {
		listener.Close()
		if got, err := InstanceIP(t.Context(), "[::1]:9091"); err != nil || got.String() != "::1" {
			t.Errorf("towards ::1: %v, %v", got, err)
		}
	}
}

// An address of documentation is nowhere: nothing may have to be sent there.
func TestInstanceIPElsewhere(t *testing.T) {
	local := make(map[netip.Addr]bool)
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			local[p.Addr().Unmap().WithZone("")] = true
		}
	}
	for _, gateway := range []string{"192.0.2.1:9091", "[2001:db8::1]:9091"} {
		start := time.Now()
		got, err := InstanceIP(t.Context(), gateway)
		if err != nil { // a host without a route, or without IPv6
			t.Logf("%s: %v", gateway, err)
			wantText(t, err, "push: find the address towards")
			continue
		}
		if got.IsLoopback() || !local[got] || time.Since(start) > 5*time.Second {
			t.Errorf("towards %s it is %v, which is not of %v", gateway, got, addresses)
		}
	}
}

func TestInstanceIPNames(t *testing.T) {
	got, err := InstanceIP(t.Context(), "localhost:9091")
	if err != nil || !got.IsLoopback() {
		t.Errorf("towards localhost: %v, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := InstanceIP(ctx, "name.invalid"); err == nil {
		t.Error("a name was looked up after the end")
	}
}

func TestInstanceIPRefused(t *testing.T) {
	for gateway, want := range map[string]string{"": "is empty", "ftp://u:s3cret@h": "http or https", "http://": "no host"} {
		_, err := InstanceIP(t.Context(), gateway)
		wantText(t, err, "push: ", want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := InstanceIP(ctx, "127.0.0.1"); !errors.Is(err, context.Canceled) && err != nil {
		t.Errorf("error %v", err)
	}
}
