package integration

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/fennelhttp"
)

// issuer is a certificate authority.
type issuer struct {
	template *x509.Certificate
	key      *ecdsa.PrivateKey
	File     string // with its certificate
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{template: validNow("issuer"), key: newKey(t)}
	i.template.IsCA, i.template.KeyUsage = true, x509.KeyUsageCertSign
	i.File = filepath.Join(t.TempDir(), "ca.pem")
	i.sign(t, i.template, i.key, i.File)
	return i
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func validNow(name string) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<62))
	return &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             time.Now().Add(-2 * time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		BasicConstraintsValid: true,
	}
}

// sign writes a certificate for the key to the file.
func (i *issuer) sign(t *testing.T, template *x509.Certificate, key *ecdsa.PrivateKey, file string) {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, i.template, key.Public(), i.key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, file, "CERTIFICATE", der)
}

func writePEM(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// issue makes a certificate for servers and clients here, that ends at this time.
func (i *issuer) issue(t *testing.T, end time.Time) (certFile, keyFile string) {
	t.Helper()
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	i.renew(t, certFile, keyFile, end)
	return certFile, keyFile
}

// renew is issue into files that are there already.
func (i *issuer) renew(t *testing.T, certFile, keyFile string, end time.Time) {
	t.Helper()
	template := validNow("localhost")
	template.NotAfter = end
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	key := newKey(t)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	i.sign(t, template, key, certFile)
	writePEM(t, keyFile, "PRIVATE KEY", der)
}

// startGuarded starts a server of one gauge.
func startGuarded(t *testing.T, opts ...fennelhttp.ServerOption) *fennelhttp.Server {
	t.Helper()
	r := fennel.NewRegistry()
	fennel.NewGauge("guarded", "Behind a lock.", fennel.In(r)).Set(7)
	s, err := fennelhttp.Start("127.0.0.1:0", r, append(opts, fennelhttp.WithoutSelfMetrics())...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// secretHash is the bcrypt hash of "s3cret", at cost 10.
const secretHash = "$2a$10$hcjgYBXVlKChrbI9HJ0c0OV6LlBdzZgPdo8n1LvfgK74oswN8hBa."

// secured is a scrape job by HTTPS, with more settings.
func secured(name string, s *fennelhttp.Server, tlsConfig map[string]any, extra map[string]any) target {
	job := map[string]any{"scheme": "https", "tls_config": tlsConfig}
	for key, value := range extra {
		job[key] = value
	}
	return target{Name: name, Addr: s.Addr().String(), Protocol: text004, Extra: job}
}

// What Prometheus is configured to show lets it in, and nothing less.
func TestSecuredTargets(t *testing.T) {
	servers, clients, others := newIssuer(t), newIssuer(t), newIssuer(t)
	soon := time.Now().Add(time.Hour)
	certFile, keyFile := servers.issue(t, soon)
	https := fennelhttp.WithTLSFiles(certFile, keyFile)
	mutual := []fennelhttp.ServerOption{https, fennelhttp.WithClientAuth(tls.RequireAndVerifyClientCert),
		fennelhttp.WithClientCAFiles(filepath.Dir(clients.File))}
	byCertificate := startGuarded(t, mutual...)
	byPassword := startGuarded(t, https, fennelhttp.WithBasicAuth(map[string]string{"prometheus": secretHash}))
	byToken := startGuarded(t, https, fennelhttp.WithBearerToken("t0ken"))
	byAll := startGuarded(t, append(mutual, fennelhttp.WithBasicAuth(map[string]string{"prometheus": secretHash}),
		fennelhttp.WithTLSVersions(tls.VersionTLS13, 0), fennelhttp.WithPath("/guarded"))...)

	trust := map[string]any{"ca_file": servers.File}
	show := func(i *issuer, end time.Time) map[string]any {
		cert, key := i.issue(t, end)
		return map[string]any{"ca_file": servers.File, "cert_file": cert, "key_file": key}
	}
	good := show(clients, soon)
	password := func(p string) map[string]any {
		return map[string]any{"basic_auth": map[string]any{"username": "prometheus", "password": p}}
	}
	token := func(credentials string) map[string]any {
		return map[string]any{"authorization": map[string]any{"credentials": credentials}}
	}
	all := secured("all", byAll, good, password("s3cret"))
	all.Path = "/guarded"
	allowed := []target{
		secured("certificate", byCertificate, good, nil),
		secured("certificate-http1", byCertificate, good, map[string]any{"enable_http2": false}),
		secured("password", byPassword, trust, password("s3cret")),
		secured("token", byToken, trust, token("t0ken")),
		all,
	}
	refused := []struct {
		target target
		want   string // with TLS 1.3, the reason why a certificate is refused may be lost
	}{
		{secured("no-certificate", byCertificate, trust, nil), ""},
		{secured("others-certificate", byCertificate, show(others, soon), nil), ""},
		{secured("expired-certificate", byCertificate, show(clients, time.Now().Add(-time.Hour)), nil), ""},
		{secured("wrong-password", byPassword, trust, password("secret")), "401"},
		{secured("no-password", byPassword, trust, nil), "401"},
		{secured("wrong-token", byToken, trust, token("token")), "401"},
		{target{Name: "plain", Addr: byToken.Addr().String(), Protocol: text004}, "400"},
	}
	targets := allowed
	for _, r := range refused {
		targets = append(targets, r.target)
	}
	p := setup{}.launch(t, targets...)
	for _, r := range refused {
		name := r.target.Name
		if got := p.awaitError(t, name); !strings.Contains(got, r.want) {
			t.Errorf("error of job %s: %q, want %q in it", name, got, r.want)
		}
		if got := p.scraped(t, name); len(got) > 0 {
			t.Errorf("job %s got %v", name, got)
		}
	}
	for _, a := range allowed {
		p.await(t, scrapeTimeout, "scraping "+a.Name, func(context.Context) bool { return len(p.scraped(t, a.Name)) > 0 })
		if d := diff(p.scraped(t, a.Name), map[string]float64{"guarded": 7}); d != "" {
			t.Errorf("%s:\n%s", a.Name, d)
		}
	}
}

// A renewed certificate costs Prometheus no scrape, and a new connection gets it.
func TestCertificateIsRenewed(t *testing.T) {
	servers := newIssuer(t)
	soon := time.Now().Add(time.Hour)
	certFile, keyFile := servers.issue(t, soon)
	s := startGuarded(t, fennelhttp.WithTLSFiles(certFile, keyFile))
	p := startPrometheus(t, secured("renewed", s, map[string]any{"ca_file": servers.File}, nil))
	before := certificateOf(t, s, servers)
	servers.renew(t, certFile, keyFile, soon)
	p.await(t, scrapeTimeout, "seeing the new certificate", func(context.Context) bool { return certificateOf(t, s, servers) != before })
	p.rescrape(t)
	if got := p.query(t, `min_over_time(up{job="renewed"}[1m])`); len(got) != 1 || got[0].Value != 1 {
		t.Errorf("scrapes have failed: %v", got)
	}
}

// certificateOf returns the number of the server's certificate.
func certificateOf(t *testing.T, s *fennelhttp.Server, i *issuer) string {
	t.Helper()
	text, err := os.ReadFile(i.File)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots}}}
	resp, err := client.Get(s.URL() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.TLS.PeerCertificates[0].SerialNumber.String()
}
