package webconfig

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
	"go.uber.org/goleak"
	"golang.org/x/crypto/bcrypt"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/fennelhttp"
)

func TestMain(m *testing.M) { // net/http waits half a second before it closes a connection that it refused
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

// files is a directory with certificates.
type files struct {
	dir     string
	trusted *x509.CertPool
	client  tls.Certificate // signed by the authority
	other   tls.Certificate // signed by nobody
}

// newFiles writes server.crt, server.key, ca.crt, which has signed it and a
// client's, and nothing.crt.
func newFiles(t *testing.T) *files {
	t.Helper()
	f := &files{dir: t.TempDir(), trusted: x509.NewCertPool()}
	ca, caKey := issue(t, "authority", nil, nil)
	f.trusted.AddCert(ca)
	f.write(t, "ca.crt", certificatePEM(ca))
	f.write(t, "nothing.crt", "nothing")
	f.writeServer(t, ca, caKey)
	cert, key := issue(t, "client", ca, caKey)
	f.client = tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
	stranger, strangerKey := issue(t, "stranger", nil, nil)
	f.other = tls.Certificate{Certificate: [][]byte{stranger.Raw}, PrivateKey: strangerKey}
	return f
}

func (f *files) writeServer(t *testing.T, ca *x509.Certificate, caKey *ecdsa.PrivateKey) {
	t.Helper()
	cert, key := issue(t, "server", ca, caKey)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	f.write(t, "server.crt", certificatePEM(cert))
	f.write(t, "server.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
}

// write writes a file and returns its path.
func (f *files) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(f.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func certificatePEM(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

// issue returns a certificate for 127.0.0.1 with a name, signed by an authority
// or, without one, by itself.
func issue(t *testing.T, name string, ca *x509.Certificate, caKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		DNSNames:     []string{name},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		NotAfter:     time.Now().Add(time.Hour),
	}
	if ca == nil {
		ca, caKey = template, key
		template.IsCA, template.BasicConstraintsValid = true, true
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca, &key.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// hash returns what a file has for a password.
func hash(t *testing.T, password string) string {
	t.Helper()
	text, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// flagsFor returns flags as they are after parsing.
func flagsFor(file string, addresses ...string) *web.FlagConfig {
	if addresses == nil {
		addresses = []string{"127.0.0.1:0"}
	}
	return &web.FlagConfig{WebListenAddresses: &addresses, WebConfigFile: &file}
}

// jobs returns a registry with a metric.
func jobs() *fennel.Registry {
	reg := fennel.NewRegistry()
	fennel.NewCounter("jobs_total", "Jobs done.", fennel.In(reg)).Add(2)
	return reg
}

const jobsText = "# HELP jobs_total Jobs done.\n# TYPE jobs_total counter\njobs_total 2\n"

// running is a server that serves.
type running struct {
	addrs []net.Addr
	stop  func() error // ends it, and returns what Serve does
}

// start serves jobs, and more if s has it, until the test ends.
func start(t *testing.T, s *Server, flags *web.FlagConfig) *running {
	t.Helper()
	if s.Gatherer == nil {
		s.Gatherer = jobs()
	}
	s.Options = append(s.Options, fennelhttp.WithoutSelfMetrics())
	listening, ended := make(chan []net.Addr, 1), make(chan error, 1)
	s.OnListen = func(addrs []net.Addr) { listening <- addrs }
	ctx, cancel := context.WithCancel(context.Background())
	go func() { ended <- s.Serve(ctx, flags) }()
	r := &running{stop: func() error {
		cancel()
		err := <-ended
		ended <- err
		return err
	}}
	t.Cleanup(func() { r.stop() })
	select {
	case r.addrs = <-listening:
	case err := <-ended:
		ended <- err
		t.Fatal(err)
	}
	return r
}

func (r *running) addr() string { return r.addrs[0].String() }

// clientWith returns a client with settings for TLS, which may be nil. It keeps no
// connections.
func clientWith(c *tls.Config) *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: c, DisableKeepAlives: true, ForceAttemptHTTP2: true}}
}

// trusting returns a client's settings.
func (f *files) trusting(certs ...tls.Certificate) *tls.Config {
	return &tls.Config{RootCAs: f.trusted, Certificates: certs}
}

// fetch returns an answer as text: its status, or why there is none, and its
// body.
func fetch(t *testing.T, c *http.Client, url string, auth ...string) (resp *http.Response, body string, err error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(auth) == 2 {
		r.SetBasicAuth(auth[0], auth[1])
	}
	if resp, err = c.Do(r); err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp, string(text), err
}

// want fails the test unless the metrics are served.
func want(t *testing.T, c *http.Client, url string, auth ...string) *http.Response {
	t.Helper()
	resp, body, err := fetch(t, c, url, auth...)
	if err != nil || resp.StatusCode != 200 || body != jobsText {
		t.Fatal(describe(resp, body, err))
	}
	return resp
}

func describe(resp *http.Response, body string, err error) string {
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("status %d, header %v, body %q", resp.StatusCode, resp.Header, body)
}
