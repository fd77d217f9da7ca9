package fennelhttp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A port that is taken shows whether the options are checked before it is bound.
func TestImpossibleOptionsAreErrorsBeforeThePortIsBound(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	a := newAuthority(t)
	certFile, keyFile := a.issue(t).files(t)
	_, otherKey := a.issue(t).files(t)
	half := tempFile(t, a.issue(t).cert[:200])
	missing := filepath.Join(t.TempDir(), "nope")
	caFile := tempFile(t, a.pem)
	pair := a.issue(t).pair(t)
	files, require := WithTLSFiles(certFile, keyFile), WithClientAuth(tls.RequireAndVerifyClientCert)
	config := func(change func(*tls.Config)) ServerOption {
		c := &tls.Config{Certificates: []tls.Certificate{pair}}
		change(c)
		return WithTLSConfig(c)
	}
	whole := config(func(*tls.Config) {})
	for name, test := range map[string]struct {
		want string
		opts []ServerOption
	}{
		"certificate without key":           {"needs both", []ServerOption{WithTLSFiles(certFile, "")}},
		"key without certificate":           {"needs both", []ServerOption{WithTLSFiles("", keyFile)}},
		"empty names of files":              {"needs both", []ServerOption{WithTLSFiles("", "")}},
		"missing certificate":               {"nope", []ServerOption{WithTLSFiles(missing, keyFile)}},
		"missing key":                       {"nope", []ServerOption{WithTLSFiles(certFile, missing)}},
		"another certificate's key":         {"does not match", []ServerOption{WithTLSFiles(certFile, otherKey)}},
		"half a certificate":                {"not PEM", []ServerOption{WithTLSFiles(half, keyFile)}},
		"empty certificate":                 {"empty", []ServerOption{WithTLSFiles(tempFile(t), keyFile)}},
		"key in the certificate's place":    {"certificate", []ServerOption{WithTLSFiles(keyFile, keyFile)}},
		"directory as certificate":          {"directory", []ServerOption{WithTLSFiles(t.TempDir(), keyFile)}},
		"half a certificate behind another": {"not PEM", []ServerOption{WithTLSFiles(tempFile(t, mustRead(t, certFile), a.pem[:100]), keyFile)}},
		"files and configuration":           {"only one", []ServerOption{files, whole}},
		"nil configuration":                 {"nil", []ServerOption{WithTLSConfig(nil)}},
		"configuration of nothing":          {"no certificate", []ServerOption{WithTLSConfig(new(tls.Config))}},
		"lowest above highest":              {"TLS 1.2, is below the lowest, TLS 1.3", []ServerOption{files, WithTLSVersions(tls.VersionTLS13, tls.VersionTLS12)}},
		"highest below the default":         {"below the lowest", []ServerOption{files, WithTLSVersions(0, tls.VersionTLS11)}},
		"no such version":                   {"0x0003", []ServerOption{files, WithTLSVersions(3, 0)}},
		"versions without TLS":              {"plain HTTP is not served", []ServerOption{WithTLSVersions(tls.VersionTLS13, 0)}},
		"versions in both":                  {"both", []ServerOption{config(func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 }), WithTLSVersions(tls.VersionTLS12, 0)}},
		"configuration's versions": {"below", []ServerOption{config(func(c *tls.Config) {
			c.MinVersion, c.MaxVersion = tls.VersionTLS13, tls.VersionTLS12
		})}},
		"client authentication without TLS": {"plain HTTP is not served", []ServerOption{require, WithClientCAFiles(caFile)}},
		"authorities without TLS":           {"plain HTTP is not served", []ServerOption{WithClientCAFiles(caFile)}},
		"authorities without policy":        {"without WithClientAuth", []ServerOption{files, WithClientCAFiles(caFile)}},
		"pool without policy":               {"without WithClientAuth", []ServerOption{files, WithClientCAs(pool(a))}},
		"policy without authorities":        {"without authorities", []ServerOption{files, require}},
		"policy of nothing":                 {"checks nothing", []ServerOption{files, WithClientAuth(tls.NoClientCert), WithClientCAFiles(caFile)}},
		"policy that believes anything":     {"checks nothing", []ServerOption{files, WithClientAuth(tls.RequireAnyClientCert), WithClientCAFiles(caFile)}},
		"nil pool":                          {"nil", []ServerOption{files, require, WithClientCAs(nil)}},
		"empty pool":                        {"empty", []ServerOption{files, require, WithClientCAs(x509.NewCertPool())}},
		"no authority's path":               {"missing", []ServerOption{files, require, WithClientCAFiles()}},
		"empty authority's path":            {"missing", []ServerOption{files, require, WithClientCAFiles("")}},
		"missing authorities":               {"nope", []ServerOption{files, require, WithClientCAFiles(missing)}},
		"empty directory of authorities":    {"no authority", []ServerOption{files, require, WithClientCAFiles(t.TempDir())}},
		"directory without authorities":     {"no authority", []ServerOption{files, require, WithClientCAFiles(tempDir(t, map[string][]byte{"README": []byte("x")}))}},
		"hidden authorities":                {"no authority", []ServerOption{files, require, WithClientCAFiles(tempDir(t, map[string][]byte{".ca.pem": a.pem}))}},
		"one good directory and a bad one":  {"no authority", []ServerOption{files, require, WithClientCAFiles(tempDir(t, map[string][]byte{"ca.pem": a.pem}), t.TempDir())}},
		"authority's file without any":      {"no authority", []ServerOption{files, require, WithClientCAFiles(keyFile)}},
		"half an authority":                 {"not PEM", []ServerOption{files, require, WithClientCAFiles(tempFile(t, a.pem, a.pem[:100]))}},
		"authority that is no certificate":  {"x509", []ServerOption{files, require, WithClientCAFiles(tempFile(t, []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")))}},
		"configuration's policy alone":      {"ClientAuth without ClientCAs", []ServerOption{config(func(c *tls.Config) { c.ClientAuth = tls.RequireAndVerifyClientCert })}},
		"configuration's authorities alone": {"ClientCAs without ClientAuth", []ServerOption{config(func(c *tls.Config) { c.ClientCAs = pool(a) })}},
		"policies in both":                  {"both", []ServerOption{config(func(c *tls.Config) { c.ClientAuth = tls.RequestClientCert }), require, WithClientCAs(pool(a))}},
		"option that would be passed over": {"GetConfigForClient", []ServerOption{config(func(c *tls.Config) {
			c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, nil }
		}), WithTLSVersions(tls.VersionTLS13, 0)}},
		"suites beside GetConfigForClient": {"HTTP/2 needs", []ServerOption{WithTLSConfig(&tls.Config{
			CipherSuites:       []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384},
			GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, nil },
		})}},
		"cipher suites that HTTP/2 can't use": {"HTTP/2 needs", []ServerOption{config(func(c *tls.Config) { c.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384} })}},
		"path of nothing":                     {"WithPath", []ServerOption{WithPath("")}},
		"path without slash":                  {"WithPath", []ServerOption{WithPath("metrics")}},
		"path with a slash at its end":        {"WithPath", []ServerOption{WithPath("/metrics/")}},
		"path with dots":                      {"WithPath", []ServerOption{WithPath("/x/../metrics")}},
		"path that is a pattern":              {"WithPath", []ServerOption{WithPath("/{x...}")}},
		"path with a query":                   {"WithPath", []ServerOption{WithPath("/metrics?x=1")}},
		"path with a space":                   {"WithPath", []ServerOption{WithPath("/a b")}},
		"health at the root":                  {"WithHealth", []ServerOption{WithHealth("/", nil)}},
		"health without slash":                {"WithHealth", []ServerOption{WithHealth("healthz", nil)}},
		"health where the metrics are":        {"WithHealth", []ServerOption{WithHealth("/m", nil), WithPath("/m")}},
		"nil listener":                        {"nil", []ServerOption{WithListener(nil)}},
		"listener and address":                {"replaces the address", []ServerOption{WithListener(taken)}},
		"socket's mode for TCP":               {"unix:", []ServerOption{WithSocketMode(0o600)}},
		"mode that is none":                   {"0777", []ServerOption{WithSocketMode(os.ModeDir | 0o700)}},
		"no users":                            {"no user", []ServerOption{WithBasicAuth(nil)}},
		"user with a colon":                   {"colon", []ServerOption{WithBasicAuth(map[string]string{"a:b": hash("x")})}},
		"user without name":                   {"empty", []ServerOption{WithBasicAuth(map[string]string{"": hash("x")})}},
		"password in the hash's place":        {"not one of bcrypt", []ServerOption{WithBasicAuth(map[string]string{"a": "secret"})}},
		"half a hash":                         {"not one of bcrypt", []ServerOption{WithBasicAuth(map[string]string{"a": hash("x")[:59]})}},
		"hash with a line feed":               {"not one of bcrypt", []ServerOption{WithBasicAuth(map[string]string{"a": hash("x") + "\n"})}},
		"hash of another alphabet":            {"not one of bcrypt", []ServerOption{WithBasicAuth(map[string]string{"a": hash("x")[:59] + "+"})}},
		"hash of another kind":                {"not one of bcrypt", []ServerOption{WithBasicAuth(map[string]string{"a": "$apr1$" + hash("x")[6:]})}},
		"empty token":                         {"empty", []ServerOption{WithBearerToken("")}},
		"good token and a bad one":            {"empty", []ServerOption{WithBearerToken("good"), WithBearerToken("")}},
		"good token and a bad path":           {"WithPath", []ServerOption{WithBearerToken("good"), WithPath("")}},
		"token with a space":                  {"printable", []ServerOption{WithBearerToken("a b")}},
		"missing token":                       {"nope", []ServerOption{WithBearerTokenFile(missing)}},
		"blank token":                         {"empty", []ServerOption{WithBearerTokenFile(tempFile(t, []byte(" \n")))}},
		"tokens by line":                      {"printable", []ServerOption{WithBearerTokenFile(tempFile(t, []byte("a\nb\n")))}},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Start(taken.Addr().String(), someRegistry(), test.opts...)
			if s != nil {
				s.Close()
				t.Fatal("it started")
			}
			if errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "fennelhttp: ") {
				t.Errorf("%v, want an error with %q", err, test.want)
			}
			if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "$2a") {
				t.Errorf("%v shows a secret", err)
			}
		})
	}
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
