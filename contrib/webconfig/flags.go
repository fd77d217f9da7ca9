package webconfig

import (
	"flag"
	"strings"

	"github.com/prometheus/exporter-toolkit/web"
)

// AddFlags defines the flags of Prometheus' exporters in a set of the standard
// library's: -web.listen-address, which may be given several times,
// -web.config.file and -web.systemd-socket. What it returns has their values once
// the set is parsed.
func AddFlags(set *flag.FlagSet, defaultAddress string) *web.FlagConfig {
	addresses := addressFlag{list: []string{defaultAddress}}
	set.Var(&addresses, "web.listen-address",
		"`address` to serve metrics on; repeatable. Examples: :9100, [::1]:9100, vsock://:9100")
	return &web.FlagConfig{
		WebListenAddresses: &addresses.list,
		WebConfigFile: set.String("web.config.file", "",
			"`file` that can enable TLS, authentication and more. See: https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md"),
		WebSystemdSocket: set.Bool("web.systemd-socket", false,
			"serve on the sockets that systemd passes, instead of on addresses"),
	}
}

// addressFlag is a list of addresses. The first one that is given replaces the
// default.
type addressFlag struct {
	list  []string
	given bool
}

// String implements [flag.Value].
func (f *addressFlag) String() string { return strings.Join(f.list, ",") }

// Set implements [flag.Value].
func (f *addressFlag) Set(address string) error {
	if !f.given {
		f.list, f.given = nil, true
	}
	f.list = append(f.list, address)
	return nil
}
