package fennelhttp

import (
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestClientCertificates(t *testing.T) {
	a, other, servers := newAuthority(t), newAuthority(t), newAuthority(t)
	good := []tls.Certificate{a.issue(t).pair(t)}
	const required, ifGiven = tls.RequireAndVerifyClientCert, tls.VerifyClientCertIfGiven
	caDir := tempDir(t, map[string][]byte{"README": []byte("x"), "a.pem": a.pem, "b.pem": newAuthority(t).pem, ".c.pem": other.pem})
	os.Mkdir(filepath.Join(caDir, "old"), 0o700)
	write(t, filepath.Join(caDir, "old", "other.pem"), other.pem)
	sources := map[string][]ServerOption{
		"file":                {WithClientCAFiles(tempFile(t, []byte("The good one:\n"), a.pem))},
		"file of two":         {WithClientCAFiles(tempFile(t, newAuthority(t).pem, a.pem))},
		"directory":           {WithClientCAFiles(caDir + string(filepath.Separator))},
		"pool":                {WithClientCAs(pool(a))},
		"file and directory":  {WithClientCAFiles(tempFile(t, newAuthority(t).pem), caDir)},
		"pool and file":       {WithClientCAs(pool(newAuthority(t))), WithClientCAFiles(tempFile(t, a.pem))},
		"pool beside a file":  {WithClientCAs(pool(a)), WithClientCAFiles(tempFile(t, newAuthority(t).pem))},
		"files one by one":    {WithClientCAFiles(tempFile(t, a.pem)), WithClientCAFiles(tempFile(t, newAuthority(t).pem))},
		"the same file twice": {WithClientCAFiles(caDir, caDir)},
	}
	clients := []struct {
		name         string
		certificates []tls.Certificate
		allowed      map[tls.ClientAuthType]bool
	}{
		{"good", good, map[tls.ClientAuthType]bool{required: true, ifGiven: true}},
		{"missing", nil, map[tls.ClientAuthType]bool{ifGiven: true}},
		{"of another authority", []tls.Certificate{other.issue(t).pair(t)}, nil},
		{"expired", []tls.Certificate{a.issue(t, expired).pair(t)}, nil},
		{"for servers", []tls.Certificate{a.issue(t, serversOnly).pair(t)}, nil},
	}
	for name, source := range sources {
		for _, policy := range []tls.ClientAuthType{required, ifGiven} {
			s := startTLS(t, servers, append(source, WithClientAuth(policy))...)
			for _, test := range clients {
				_, err := try(insistent(servers.client(t), test.certificates), s.URL()+"/metrics")
				if (err == nil) != test.allowed[policy] {
					t.Errorf("%s, %v, certificate %s: %v", name, policy, test.name, err)
				}
			}
		}
	}
}

// insistent makes a client show its certificate even if it sees that the server
// doesn't trust its authority.
func insistent(c *http.Client, certificates []tls.Certificate) *http.Client {
	if len(certificates) > 0 {
		config := c.Transport.(*http.Transport).TLSClientConfig
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &certificates[0], nil }
	}
	return c
}

func TestOwnConfigurationAsksForCertificates(t *testing.T) {
	a := newAuthority(t)
	config := &tls.Config{Certificates: []tls.Certificate{a.issue(t).pair(t)}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool(a)}
	s := start(t, "127.0.0.1:0", someRegistry(), WithTLSConfig(config))
	if _, err := try(a.client(t, a.issue(t).pair(t)), s.URL()); err != nil {
		t.Error(err)
	}
	if _, err := try(a.client(t), s.URL()); err == nil {
		t.Error("let in without a certificate")
	}
	// One that is chosen for each client is the caller's affair.
	choosing := &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return config, nil }}
	if _, err := try(a.client(t, a.issue(t).pair(t)), start(t, "127.0.0.1:0", nil, WithTLSConfig(choosing)).URL()); err != nil {
		t.Error(err)
	}
}

func TestPoolOfAuthoritiesIsCloned(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	authorities := pool(a)
	s := startTLS(t, a, WithClientAuth(tls.RequireAndVerifyClientCert), WithClientCAs(authorities))
	authorities.AddCert(other.certificate)
	if _, err := try(insistent(a.client(t), []tls.Certificate{other.issue(t).pair(t)}), s.URL()); err == nil {
		t.Error("an authority was added later")
	}
}

// What files add to a pool goes with them.
func TestPoolAndFilesStayApart(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	file, authorities := tempFile(t, other.pem), pool(a)
	s := startTLS(t, a, impatient(restless(defaultLimits)),
		WithClientAuth(tls.RequireAndVerifyClientCert), WithClientCAs(authorities), WithClientCAFiles(file))
	client := insistent(a.client(t), []tls.Certificate{other.issue(t).pair(t)})
	if _, err := try(client, s.URL()); err != nil {
		t.Error(err)
	}
	write(t, file, newAuthority(t).pem)
	if _, err := try(client, s.URL()); err == nil {
		t.Error("an authority that was removed is still trusted")
	}
	if !authorities.Equal(pool(a)) {
		t.Error("the caller's pool was changed")
	}
}

func TestAuthoritiesAreReadAgain(t *testing.T) {
	servers, first, second := newAuthority(t), newAuthority(t), newAuthority(t)
	dir := tempDir(t, map[string][]byte{"first.pem": first.pem})
	var log journal
	s := startTLS(t, servers, impatient(restless(defaultLimits)), WithLogger(log.logger()),
		WithClientAuth(tls.RequireAndVerifyClientCert), WithClientCAFiles(dir))
	byFirst := insistent(servers.client(t), []tls.Certificate{first.issue(t).pair(t)})
	bySecond := insistent(servers.client(t), []tls.Certificate{second.issue(t).pair(t)})
	// Sessions are resumed if they can be.
	for _, c := range []*http.Client{byFirst, bySecond} {
		c.Transport.(*http.Transport).TLSClientConfig.ClientSessionCache = tls.NewLRUClientSessionCache(10)
	}
	check := func(when string, first, second bool) {
		t.Helper()
		for client, want := range map[*http.Client]bool{byFirst: first, bySecond: second} {
			for range 2 { // with a session, if there is one
				if _, err := try(client, s.URL()+"/metrics"); (err == nil) != want {
					t.Errorf("%s: %v", when, err)
				}
			}
		}
	}
	check("at first", true, false)
	write(t, filepath.Join(dir, "second.pem"), second.pem)
	check("with both", true, true)
	write(t, filepath.Join(dir, "second.pem"), second.pem[:100])
	check("with a broken one", true, true)
	os.Remove(filepath.Join(dir, "second.pem"))
	os.Remove(filepath.Join(dir, "first.pem"))
	check("with none", true, true)
	write(t, filepath.Join(dir, "second.pem"), second.pem)
	check("without the first", false, true)
	if got := log.String(); !strings.Contains(got, "not PEM") || !strings.Contains(got, "no file") {
		t.Errorf("logged %s", got)
	}
}

func TestSessionsAreResumed(t *testing.T) {
	a := newAuthority(t)
	certFile, keyFile := a.issue(t).files(t)
	s := start(t, "127.0.0.1:0", nil, impatient(restless(defaultLimits)), WithTLSFiles(certFile, keyFile),
		WithClientAuth(tls.RequireAndVerifyClientCert), WithClientCAFiles(tempFile(t, a.pem)))
	config := &tls.Config{
		RootCAs:            pool(a),
		Certificates:       []tls.Certificate{a.issue(t).pair(t)},
		ClientSessionCache: tls.NewLRUClientSessionCache(1),
		NextProtos:         []string{"http/1.1"},
	}
	for _, want := range []bool{false, true, true} {
		conn, err := tls.Dial("tcp", s.Addr().String(), config)
		if err != nil {
			t.Fatal(err)
		}
		conn.Write([]byte("GET /metrics HTTP/1.0\r\n\r\n"))
		if _, err := conn.Read(make([]byte, 1)); err != nil { // the ticket comes before it
			t.Fatal(err)
		}
		if got := conn.ConnectionState().DidResume; got != want {
			t.Errorf("resumed is %v, want %v", got, want)
		}
		conn.Close()
		next := a.issue(t) // another certificate changes nothing
		write(t, certFile, next.cert)
		write(t, keyFile, next.key)
	}
}

func TestParseCertificates(t *testing.T) {
	a, b := newAuthority(t), newAuthority(t)
	key := a.issue(t).key
	join := func(parts ...[]byte) (text []byte) {
		for _, p := range parts {
			text = append(text, p...)
		}
		return text
	}
	for name, test := range map[string]struct {
		text []byte
		want int // -1 for an error
	}{
		"nothing":                   {nil, 0},
		"no PEM":                    {[]byte("hello\n"), 0},
		"one":                       {a.pem, 1},
		"two":                       {join(a.pem, []byte("\n# and\n"), b.pem), 2},
		"key":                       {key, 0},
		"key and certificate":       {join(key, a.pem), 1},
		"end is missing":            {a.pem[:len(a.pem)-30], -1},
		"second is cut off":         {join(a.pem, b.pem[:40]), -1},
		"first is cut off":          {join(a.pem[:100], []byte("\n"), b.pem), -1},
		"garbage within the base64": {[]byte(strings.Replace(string(a.pem), "A", "!", 1)), -1},
		"not a certificate":         {[]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), -1},
		"carriage returns":          {[]byte(strings.ReplaceAll(string(a.pem), "\n", "\r\n")), 1},
	} {
		certificates, err := parseCertificates(test.text)
		if got := len(certificates); err == nil && got != test.want || (err != nil) != (test.want < 0) {
			t.Errorf("%s: %d certificates, %v, want %d", name, got, err, test.want)
		}
	}
}

func TestOptionsOfTLSWorkInAnyOrder(t *testing.T) {
	a := newAuthority(t)
	certFile, keyFile := a.issue(t).files(t)
	opts := []ServerOption{
		WithTLSFiles(certFile, keyFile), WithTLSVersions(tls.VersionTLS12, tls.VersionTLS12),
		WithClientAuth(tls.RequireAndVerifyClientCert), WithClientCAFiles(tempFile(t, a.pem)), nil,
	}
	for i := range opts {
		s := start(t, "127.0.0.1:0", nil, append(append([]ServerOption{}, opts[i:]...), opts[:i]...)...)
		conn, err := tls.DialWithDialer(new(net.Dialer), "tcp", s.Addr().String(),
			&tls.Config{RootCAs: pool(a), Certificates: []tls.Certificate{a.issue(t).pair(t)}})
		if err != nil {
			t.Fatal(err)
		}
		if v := conn.ConnectionState().Version; v != tls.VersionTLS12 {
			t.Errorf("version %s", tls.VersionName(v))
		}
		conn.Close()
	}
}
