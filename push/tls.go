package push

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// tlsSource is what options say about TLS.
type tlsSource struct {
	config        *tls.Config
	cert, key, ca string // files
}

// TLSFiles names files in PEM format: the client's certificate and its key, which
// the gateway may ask for, and the certificates of the authorities that the
// gateway's own is checked against, instead of the system's. Either may be left
// empty: cert and key, or ca.
//
// New reads them all. Certificate and key are read again at each connection, so
// that new ones are used as soon as they are there.
func TLSFiles(cert, key, ca string) Option {
	return option(func(c *config) error {
		switch {
		case cert == "" && key == "" && ca == "":
			return errors.New("push: TLSFiles: no file is given")
		case key == "" && cert != "":
			return errors.New("push: TLSFiles: there is a certificate without a key")
		case cert == "" && key != "":
			return errors.New("push: TLSFiles: there is a key without a certificate")
		}
		c.tls.cert, c.tls.key, c.tls.ca = cert, key, ca
		return nil
	})
}

// TLSConfig sets how to speak TLS. The configuration is copied; [TLSFiles] are
// set on top of it. Its InsecureSkipVerify takes any server for the gateway: who
// stands in between can read and change all, the credentials too.
func TLSConfig(base *tls.Config) Option {
	return option(func(c *config) error {
		if base == nil {
			return errors.New("push: TLSConfig: the configuration is nil")
		}
		c.tls.config = base.Clone()
		return nil
	})
}

func (s *tlsSource) given() bool { return *s != tlsSource{} }

// load reads the files and returns the configuration, or nil for the default.
func (s *tlsSource) load() (*tls.Config, error) {
	if !s.given() {
		return nil, nil
	}
	config := s.config
	if config == nil {
		config = new(tls.Config)
	}
	if s.ca != "" {
		pool, err := readPool(s.ca)
		if err != nil {
			return nil, fmt.Errorf("push: TLSFiles: %w", err)
		}
		config.RootCAs = pool
	}
	if s.cert == "" {
		return config, nil
	}
	read := s.certificate
	if _, err := read(nil); err != nil {
		return nil, fmt.Errorf("push: TLSFiles: %w", err)
	}
	config.GetClientCertificate = read
	return config, nil
}

// certificate reads the client's certificate for one connection.
func (s *tlsSource) certificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(s.cert, s.key)
	if err != nil {
		return nil, fmt.Errorf("client certificate %q with key %q: %w", s.cert, s.key, err)
	}
	return &pair, nil
}

// readPool reads the certificates of authorities.
func readPool(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err // which names the file
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("the file %q has no certificate in PEM format", path)
	}
	return pool, nil
}
