package webconfig

import (
	"context"
	"errors"
	"flag"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/exporter-toolkit/web"

	"github.com/fennelmetrics/fennel/fennelhttp"
)

const withTLS = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n  "

func TestBrokenFilesAreErrorsBeforeThePortIsBound(t *testing.T) {
	f := newFiles(t)
	f.write(t, "another.key", readFile(t, f, "server.key"))
	f.writeServer(t, nil, nil) // with another key
	for name, test := range map[string]struct{ text, want string }{
		"no YAML":                      {"tls_server_config: [", "yaml"},
		"unknown key":                  {"tls_config: {}", "tls_config"},
		"unknown key in a section":     {withTLS + "cert: x\n  certificate: x", "certificate"},
		"no key":                       {"tls_server_config: {cert_file: server.crt}", "key"},
		"no certificate":               {"tls_server_config: {key_file: server.key}", "cert"},
		"certificate that isn't there": {"tls_server_config: {cert_file: nowhere.crt, key_file: server.key}", "nowhere.crt"},
		"certificate that is none":     {"tls_server_config: {cert_file: nothing.crt, key_file: server.key}", "certificate"},
		"key of another certificate":   {"tls_server_config: {cert_file: server.crt, key_file: another.key}", "private key does not match"},
		"unknown version":              {withTLS + "min_version: TLS14", "TLS14"},
		"unknown policy":               {withTLS + "client_auth_type: Maybe", "Maybe"},
		"authority without a policy":   {withTLS + "client_ca_file: ca.crt", "Client Auth Policy"},
		"authority that isn't there":   {withTLS + "client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: nowhere.crt", "nowhere.crt"},
		"unknown header":               {"http_server_config: {headers: {X-Mine: x}}", "X-Mine"},
		"header of no such value":      {"http_server_config: {headers: {X-Frame-Options: maybe}}", "X-Frame-Options"},
		"password that is no hash":     {"basic_auth_users: {alice: secret}", "bcrypt"},
		"interval that is none":        {"rate_limit: {interval: often, burst: 1}", "often"},
		// What the toolkit lets pass:
		"TLS without a certificate":     {"tls_server_config: {min_version: TLS13}", "plain HTTP would be served"},
		"authority without certificate": {withTLS + "client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: nothing.crt", "client_ca_file has no certificate"},
		"authority as text":             {withTLS + "client_auth_type: RequireAndVerifyClientCert\n  client_ca: nothing", "client_ca has no certificate"},
		"names without a policy":        {withTLS + "client_allowed_sans: [client]", "client_allowed_sans"},
		"names with an empty policy":    {withTLS + "client_allowed_sans: [client]\n  client_auth_type: NoClientCert", "client_allowed_sans"},
		"names in any certificate":      {withTLS + "client_allowed_sans: [client]\n  client_auth_type: RequireAnyClientCert", "verifies nothing"},
		"authority that isn't asked":    {withTLS + "client_ca_file: ca.crt\n  client_auth_type: RequireAnyClientCert", "verifies nothing"},
		"authority as text, not asked":  {withTLS + "client_ca: x\n  client_auth_type: RequestClientCert", "verifies nothing"},
		"versions that exclude all":     {withTLS + "min_version: TLS13\n  max_version: TLS12", "min_version is above max_version"},
		"highest below the default":     {withTLS + "max_version: TLS11", "min_version is above max_version"},
		"suites that HTTP/2 can't use":  {withTLS + "cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]", "http2"},
		"limit without a burst":         {"rate_limit: {interval: 1s}", "let nothing through"},
		"negative burst":                {"rate_limit: {interval: 1s, burst: -1}", "let nothing through"},
		"negative interval":             {"rate_limit: {interval: -1s, burst: 1}", "let nothing through"},
	} {
		t.Run(name, func(t *testing.T) {
			path := f.write(t, "web.yml", test.text+"\n")
			s := Server{OnListen: func([]net.Addr) { t.Error("it listened") }}
			// An address that can't be listened on would be the error otherwise.
			err := s.Serve(t.Context(), flagsFor(path, "256.0.0.1:0"))
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "web.yml") || !strings.HasPrefix(err.Error(), "webconfig: ") {
				t.Errorf("got %v, want an error about %q", err, test.want)
			}
			if checked := Check(path); checked == nil || checked.Error() != err.Error() {
				t.Errorf("Check returns %v", checked)
			}
		})
	}
}

func readFile(t *testing.T, f *files, name string) string {
	t.Helper()
	text, err := os.ReadFile(f.dir + "/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestFileThatIsNotThere(t *testing.T) {
	err := new(Server).Serve(t.Context(), flagsFor(t.TempDir()+"/web.yml"))
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestRightFiles(t *testing.T) {
	f := newFiles(t)
	for _, text := range []string{
		"", "{}", "# nothing\n", withTLS,
		withTLS + "min_version: TLS13", withTLS + "max_version: TLS12", withTLS + "min_version: TLS10\n  max_version: TLS11",
		withTLS + "min_version: TLS12\n  max_version: TLS12",
		withTLS + "client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n  client_allowed_sans: [client]",
		withTLS + "client_auth_type: RequireAnyClientCert",
		withTLS + "cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]\nhttp_server_config: {http2: false}",
		withTLS + "cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]\n  min_version: TLS13",
		withTLS + "cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]",
		"rate_limit: {interval: 1s, burst: 1}", "rate_limit: {interval: 0s}", "tls_server_config: {}",
	} {
		if err := Check(f.write(t, "web.yml", text+"\n")); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := Check(""); err != nil {
		t.Error(err)
	}
}

func TestFlagsThatAreNone(t *testing.T) {
	yes, none := true, ""
	for name, test := range map[string]struct {
		flags *web.FlagConfig
		want  string
	}{
		"nil":                  {nil, "no flags"},
		"without address":      {&web.FlagConfig{WebConfigFile: &none}, "no address"},
		"no address":           {&web.FlagConfig{WebConfigFile: &none, WebListenAddresses: new([]string)}, "no address"},
		"empty address":        {flagsFor("", ""), "it is empty"},
		"no socket passed":     {&web.FlagConfig{WebSystemdSocket: &yes}, "systemd has passed no socket"},
		"vsock without a port": {flagsFor("", "vsock://"), "vsock"},
		"vsock of no port":     {flagsFor("", "vsock://:x"), "vsock"},
	} {
		t.Run(name, func(t *testing.T) {
			err := new(Server).Serve(t.Context(), test.flags)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error about %q", err, test.want)
			}
		})
	}
}

func TestWrongOptionsAreErrorsBeforeThePortIsBound(t *testing.T) {
	s := Server{Options: []fennelhttp.HandlerOption{fennelhttp.WithBasicAuth(map[string]string{"alice": "no hash"})}}
	if err := s.Serve(t.Context(), flagsFor("", "256.0.0.1:0")); err == nil || !strings.Contains(err.Error(), "alice") {
		t.Errorf("got %v", err)
	}
}

// If one address can't be listened on, none is.
func TestAddressInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	err = new(Server).Serve(t.Context(), flagsFor("", free.Addr().String(), taken.Addr().String()))
	if err == nil || !strings.Contains(err.Error(), taken.Addr().String()) {
		t.Errorf("got %v", err)
	}
	if again, err := net.Listen("tcp", free.Addr().String()); err != nil {
		t.Errorf("the other address is still listened on: %v", err)
	} else {
		again.Close()
	}
}

// failing is a listener that accepts nobody.
type failing struct{ net.Listener }

var errSocket = errors.New("socket on fire")

func (failing) Accept() (net.Conn, error) { return nil, errSocket }

func TestListenerThatFailsEndsAll(t *testing.T) {
	one, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var s Server
	err = s.serve(context.Background(), http.NotFoundHandler(), []net.Listener{one, failing{other}}, flagsFor(""))
	if !errors.Is(err, errSocket) {
		t.Errorf("got %v", err)
	}
	if conn, err := net.Dial("tcp", one.Addr().String()); err == nil {
		conn.Close()
		t.Error("the other one goes on")
	}
	other.Close()
}

// The file may get lost between the check and the toolkit's own reading.
func TestFileThatIsLostEndsAll(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var s Server
	err = s.serve(t.Context(), http.NotFoundHandler(), []net.Listener{l}, flagsFor(t.TempDir()+"/web.yml"))
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if conn, err := net.Dial("tcp", l.Addr().String()); err == nil {
		conn.Close()
		t.Error("the address is still listened on")
	}
}

func TestFlags(t *testing.T) {
	for _, test := range []struct {
		args      []string
		addresses []string
		file      string
		systemd   bool
	}{
		{nil, []string{":9100"}, "", false},
		{[]string{"--web.config.file=web.yml"}, []string{":9100"}, "web.yml", false},
		{[]string{"--web.listen-address=:1", "-web.listen-address", "[::1]:2"}, []string{":1", "[::1]:2"}, "", false},
		{[]string{"--web.systemd-socket"}, []string{":9100"}, "", true},
	} {
		set := flag.NewFlagSet("test", flag.ContinueOnError)
		set.SetOutput(io.Discard)
		flags := AddFlags(set, ":9100")
		if err := set.Parse(test.args); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(*flags.WebListenAddresses, test.addresses) || *flags.WebConfigFile != test.file || *flags.WebSystemdSocket != test.systemd {
			t.Errorf("%q: %q, %q, %v", test.args, *flags.WebListenAddresses, *flags.WebConfigFile, *flags.WebSystemdSocket)
		}
		if usage := set.Lookup("web.listen-address"); usage.DefValue != ":9100" {
			t.Errorf("the default is shown as %q", usage.DefValue)
		}
	}
}
