package push

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority issues certificates.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	a.cert, a.key, _, _ = a.issue(t, "ca", func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid = true, true
		c.KeyUsage = x509.KeyUsageCertSign
	})
	return a
}

func (a *authority) ca() string { return filepath.Join(a.dir, "ca.pem") }

// issue makes a certificate for 127.0.0.1, as change has it, and writes it to
// files.
func (a *authority) issue(t *testing.T, name string, change func(*x509.Certificate)) (c *x509.Certificate, k *ecdsa.PrivateKey, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	if change != nil {
		change(template)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(a.dir, name+".pem"), filepath.Join(a.dir, name+".key")
	writePEM(t, certFile, "CERTIFICATE", der)
	writePEM(t, keyFile, "PRIVATE KEY", keyDER)
	return cert, key, certFile, keyFile
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// startTLS starts a gateway with a certificate. If clients is set, it demands one
// of them, too.
func startTLS(t *testing.T, certFile, keyFile string, clients *authority) *gateway {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	g := new(gateway)
	g.Server = httptest.NewUnstartedServer(g.answering(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	g.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	if clients != nil {
		g.TLS.ClientAuth = tls.RequireAndVerifyClientCert
		g.TLS.ClientCAs = x509.NewCertPool()
		g.TLS.ClientCAs.AddCert(clients.cert)
	}
	g.Config.ErrorLog = log.New(io.Discard, "", 0)
	g.StartTLS()
	t.Cleanup(g.Close)
	return g
}

func TestTLS(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	_, _, cert, key := ca.issue(t, "server", nil)
	_, _, clientCert, clientKey := ca.issue(t, "client", func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	})
	_, _, strangerCert, strangerKey := other.issue(t, "client", nil)
	plain := startTLS(t, cert, key, nil)
	mutual := startTLS(t, cert, key, ca)
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)

	tests := map[string]struct {
		srv  *gateway
		opts []Option
		want string // an error
	}{
		"CA file":                      {plain, []Option{TLSFiles("", "", ca.ca())}, ""},
		"own config":                   {plain, []Option{TLSConfig(&tls.Config{RootCAs: pool})}, ""},
		"files on top of a config":     {mutual, []Option{TLSFiles(clientCert, clientKey, ""), TLSConfig(&tls.Config{RootCAs: pool})}, ""},
		"no verification":              {plain, []Option{TLSConfig(&tls.Config{InsecureSkipVerify: true})}, ""},
		"system's authorities":         {plain, nil, "unknown authority"},
		"other CA":                     {plain, []Option{TLSFiles("", "", other.ca())}, "unknown authority"},
		"client certificate":           {mutual, []Option{TLSFiles(clientCert, clientKey, ca.ca())}, ""},
		"client certificate missing":   {mutual, []Option{TLSFiles("", "", ca.ca())}, "certificate required"},
		"client certificate of others": {mutual, []Option{TLSFiles(strangerCert, strangerKey, ca.ca())}, "tls"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := must(t, tt.srv.URL, "j", tt.opts...).Push(t.Context(), someRegistry())
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if asError(t, err).StatusCode != 0 {
				t.Errorf("error %v", err)
			}
			// What a server says of a client's certificate may be lost with
			// the connection.
			if tt.srv == plain || !strings.Contains(err.Error(), "reset by peer") && !strings.Contains(err.Error(), "broken pipe") {
				wantText(t, err, tt.want)
			}
		})
	}
}

func TestTLSRefused(t *testing.T) {
	ca := newAuthority(t)
	_, _, expiredCert, expiredKey := ca.issue(t, "expired", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	_, _, otherCert, otherKey := ca.issue(t, "other", func(c *x509.Certificate) {
		c.IPAddresses, c.DNSNames = nil, []string{"pushgateway.example"}
	})
	for want, srv := range map[string]*gateway{
		"expired":      startTLS(t, expiredCert, expiredKey, nil),
		"for 127.0.0.": startTLS(t, otherCert, otherKey, nil),
	} {
		err := must(t, srv.URL, "j", TLSFiles("", "", ca.ca()), Retry(1)).Push(t.Context(), someRegistry())
		wantText(t, err, want)
		if n := asError(t, err).Attempts; n != 1 {
			t.Errorf("%d attempts for %v", n, err)
		}
		var verification *tls.CertificateVerificationError
		if !errors.As(err, &verification) {
			t.Errorf("error %v is no tls.CertificateVerificationError", err)
		}
	}

	// The wrong scheme, on either side.
	plain := startGateway(t, nil)
	err := must(t, strings.Replace(plain.URL, "http:", "https:", 1), "j", TLSFiles("", "", ca.ca())).Push(t.Context(), someRegistry())
	wantText(t, err, "HTTP response to HTTPS client")
	_, _, cert, key := ca.issue(t, "server", nil)
	secure := startTLS(t, cert, key, nil)
	err = must(t, strings.Replace(secure.URL, "https:", "http:", 1), "j").Push(t.Context(), someRegistry())
	wantText(t, err, "400 Bad Request", "HTTPS server")
}

// Certificates are renewed while programs run.
func TestClientCertificateChanges(t *testing.T) {
	ca := newAuthority(t)
	_, _, cert, key := ca.issue(t, "server", nil)
	_, _, clientCert, clientKey := ca.issue(t, "first", nil)
	_, _, nextCert, nextKey := ca.issue(t, "second", nil)
	var peers []string
	srv := startTLS(t, cert, key, ca)
	handler := srv.Config.Handler
	srv.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peers = append(peers, r.TLS.PeerCertificates[0].Subject.CommonName)
		handler.ServeHTTP(w, r)
	})
	g := must(t, srv.URL, "j", TLSFiles(clientCert, clientKey, ca.ca()))
	if err := g.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Rename(nextCert, clientCert), os.Rename(nextKey, clientKey)); err != nil {
		t.Fatal(err)
	}
	if err := g.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if strings.Join(peers, " ") != "first second" {
		t.Errorf("the gateway has seen %v", peers)
	}
	os.Remove(clientKey)
	wantText(t, g.Delete(t.Context()), clientKey)
}

// The configuration that a caller gives is not changed.
func TestTLSConfigIsCopied(t *testing.T) {
	ca := newAuthority(t)
	_, _, cert, key := ca.issue(t, "client", nil)
	config := new(tls.Config)
	must(t, "https://pg", "j", TLSConfig(config), TLSFiles(cert, key, ca.ca()))
	if config.RootCAs != nil || config.GetClientCertificate != nil {
		t.Error("the configuration was changed")
	}
}
