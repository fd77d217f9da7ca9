package integration

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel/push"
)

// pushgatewayUser is in the web configuration, with a password as bcrypt has it.
const (
	pushgatewayUser     = "us er"
	pushgatewayPassword = "open sesame"
	pushgatewayHash     = "$2a$04$UhWVqDgrZoFO8iBxwxP/geoO.XJzpoA9Nv0Gf4VImQTCnoqca1dUa"
)

// pushgatewayPair makes a certificate for 127.0.0.1 in dir, signed by itself or by the one
// whose name is given, and returns its files.
func pushgatewayPair(t *testing.T, dir, name, signer string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:        signer == "", BasicConstraintsValid: true,
	}
	parent, parentKey := cert, any(key)
	if signer != "" {
		pair, err := tls.LoadX509KeyPair(filepath.Join(dir, signer+".pem"), filepath.Join(dir, signer+".key"))
		if err != nil {
			t.Fatal(err)
		}
		parent, parentKey = pair.Leaf, pair.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, key.Public(), parentKey)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")
	err = errors.Join(
		os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return certFile, keyFile
}

// startSecurePushgateway starts a Pushgateway with TLS, basic auth and client
// certificates, and returns the directory of the certificates, too.
func startSecurePushgateway(t *testing.T) (*pushgateway, string) {
	t.Helper()
	dir := t.TempDir()
	ca, _ := pushgatewayPair(t, dir, "ca", "")
	cert, key := pushgatewayPair(t, dir, "server", "ca")
	clientCert, clientKey := pushgatewayPair(t, dir, "client", "ca")
	config, err := json.Marshal(map[string]any{ // of which YAML is a superset
		"tls_server_config": map[string]any{
			"cert_file": cert, "key_file": key,
			"client_auth_type": "RequireAndVerifyClientCert", "client_ca_file": ca,
		},
		"basic_auth_users": map[string]string{pushgatewayUser: pushgatewayHash},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "web.yml")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	g := &pushgateway{server: startServer(t, pushgatewayProgram, "--web.listen-address=127.0.0.1:0", "--web.config.file="+file)}
	g.URL = "https://" + g.Addr
	g.client = pushgatewayClient(t, ca, clientCert, clientKey)
	g.awaitReady(t)
	return g, dir
}

// pushgatewayClient returns a client that is let in.
func pushgatewayClient(t *testing.T, ca, cert, key string) *http.Client {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	transport := &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}},
	}
	return &http.Client{Transport: withPassword{transport}}
}

type withPassword struct{ next http.RoundTripper }

func (p withPassword) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.SetBasicAuth(pushgatewayUser, pushgatewayPassword)
	return p.next.RoundTrip(r)
}

func TestPushgatewaySecure(t *testing.T) {
	gateway, dir := startSecurePushgateway(t)
	file := func(name string) string { return filepath.Join(dir, name) }
	stranger := t.TempDir()
	pushgatewayPair(t, stranger, "stranger", "")
	mutual := push.TLSFiles(file("client.pem"), file("client.key"), file("ca.pem"))
	password := push.BasicAuth(pushgatewayUser, pushgatewayPassword)
	withUser := strings.Replace(gateway.URL, "://", "://us%20er:open%20sesame@", 1)

	for name, tt := range map[string]struct {
		url  string
		opts []push.Option
		want []string // in the error, or nil for none
	}{
		"all":                 {gateway.URL, []push.Option{mutual, password}, nil},
		"user in the URL":     {withUser, []push.Option{mutual}, nil},
		"a client":            {gateway.URL, []push.Option{push.Client(gateway.client)}, nil},
		"no password":         {gateway.URL, []push.Option{mutual}, []string{"401 Unauthorized"}},
		"a wrong password":    {gateway.URL, []push.Option{mutual, push.BasicAuth(pushgatewayUser, "mellon")}, []string{"401 Unauthorized"}},
		"a token":             {gateway.URL, []push.Option{mutual, push.BearerToken("mellon")}, []string{"401 Unauthorized"}},
		"no certificate":      {gateway.URL, []push.Option{push.TLSFiles("", "", file("ca.pem")), password}, []string{"certificate required", "reset", "broken pipe"}},
		"a strange client":    {gateway.URL, []push.Option{push.TLSFiles(stranger+"/stranger.pem", stranger+"/stranger.key", file("ca.pem")), password}, []string{"tls", "reset", "broken pipe"}},
		"a strange authority": {gateway.URL, []push.Option{push.TLSFiles(file("client.pem"), file("client.key"), stranger+"/stranger.pem"), password}, []string{"unknown authority"}},
		"no TLS":              {strings.Replace(gateway.URL, "https", "http", 1), []push.Option{password}, []string{"HTTPS server"}},
	} {
		t.Run(name, func(t *testing.T) {
			group := newGroup(t, tt.url, name, tt.opts...)
			err := group.Push(t.Context(), pushedRegistry(1, "x"))
			if tt.want == nil {
				if err := errors.Join(err, group.Delete(t.Context())); err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !containsAny(err.Error(), tt.want) || strings.Contains(err.Error(), "mellon") || strings.Contains(err.Error(), "sesame") {
				t.Errorf("error %v, want one of %q", err, tt.want)
			}
		})
	}
	gateway.awaitGroups(t, 0)
}

func containsAny(text string, parts []string) bool {
	for _, p := range parts {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}
