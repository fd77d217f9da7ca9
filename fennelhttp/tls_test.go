package fennelhttp

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/internal/sample"
)

// restless has a look at files whenever it can.
func restless(l limits) limits {
	l.look = 0
	return l
}

// client returns a client that trusts the authority, with as many connections as
// it has requests, and with HTTP/2 if it is offered.
func (a *authority) client(t *testing.T, certificates ...tls.Certificate) *http.Client {
	transport := &http.Transport{
		TLSClientConfig:    &tls.Config{RootCAs: pool(a), Certificates: certificates},
		ForceAttemptHTTP2:  true,
		DisableKeepAlives:  true,
		DisableCompression: true,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// try returns what a GET got: a body with status 200, or an error.
func try(client *http.Client, url string) (body string, err error) {
	resp, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != 200 {
		err = errors.New(resp.Status)
	}
	return string(text), err
}

// startTLS starts a server with a certificate of the authority.
func startTLS(t *testing.T, a *authority, opts ...ServerOption) *Server {
	t.Helper()
	certFile, keyFile := a.issue(t).files(t)
	return start(t, "127.0.0.1:0", someRegistry(), append(opts, WithoutSelfMetrics(), WithTLSFiles(certFile, keyFile))...)
}

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

func TestHTTPSAlone(t *testing.T) {
	a := newAuthority(t)
	s := startTLS(t, a)
	if !strings.HasPrefix(s.URL(), "https://127.0.0.1:") {
		t.Errorf("URL is %s", s.URL())
	}
	if body, err := try(a.client(t), s.URL()+"/metrics"); err != nil || body != someText {
		t.Errorf("%v %q", err, body)
	}
	for _, text := range []string{"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"} {
		conn, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, text)
		answer, _ := io.ReadAll(conn)
		conn.Close()
		if strings.Contains(string(answer), "jobs_total") || strings.Contains(string(answer), " 200 ") {
			t.Errorf("plain text was answered with %q", answer)
		}
	}
}

func TestTLSConfigIsCloned(t *testing.T) {
	a := newAuthority(t)
	c := &tls.Config{Certificates: []tls.Certificate{a.issue(t).pair(t)}}
	s := start(t, "127.0.0.1:0", someRegistry(), WithTLSConfig(c), WithTLSVersions(tls.VersionTLS13, 0),
		WithClientAuth(tls.VerifyClientCertIfGiven), WithClientCAFiles(tempFile(t, a.pem)))
	c.Certificates = nil
	if _, err := try(a.client(t), s.URL()); err != nil {
		t.Error(err)
	}
	if c.NextProtos != nil || c.MinVersion != 0 || c.ClientCAs != nil || c.ClientAuth != 0 || c.GetConfigForClient != nil {
		t.Error("the caller's configuration was changed")
	}
}

func TestTLSVersions(t *testing.T) {
	a := newAuthority(t)
	const v10, v11, v12, v13 = tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12, tls.VersionTLS13
	for _, test := range []struct {
		min, max uint16
		taken    []uint16
	}{
		{0, 0, []uint16{v12, v13}},
		{v12, v12, []uint16{v12}},
		{v13, 0, []uint16{v13}},
		{v10, 0, []uint16{v10, v11, v12, v13}},
		{v10, v11, []uint16{v10, v11}},
		{0, v12, []uint16{v12}},
	} {
		s := startTLS(t, a, WithTLSVersions(test.min, test.max))
		for _, version := range []uint16{v10, v11, v12, v13} {
			client := a.client(t)
			c := client.Transport.(*http.Transport).TLSClientConfig
			c.MinVersion, c.MaxVersion = version, version
			_, err := try(client, s.URL()+"/metrics")
			if want := slices.Contains(test.taken, version); (err == nil) != want {
				t.Errorf("from %s to %s, a client with %s got %v", tls.VersionName(test.min), tls.VersionName(test.max), tls.VersionName(version), err)
			}
		}
	}
}

func TestHTTP2(t *testing.T) {
	a := newAuthority(t)
	certFile, keyFile := a.issue(t).files(t)
	pair := a.issue(t).pair(t)
	with := func(protocols ...string) ServerOption {
		return WithTLSConfig(&tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: protocols})
	}
	for name, test := range map[string]struct {
		want string
		opts []ServerOption
	}{
		"files":         {"HTTP/2.0", []ServerOption{WithTLSFiles(certFile, keyFile)}},
		"authorities":   {"HTTP/2.0", []ServerOption{WithTLSFiles(certFile, keyFile), WithClientAuth(tls.VerifyClientCertIfGiven), WithClientCAFiles(tempFile(t, a.pem))}},
		"configuration": {"HTTP/2.0", []ServerOption{with()}},
		"HTTP/2 alone":  {"HTTP/2.0", []ServerOption{with("h2")}},
		"HTTP/1.1":      {"HTTP/1.1", []ServerOption{with("http/1.1")}},
		"old versions":  {"HTTP/1.1", []ServerOption{WithTLSFiles(certFile, keyFile), WithTLSVersions(tls.VersionTLS11, 0)}},
		"another one":   {"HTTP/1.1", []ServerOption{with("acme-tls/1")}},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, "127.0.0.1:0", someRegistry(), test.opts...)
			resp, err := a.client(t).Get(s.URL() + "/metrics")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if text, err := io.ReadAll(resp.Body); resp.Proto != test.want || err != nil || !strings.Contains(string(text), someText) {
				t.Errorf("%s %v %q", resp.Proto, err, text)
			}
		})
	}
}

// scraper scrapes until it is stopped, by a new connection each time or by one.
type scraper struct {
	client *http.Client
	url    string
	stop   chan struct{}

	mu    sync.Mutex
	last  string // the server's certificate at the last new connection
	conns int
	count int
}

func (s *scraper) run(t *testing.T) {
	trace := &httptrace.ClientTrace{TLSHandshakeDone: func(state tls.ConnectionState, err error) {
		if err == nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.last = state.PeerCertificates[0].SerialNumber.String()
			s.conns++
		}
	}}
	for {
		select {
		case <-s.stop:
			return
		default:
		}
		r, _ := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "GET", s.url, nil)
		resp, err := s.client.Do(r)
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		if err != nil || resp.StatusCode != 200 {
			t.Errorf("a scrape failed: %v", err)
			return
		}
		s.mu.Lock()
		s.count++
		s.mu.Unlock()
	}
}

func (s *scraper) state() (certificate string, conns, count int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last, s.conns, s.count
}

func TestCertificatesAreRotatedWhileScraping(t *testing.T) {
	a := newAuthority(t)
	certFile, keyFile := a.issue(t).files(t)
	var log journal
	s := start(t, "127.0.0.1:0", someRegistry(), impatient(restless(defaultLimits)), WithTLSFiles(certFile, keyFile), WithLogger(log.logger()))
	fresh := &scraper{client: a.client(t), url: s.URL() + "/metrics", stop: make(chan struct{})}
	steady := &scraper{client: a.client(t), url: s.URL() + "/metrics", stop: fresh.stop}
	steady.client.Transport.(*http.Transport).DisableKeepAlives = false
	var running sync.WaitGroup
	for _, scraper := range []*scraper{fresh, steady} {
		running.Go(func() { scraper.run(t) })
	}
	// seen waits until new connections get a certificate, for three more scrapes.
	seen := func(serial string) {
		_, _, before := fresh.state()
		for {
			if got, _, count := fresh.state(); got == serial && count >= before+3 || t.Failed() {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}
	var serial string
	for i := range 10 {
		next := a.issue(t)
		if i == 5 {
			write(t, certFile, next.cert[:len(next.cert)/2])
			seen(serial)
			write(t, certFile) // empty
			seen(serial)
			os.Remove(certFile)
			seen(serial)
			if got := usable(t, fresh.client, s, "certificate"); got != 0 {
				t.Errorf("fennel_watched_files_usable is %v while the files are broken", got)
			}
		}
		write(t, certFile, next.cert)
		write(t, keyFile, next.key)
		serial = next.serial(t)
		seen(serial)
	}
	if got := usable(t, fresh.client, s, "certificate"); got != 1 {
		t.Errorf("fennel_watched_files_usable is %v at the end", got)
	}
	close(fresh.stop)
	running.Wait()
	if _, conns, _ := steady.state(); conns != 1 {
		t.Errorf("a connection was dropped: there were %d", conns)
	}
	for _, want := range []string{"level=ERROR", "not PEM", "the file is empty", "no such file", "changed files are in use"} {
		if got := log.String(); !strings.Contains(got, want) {
			t.Errorf("%q is not in the log:\n%s", want, got)
		}
	}
}

// usable scrapes the metric about watched files, or returns -1.
func usable(t *testing.T, client *http.Client, s *Server, files string) float64 {
	t.Helper()
	body, err := try(client, s.URL()+"/metrics?name[]=fennel_watched_files_usable")
	if err != nil {
		t.Error(err)
	}
	switch {
	case strings.Contains(body, `fennel_watched_files_usable{files="`+files+`"} 0`):
		return 0
	case strings.Contains(body, `fennel_watched_files_usable{files="`+files+`"} 1`):
		return 1
	}
	return -1
}

// Kubernetes swaps a link to a directory.
func TestCertificatesBehindALink(t *testing.T) {
	a := newAuthority(t)
	dir := t.TempDir()
	put := func(name string) issued {
		i := a.issue(t)
		os.Mkdir(filepath.Join(dir, name), 0o700)
		write(t, filepath.Join(dir, name, "tls.crt"), i.cert)
		write(t, filepath.Join(dir, name, "tls.key"), i.key)
		os.Symlink(name, filepath.Join(dir, "next"))
		if err := os.Rename(filepath.Join(dir, "next"), filepath.Join(dir, "data")); err != nil {
			t.Skip("no links: ", err)
		}
		return i
	}
	put("1")
	s := start(t, "127.0.0.1:0", nil, impatient(restless(defaultLimits)),
		WithTLSFiles(filepath.Join(dir, "data", "tls.crt"), filepath.Join(dir, "data", "tls.key")))
	for _, name := range []string{"2", "3"} {
		want := put(name).serial(t)
		conn, err := tls.Dial("tcp", s.Addr().String(), &tls.Config{RootCAs: pool(a)})
		if err != nil {
			t.Fatal(err)
		}
		if got := conn.ConnectionState().PeerCertificates[0].SerialNumber.String(); got != want {
			t.Errorf("after %s, the certificate is %s, want %s", name, got, want)
		}
		conn.Close()
	}
}

func TestIdleHandshakesDelayNobody(t *testing.T) {
	a := newAuthority(t)
	s := startTLS(t, a, impatient(limits{header: time.Minute, piece: time.Minute}))
	const clients = 1000
	for range clients {
		conn, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	for range 10 {
		if body, err := try(a.client(t), s.URL()+"/metrics"); err != nil || body != someText {
			t.Fatalf("%v %q", err, body)
		}
	}
	// Nor do they delay the end.
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestSlowHandshakeIsCutOff(t *testing.T) {
	a := newAuthority(t)
	s := startTLS(t, a, impatient(limits{header: 50 * time.Millisecond, piece: time.Minute}))
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	hello := []byte{0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3} // and so on
	hung := make(chan struct{})
	go func() {
		bufio.NewReader(conn).ReadByte()
		close(hung)
	}()
	for _, b := range hello {
		conn.Write([]byte{b})
		if _, err := try(a.client(t), s.URL()+"/metrics"); err != nil {
			t.Error(err)
		}
	}
	<-hung
}

func TestShutdownWaitsForNoHandshake(t *testing.T) {
	a := newAuthority(t)
	for name, s := range map[string]*Server{
		"HTTP":  start(t, "127.0.0.1:0", nil, impatient(limits{header: time.Hour})),
		"HTTPS": startTLS(t, a, impatient(limits{header: time.Hour})),
	} {
		conn, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for s.fresh.count() == 0 { // until it is accepted
			time.Sleep(time.Millisecond)
		}
		begun := time.Now()
		if err := s.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if d := time.Since(begun); d > 4*time.Second { // net/http would wait for 5
			t.Errorf("%s: Shutdown took %s", name, d)
		}
		for s.fresh.count() != 0 { // the server tells a moment later
			time.Sleep(time.Millisecond)
		}
	}
}

func (f *freshConns) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.conns)
}

func TestShutdownLetsScrapesOverTLSFinish(t *testing.T) {
	a := newAuthority(t)
	certFile, keyFile := a.issue(t).files(t)
	for _, http2 := range []bool{false, true} {
		g := newStalled()
		s := start(t, "127.0.0.1:0", g, WithTLSFiles(certFile, keyFile), impatient(limits{piece: time.Minute}))
		client := a.client(t)
		transport := client.Transport.(*http.Transport)
		transport.ForceAttemptHTTP2 = http2
		result := make(chan error, 1)
		go func() {
			_, err := try(client, s.URL()+"/metrics")
			result <- err
		}()
		<-g.begun
		ended := make(chan error, 1)
		go func() { ended <- s.Shutdown(t.Context()) }()
		for { // the port is free while the scrape goes on
			l, err := net.Listen("tcp", s.Addr().String())
			if err == nil {
				l.Close()
				break
			}
		}
		close(g.resume)
		if err := <-result; err != nil {
			t.Errorf("HTTP/2 %v: the scrape got %v", http2, err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// By HTTP/2, who reads nothing is cut off as well.
func TestSlowReaderOverHTTP2(t *testing.T) {
	a := newAuthority(t)
	certFile, keyFile := a.issue(t).files(t)
	ended := make(chan error, 1)
	s := start(t, "127.0.0.1:0", endless(ended), WithTLSFiles(certFile, keyFile), impatient(limits{piece: 20 * time.Millisecond}))
	resp, err := a.client(t).Get(s.URL() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.ProtoMajor != 2 {
		t.Errorf("HTTP/%d", resp.ProtoMajor)
	}
	if err := <-ended; err == nil {
		t.Error("it came to an end")
	}
}

// endless is a gatherer that sends the error that ended it.
func endless(ended chan<- error) fennel.Gatherer {
	return gathererFunc(func(_ context.Context, _ *sample.Request, v sample.Visitor) (err error) {
		for err == nil {
			err = bulk(v, 100_000)
		}
		ended <- err
		return err
	})
}
