package webconfig

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v2"
)

// Check returns what is wrong with a web configuration file, and with the files
// that it names; the empty path is none, and right. [Server.Serve] calls it before
// it listens; a program may also have a flag for nothing else.
//
// Beyond what the toolkit's own validation finds, these are errors, as nobody can
// mean them:
//
//   - settings for TLS without a certificate: plain HTTP would be served;
//   - authorities for clients, or allowed names, without a policy that verifies
//     their certificates: nobody would be turned away who makes one himself;
//   - a file of certification authorities without any in it: everybody would be;
//   - a minimum version of TLS above the maximum;
//   - cipher suites without one that HTTP/2 needs, unless it is switched off;
//   - a rate limit without a burst: it would let nothing through.
func Check(path string) error {
	if path == "" {
		return nil
	}
	if err := check(path); err != nil {
		return fmt.Errorf("webconfig: file %q: %w", path, err)
	}
	return nil
}

func check(path string) error {
	if err := web.Validate(path); err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	c := web.Config{ // the toolkit's defaults
		TLSConfig:  web.TLSConfig{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS13},
		HTTPConfig: web.HTTPConfig{HTTP2: true},
	}
	var sections struct {
		TLS map[string]any `yaml:"tls_server_config"`
	}
	if err := errors.Join(yaml.Unmarshal(text, &c), yaml.Unmarshal(text, &sections)); err != nil {
		return err
	}
	c.TLSConfig.SetDirectory(filepath.Dir(path))
	if r := c.RateLimiterConfig; r.Interval < 0 || r.Burst < 0 || r.Interval > 0 && r.Burst == 0 {
		return fmt.Errorf("rate_limit: burst is %d, with an interval of %v: it would let nothing through", r.Burst, r.Interval)
	}
	if len(sections.TLS) > 0 && !c.TLSConfig.IsEnabled() {
		return errors.New("tls_server_config has no cert_file and key_file: plain HTTP would be served")
	}
	if c.HTTPConfig.HTTP2 && !suitsHTTP2(&c.TLSConfig) {
		return errors.New("tls_server_config: cipher_suites has none that HTTP/2 needs: add TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 or " +
			"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, or switch http2 off in http_server_config")
	}
	return checkTLS(&c.TLSConfig)
}

// suitsHTTP2 reports whether net/http will take the cipher suites.
func suitsHTTP2(c *web.TLSConfig) bool {
	return len(c.CipherSuites) == 0 || c.MinVersion >= tls.VersionTLS13 ||
		slices.Contains(c.CipherSuites, web.Cipher(tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)) ||
		slices.Contains(c.CipherSuites, web.Cipher(tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256))
}

func checkTLS(c *web.TLSConfig) error {
	verifies := c.ClientAuth == "RequireAndVerifyClientCert" || c.ClientAuth == "VerifyClientCertIfGiven"
	switch {
	case c.MinVersion > c.MaxVersion && c.MaxVersion != 0:
		return errors.New("tls_server_config: min_version is above max_version")
	case len(c.ClientAllowedSans) > 0 && !verifies:
		return fmt.Errorf("tls_server_config: client_allowed_sans is of no effect with client_auth_type %q, which verifies nothing", c.ClientAuth)
	case (c.ClientCAs != "" || c.ClientCAsText != "") && !verifies:
		return fmt.Errorf("tls_server_config: authorities for clients are of no effect with client_auth_type %q, which verifies nothing", c.ClientAuth)
	case c.ClientCAs != "":
		text, err := os.ReadFile(c.ClientCAs)
		if err != nil {
			return err
		}
		return checkAuthorities("client_ca_file", text)
	case c.ClientCAsText != "":
		return checkAuthorities("client_ca", []byte(c.ClientCAsText))
	}
	return nil
}

// checkAuthorities returns an error if there is no certificate in a text: the
// toolkit would trust nobody then.
func checkAuthorities(setting string, text []byte) error {
	if !x509.NewCertPool().AppendCertsFromPEM(text) {
		return fmt.Errorf("tls_server_config: %s has no certificate", setting)
	}
	return nil
}
