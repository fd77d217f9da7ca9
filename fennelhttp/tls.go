package fennelhttp

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
)

// tlsOptions is what options say about TLS.
type tlsOptions struct {
	files    *[2]string
	base     *tls.Config
	min, max uint16
	versions bool
	clients  clientOptions
}

// secure makes a server one of HTTPS. All that this needs hangs on two functions
// that nobody but options of TLS mentions, so that only programs that use them
// link it.
func (c *config) secure() {
	c.tlsConfig = makeTLSConfig
	c.serve = func(s *http.Server, l net.Listener) error { return s.ServeTLS(l, "", "") }
}

// WithTLSFiles serves HTTPS alone, HTTP/2 included, with the certificate and the
// private key in these PEM files. The first certificate in its file is the
// server's; those of the authorities in between follow it.
//
// The files may change while the server runs: at handshakes, but at most once a
// second, it has a look at them. Connections that are open stay so. Files that
// can't be used, because they are half written or don't fit together, are logged
// as an error, and what they held before stays in use.
//
// It is an error of [Start] if one of the paths is empty, and if the files can't
// be used from the outset.
func WithTLSFiles(certFile, keyFile string) ServerOption {
	return option(func(c *config) {
		c.secure()
		c.tls.files = &[2]string{certFile, keyFile}
		if certFile == "" || keyFile == "" {
			c.fail(fmt.Errorf("WithTLSFiles(%q, %q): HTTPS needs both files, the certificate's and the key's", certFile, keyFile))
		}
	})
}

// WithTLSConfig serves HTTPS alone, as the configuration says: with certificates
// of another source, for example. It is cloned. Options beside it may add what it
// leaves out: [WithTLSVersions], and [WithClientAuth] with its authorities.
//
// HTTP/2 is served as well, unless NextProtos has protocols and "h2" is none of
// them.
//
// It is an error of [Start] if the configuration is nil, has no certificate nor
// a function for it, can never work, or says the same as another option.
func WithTLSConfig(base *tls.Config) ServerOption {
	return option(func(c *config) {
		c.secure()
		c.tls.base = base
		if base == nil {
			c.fail(errors.New("WithTLSConfig: the configuration is nil"))
		}
	})
}

// WithTLSVersions sets the lowest and the highest version of TLS, such as
// [tls.VersionTLS13]. For 0, the lowest is TLS 1.2 and the highest the highest
// that there is. Where the lowest is below TLS 1.2, HTTP/2, which allows none of
// these, is not served. It needs [WithTLSFiles] or [WithTLSConfig].
func WithTLSVersions(min, max uint16) ServerOption {
	return option(func(c *config) {
		c.secure()
		c.tls.versions, c.tls.min, c.tls.max = true, min, max
		for _, version := range []uint16{min, max} {
			if version != 0 && (version < tls.VersionTLS10 || version > tls.VersionTLS13) {
				c.fail(fmt.Errorf("WithTLSVersions: there is no version 0x%04x; use the constants of crypto/tls", version))
			}
		}
	})
}

// makeTLSConfig returns the configuration that options ask for.
func makeTLSConfig(c *config) (*tls.Config, error) {
	o := &c.tls
	if err := o.check(); err != nil {
		return nil, err
	}
	t := &tls.Config{MinVersion: o.min, MaxVersion: o.max}
	if o.base != nil {
		t = o.base.Clone()
	}
	if o.versions {
		t.MinVersion, t.MaxVersion = o.min, o.max
	}
	if o.files != nil {
		pair, err := watch(c, "certificate", fixed(o.files[:]...), parsePair)
		if err != nil {
			return nil, fmt.Errorf("WithTLSFiles: %w", err)
		}
		t.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair.get(), nil }
	}
	// net/http adds these, but not to the configurations of GetConfigForClient.
	if len(t.NextProtos) == 0 {
		t.NextProtos = []string{"h2", "http/1.1"}
		if lowestVersion(t) < tls.VersionTLS12 {
			t.NextProtos = t.NextProtos[1:] // HTTP/2 allows no older one
		}
	}
	if err := o.clients.apply(c, t); err != nil {
		return nil, err
	}
	return t, checkTLS(t)
}

// check reports options that don't go together.
func (o *tlsOptions) check() error {
	base := o.base
	switch {
	case o.files != nil && base != nil:
		return errors.New("WithTLSFiles and WithTLSConfig: only one of them can have the certificate")
	case o.files == nil && base == nil:
		return errors.New("options of TLS without a certificate: plain HTTP is not served in their place; use WithTLSFiles or WithTLSConfig")
	case base == nil:
	case base.GetConfigForClient != nil && (o.versions || o.clients.asked()):
		return errors.New("WithTLSConfig has a GetConfigForClient, which would pass over other options of TLS: say there what they say")
	case o.versions && (base.MinVersion != 0 || base.MaxVersion != 0):
		return errors.New("WithTLSConfig and WithTLSVersions: both set versions")
	case o.clients.asked() && (base.ClientAuth != tls.NoClientCert || base.ClientCAs != nil):
		return errors.New("WithTLSConfig and another option: both say which certificates clients need")
	}
	return o.clients.check()
}

// checkTLS reports what a configuration can't do. Where it chooses another one
// for each client, that is its own affair, but for what net/http wants of this one.
func checkTLS(t *tls.Config) error {
	lowest, bare := lowestVersion(t), len(t.Certificates) == 0 && t.GetCertificate == nil
	switch verifies := t.ClientAuth >= tls.VerifyClientCertIfGiven; {
	case lowest < tls.VersionTLS13 && !suitsHTTP2(t):
		return errors.New("WithTLSConfig: HTTP/2 needs the cipher suite TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 or " +
			`TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: add it to CipherSuites, or set NextProtos to "http/1.1"`)
	case bare && t.GetConfigForClient != nil:
		return nil
	case bare:
		return errors.New("WithTLSConfig: the configuration has no certificate")
	case t.MaxVersion != 0 && t.MaxVersion < lowest:
		return fmt.Errorf("the highest version of TLS, %s, is below the lowest, %s",
			tls.VersionName(t.MaxVersion), tls.VersionName(lowest))
	case verifies && t.ClientCAs == nil:
		return errors.New("WithTLSConfig: ClientAuth without ClientCAs would trust whom any authority of the system trusts; " +
			"use x509.SystemCertPool if that is meant")
	case t.ClientAuth == tls.NoClientCert && t.ClientCAs != nil:
		return errors.New("WithTLSConfig: ClientCAs without ClientAuth would ask no client for a certificate")
	}
	return nil
}

// lowestVersion is the lowest version of TLS that is taken.
func lowestVersion(t *tls.Config) uint16 {
	if t.MinVersion == 0 {
		return tls.VersionTLS12 // the default of crypto/tls
	}
	return t.MinVersion
}

// suitsHTTP2 reports whether net/http will take the cipher suites.
func suitsHTTP2(t *tls.Config) bool {
	return t.CipherSuites == nil || !slices.Contains(t.NextProtos, "h2") ||
		slices.Contains(t.CipherSuites, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256) ||
		slices.Contains(t.CipherSuites, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)
}

// parsePair makes a certificate of its file and the key's.
func parsePair(files []file) (*tls.Certificate, error) {
	if _, err := parseCertificates(files[0].text); err != nil { // those behind the first, too
		return nil, fmt.Errorf("certificate %s: %w", files[0].path, err)
	}
	pair, err := tls.X509KeyPair(files[0].text, files[1].text)
	if err != nil {
		return nil, fmt.Errorf("certificate %s with key %s: %w", files[0].path, files[1].path, withoutPrefix(err))
	}
	return &pair, nil
}

// withoutPrefix takes the package's name from an error of crypto/tls, which is in
// the middle of ours.
func withoutPrefix(err error) error {
	if text, ok := strings.CutPrefix(err.Error(), "tls: "); ok {
		return errors.New(text)
	}
	return err
}
