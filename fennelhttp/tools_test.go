package fennelhttp

import (
	"context"
	"crypto/tls"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// tool returns a function that runs a program and returns all that it wrote.
func tool(t *testing.T, name string) func(stdin string, args ...string) (out string, err error) {
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip("it is not installed: ", err)
	}
	return func(stdin string, args ...string) (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		cmd := exec.CommandContext(ctx, path, args...)
		cmd.Stdin = strings.NewReader(stdin)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
}

func TestCurl(t *testing.T) {
	curl := tool(t, "curl")
	a := newAuthority(t)
	ca := tempFile(t, a.pem)
	cert, key := a.issue(t).files(t)
	wrongCert, wrongKey := newAuthority(t).issue(t).files(t)
	server := startTLS(t, a, WithClientAuth(tls.RequireAndVerifyClientCert), WithClientCAFiles(ca),
		WithBasicAuth(map[string]string{"prometheus": hash("s3cret")}), WithBearerToken("t0ken"), WithHealth("/healthz", nil))
	socket := start(t, "unix:"+socketPath(t), someRegistry(), WithoutSelfMetrics())
	url := server.URL() + "/metrics"
	certified := []string{"--cacert", ca, "--cert", cert, "--key", key}
	for name, test := range map[string]struct {
		want string // "" for a failure
		args []string
	}{
		"password":             {someText, append(certified, url, "-u", "prometheus:s3cret")},
		"password, HTTP/1.1":   {someText, append(certified, url, "-u", "prometheus:s3cret", "--http1.1")},
		"password, HTTP/2":     {"HTTP/2 200", append(certified, url, "-u", "prometheus:s3cret", "--http2", "-I")},
		"password, TLS 1.2":    {someText, append(certified, url, "-u", "prometheus:s3cret", "--tls-max", "1.2")},
		"token":                {someText, append(certified, url, "-H", "Authorization: Bearer t0ken")},
		"wrong password":       {"", append(certified, url, "-u", "prometheus:secret")},
		"no password":          {"", append(certified, url)},
		"health":               {"ok\n", append(certified, server.URL()+"/healthz")},
		"no certificate":       {"", []string{"--cacert", ca, url, "-u", "prometheus:s3cret"}},
		"wrong certificate":    {"", []string{"--cacert", ca, "--cert", wrongCert, "--key", wrongKey, url, "-u", "prometheus:s3cret"}},
		"authority is unknown": {"", []string{"--cert", cert, "--key", key, url, "-u", "prometheus:s3cret"}},
		"TLS 1.1":              {"", append(certified, url, "-u", "prometheus:s3cret", "--tlsv1.1", "--tls-max", "1.1")},
		"plain HTTP":           {"", append(certified, strings.Replace(url, "https", "http", 1), "-u", "prometheus:s3cret")},
		"Unix socket":          {someText, []string{"--unix-socket", socket.Addr().String(), socket.URL() + "/metrics"}},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := curl("", append([]string{"-sSf", "--noproxy", "*"}, test.args...)...)
			if (err == nil) != (test.want != "") || !strings.Contains(out, test.want) || test.want == "" && strings.Contains(out, "jobs_total") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func TestOpenSSL(t *testing.T) {
	openssl := tool(t, "openssl")
	a := newAuthority(t)
	ca := tempFile(t, a.pem)
	cert, key := a.issue(t).files(t)
	expiredCert, expiredKey := a.issue(t, expired).files(t)
	certified := []string{"-cert", cert, "-key", key}
	for name, test := range map[string]struct {
		want string // "" for a failure
		args []string
	}{
		"TLS 1.3":             {"TLSv1.3", append(certified, "-tls1_3")},
		"TLS 1.2":             {"TLSv1.2", append(certified, "-tls1_2")},
		"TLS 1.1":             {"", append(certified, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")},
		"no certificate":      {"", []string{"-tls1_2"}},
		"expired certificate": {"", []string{"-tls1_2", "-cert", expiredCert, "-key", expiredKey}},
		"ALPN of HTTP/2":      {"ALPN protocol: h2", append(certified, "-alpn", "h2,http/1.1")},
		"ALPN of HTTP/1.1":    {"ALPN protocol: http/1.1", append(certified, "-alpn", "http/1.1")},
		"acceptable authority": {"Acceptable client certificate CA names\nCN = authority",
			append(certified, "-tls1_2", "-nameopt", "oneline")},
	} {
		t.Run(name, func(t *testing.T) {
			s := startTLS(t, a, WithClientAuth(tls.RequireAndVerifyClientCert), WithClientCAFiles(ca))
			args := append([]string{"s_client", "-connect", s.Addr().String(), "-CAfile", ca, "-verify_return_error", "-ign_eof"}, test.args...)
			request := "GET /metrics HTTP/1.0\r\n\r\n"
			http2 := strings.HasSuffix(test.want, "h2")
			if http2 {
				request = ""
				args = append(args, "-no_ign_eof")
			}
			out, _ := openssl(request, args...)
			served := strings.Contains(out, someText)
			if !strings.Contains(out, test.want) || served != (test.want != "" && !http2) {
				t.Error(out)
			}
		})
	}
}

// A hundred clients have sent the first byte of a handshake, and stay.
func TestOpenSSLBesideUnfinishedHandshakes(t *testing.T) {
	openssl := tool(t, "openssl")
	a := newAuthority(t)
	s := startTLS(t, a, impatient(limits{header: time.Minute, piece: time.Minute}))
	for range 100 {
		conn, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.Write([]byte{0x16})
	}
	out, _ := openssl("GET /metrics HTTP/1.0\r\n\r\n", "s_client", "-connect", s.Addr().String(), "-CAfile", tempFile(t, a.pem), "-ign_eof", "-quiet")
	if !strings.Contains(out, someText) {
		t.Error(out)
	}
}
