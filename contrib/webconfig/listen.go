package webconfig

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/mdlayher/vsock"
	"github.com/prometheus/exporter-toolkit/web"
)

// listen returns the listeners that the flags ask for: all of them, or none.
func listen(flags *web.FlagConfig) ([]net.Listener, error) {
	if flags.WebSystemdSocket != nil && *flags.WebSystemdSocket {
		return passed()
	}
	if flags.WebListenAddresses == nil || len(*flags.WebListenAddresses) == 0 {
		return nil, errors.New("there is no address to listen on")
	}
	var listeners []net.Listener
	for _, address := range *flags.WebListenAddresses {
		l, err := listenOn(address)
		if err != nil {
			closeAll(listeners)
			return nil, fmt.Errorf("address %q: %w", address, err)
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

// passed returns the sockets that systemd has passed.
func passed() ([]net.Listener, error) {
	listeners, err := activation.Listeners()
	if err != nil {
		return nil, err
	}
	// Those that can't be listened on are nil.
	listeners = slices.DeleteFunc(listeners, func(l net.Listener) bool { return l == nil })
	if len(listeners) == 0 {
		return nil, errors.New("systemd has passed no socket")
	}
	return listeners, nil
}

func listenOn(address string) (net.Listener, error) {
	if address == "" { // net.Listen would take any port that is free
		return nil, errors.New(`it is empty: give a port, as in ":9100"`)
	}
	if !strings.HasPrefix(address, "vsock://") {
		return net.Listen("tcp", address)
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(u.Port(), 10, 32)
	if err != nil {
		return nil, err
	}
	return vsock.Listen(uint32(port), nil)
}

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		l.Close() // it may be closed already
	}
}
