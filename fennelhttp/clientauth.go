package fennelhttp

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// clientOptions is what options say about the certificates of clients.
type clientOptions struct {
	policy   tls.ClientAuthType
	policied bool
	pool     *x509.CertPool
	paths    []string // of files and directories with authorities
	trusting bool     // there is one of these two options, though it may be empty
}

// WithClientAuth asks clients for certificates, and trusts those that descend
// from the authorities of [WithClientCAs] and [WithClientCAFiles], one of which
// has to be given. The policy is [tls.RequireAndVerifyClientCert], which lets
// nobody in without one, or [tls.VerifyClientCertIfGiven], which refuses only
// those whose certificate is bad: for the time in which not all scrapers have
// one, or where they show other credentials, as [WithBasicAuth] wants them.
// It is an error to use other policies: they check nothing.
//
// A certificate's names don't matter: whom an authority has made a certificate
// for clients for, that is not expired, is let in. So use an authority that makes
// no others.
func WithClientAuth(policy tls.ClientAuthType) ServerOption {
	return option(func(c *config) {
		c.secure()
		c.tls.clients.policied, c.tls.clients.policy = true, policy
		if policy != tls.RequireAndVerifyClientCert && policy != tls.VerifyClientCertIfGiven {
			c.fail(fmt.Errorf("WithClientAuth(%v) checks nothing: use tls.RequireAndVerifyClientCert or tls.VerifyClientCertIfGiven", policy))
		}
	})
}

// WithClientCAs sets authorities for [WithClientAuth]. The pool is cloned.
// Authorities of [WithClientCAFiles] are trusted as well.
func WithClientCAs(pool *x509.CertPool) ServerOption {
	return option(func(c *config) {
		c.secure()
		c.tls.clients.trusting = true
		if pool == nil {
			c.fail(errors.New("WithClientCAs: the pool is nil"))
			return
		}
		if pool.Equal(x509.NewCertPool()) {
			c.fail(errors.New("WithClientCAs: the pool is empty"))
		}
		c.tls.clients.pool = pool.Clone()
	})
}

// WithClientCAFiles reads authorities for [WithClientAuth]. Each path is that of a
// PEM file or of a directory; all of a directory's files are read, but for those
// in further directories and those whose name begins with a dot. It may be given
// several times.
//
// As with [WithTLSFiles], changes count from the next handshake on, and the
// old authorities stay if the new ones can't be read. A client whose authority
// has gone is refused at its next handshake, even if it resumes a session.
//
// It is an error of [Start] if a file can't be read or has no certificate, and if
// a directory has none.
func WithClientCAFiles(paths ...string) ServerOption {
	return option(func(c *config) {
		c.secure()
		c.tls.clients.trusting = true
		c.tls.clients.paths = append(c.tls.clients.paths, paths...)
		if len(paths) == 0 || slices.Contains(paths, "") {
			c.fail(fmt.Errorf("WithClientCAFiles%q: a path is missing", paths))
		}
	})
}

func (o *clientOptions) asked() bool { return o.policied || o.trusting }

// check reports options that don't go together.
func (o *clientOptions) check() error {
	switch {
	case o.trusting && !o.policied:
		return errors.New("authorities for clients without WithClientAuth: no client would be asked for a certificate")
	case o.policied && !o.trusting:
		return errors.New("WithClientAuth without authorities: use WithClientCAFiles or WithClientCAs")
	}
	return nil
}

// apply writes the options into the configuration, which then is complete.
func (o *clientOptions) apply(c *config, t *tls.Config) error {
	if !o.asked() {
		return nil
	}
	t.ClientAuth, t.ClientCAs = o.policy, o.pool
	if len(o.paths) == 0 {
		return nil
	}
	configs, err := watch(c, "client_cas", o.list, func(files []file) (*tls.Config, error) {
		pool, err := o.trust(files)
		if err != nil {
			return nil, err
		}
		forClient := t.Clone()
		forClient.GetConfigForClient = nil // it is what that returns
		forClient.ClientCAs = pool
		return forClient, nil
	})
	if err != nil {
		return fmt.Errorf("WithClientCAFiles: %w", err)
	}
	t.ClientCAs = configs.get().ClientCAs
	t.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return configs.get(), nil }
	return nil
}

// list returns the paths of all files, those of directories included.
func (o *clientOptions) list() (files []string, err error) {
	for _, path := range o.paths {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return nil, err
		case info.IsDir():
			in, err := filesIn(path)
			if err != nil {
				return nil, err
			}
			files = append(files, in...)
		default:
			files = append(files, path)
		}
	}
	return files, nil
}

// filesIn returns the paths of a directory's files. Where Kubernetes mounts a
// secret they are links, beside hidden directories.
func filesIn(dir string) (files []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		path := filepath.Join(dir, e.Name())
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if info.Mode().IsRegular() {
			files = append(files, path)
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no authority for clients in %s: the directory has no file", dir)
	}
	return files, nil
}

// trust returns a pool with the authorities in the files.
func (o *clientOptions) trust(files []file) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if o.pool != nil {
		pool = o.pool.Clone()
	}
	found := make(map[string]bool) // paths of options
	for _, f := range files {
		certificates, err := parseCertificates(f.text)
		if err != nil {
			return nil, fmt.Errorf("authorities for clients in %s: %w", f.path, err)
		}
		for _, certificate := range certificates {
			pool.AddCert(certificate)
			found[f.path], found[filepath.Dir(f.path)] = true, true
		}
	}
	for _, path := range o.paths {
		if !found[path] && !found[filepath.Clean(path)] {
			return nil, fmt.Errorf("no authority for clients in %s: there is no certificate in PEM", path)
		}
	}
	return pool, nil
}

// parseCertificates returns the certificates in a PEM file. Other than
// [x509.CertPool.AppendCertsFromPEM], it does not pass over what is malformed,
// as the end of a file is that is just being written.
func parseCertificates(text []byte) (certificates []*x509.Certificate, err error) {
	blocks := bytes.Count(text, []byte("-----BEGIN "))
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		blocks--
		text = rest
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		certificates = append(certificates, certificate)
	}
	if blocks != 0 {
		return nil, errors.New("a part of the file is not PEM")
	}
	return certificates, nil
}
