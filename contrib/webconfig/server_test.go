package webconfig

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/exporter-toolkit/web"

	"github.com/fennelmetrics/fennel"
)

func TestPlainHTTP(t *testing.T) {
	f := newFiles(t)
	for name, path := range map[string]string{"no file": "", "an empty file": f.write(t, "web.yml", "")} {
		t.Run(name, func(t *testing.T) {
			r := start(t, new(Server), flagsFor(path))
			want(t, clientWith(nil), "http://"+r.addr()+"/metrics")
			if err := r.stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTLS(t *testing.T) {
	f := newFiles(t)
	r := start(t, new(Server), flagsFor(f.write(t, "web.yml", `
tls_server_config:
  cert_file: server.crt
  key_file: server.key
`)))
	resp := want(t, clientWith(f.trusting()), "https://"+r.addr()+"/metrics")
	if resp.Proto != "HTTP/2.0" || resp.TLS.Version != 0x0304 {
		t.Errorf("%s over TLS %x", resp.Proto, resp.TLS.Version)
	}
	if resp, body, err := fetch(t, clientWith(nil), "http://"+r.addr()+"/metrics"); err == nil && resp.StatusCode == 200 {
		t.Errorf("plain HTTP is served: %q", body)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}

func TestHTTP2CanBeSwitchedOff(t *testing.T) {
	f := newFiles(t)
	r := start(t, new(Server), flagsFor(f.write(t, "web.yml", `
tls_server_config: {cert_file: server.crt, key_file: server.key, max_version: TLS12}
http_server_config: {http2: false}
`)))
	if resp := want(t, clientWith(f.trusting()), "https://"+r.addr()+"/metrics"); resp.Proto != "HTTP/1.1" || resp.TLS.Version != 0x0303 {
		t.Errorf("%s over TLS %x", resp.Proto, resp.TLS.Version)
	}
}

func TestClientCertificates(t *testing.T) {
	f := newFiles(t)
	for name, sans := range map[string]struct {
		line    string
		allowed bool
	}{
		"any":             {"", true},
		"of allowed name": {"client_allowed_sans: [client]", true},
		"of another name": {"client_allowed_sans: [boss]", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, new(Server), flagsFor(f.write(t, "web.yml", `
tls_server_config:
  cert_file: server.crt
  key_file: server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.crt
  `+sans.line+"\n")))
			url := "https://" + r.addr() + "/metrics"
			if sans.allowed {
				want(t, clientWith(f.trusting(f.client)), url)
			} else if resp, body, err := fetch(t, clientWith(f.trusting(f.client)), url); err == nil {
				t.Errorf("another name: %s", describe(resp, body, err))
			}
			if resp, body, err := fetch(t, clientWith(f.trusting()), url); err == nil {
				t.Errorf("no certificate: %s", describe(resp, body, err))
			}
			if resp, body, err := fetch(t, clientWith(f.trusting(f.other)), url); err == nil {
				t.Errorf("a stranger's certificate: %s", describe(resp, body, err))
			}
		})
	}
}

func TestBasicAuth(t *testing.T) {
	f := newFiles(t)
	r := start(t, &Server{Routes: map[string]http.Handler{"/probe": http.NotFoundHandler()}}, flagsFor(f.write(t, "web.yml",
		"basic_auth_users:\n  alice: "+hash(t, "secret")+"\n  bob: "+hash(t, "hidden")+"\n")))
	url := "http://" + r.addr()
	c := clientWith(nil)
	for range 2 { // the second time from the toolkit's cache
		want(t, c, url+"/metrics", "alice", "secret")
		want(t, c, url+"/metrics", "bob", "hidden")
		for _, auth := range [][]string{nil, {"alice", "hidden"}, {"alice", ""}, {"", ""}, {"carol", "secret"}, {"carol", "fakepassword"}} {
			for _, path := range []string{"/metrics", "/", "/probe", "/nowhere"} {
				resp, body, err := fetch(t, c, url+path, auth...)
				if err != nil || resp.StatusCode != 401 || resp.Header.Get("WWW-Authenticate") != "Basic" || strings.Contains(body, "jobs") {
					t.Errorf("%q at %s: %s", auth, path, describe(resp, body, err))
				}
			}
		}
	}
}

func TestHeaders(t *testing.T) {
	f := newFiles(t)
	r := start(t, new(Server), flagsFor(f.write(t, "web.yml", `
http_server_config:
  headers:
    X-Frame-Options: deny
    Content-Security-Policy: default-src 'none'
`)))
	resp := want(t, clientWith(nil), "http://"+r.addr()+"/metrics")
	if resp.Header.Get("X-Frame-Options") != "deny" || resp.Header.Get("Content-Security-Policy") != "default-src 'none'" {
		t.Errorf("header %v", resp.Header)
	}
}

func TestRateLimit(t *testing.T) {
	f := newFiles(t)
	r := start(t, new(Server), flagsFor(f.write(t, "web.yml", "rate_limit: {interval: 1h, burst: 2}")))
	url := "http://" + r.addr() + "/metrics"
	for range 2 {
		want(t, clientWith(nil), url)
	}
	if resp, body, err := fetch(t, clientWith(nil), url); err != nil || resp.StatusCode != 429 {
		t.Errorf("one too many: %s", describe(resp, body, err))
	}
}

// The toolkit reads the files again.
func TestFilesMayChange(t *testing.T) {
	f := newFiles(t)
	const config = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
	r := start(t, new(Server), flagsFor(f.write(t, "web.yml", config)))
	url := "https://" + r.addr() + "/metrics"
	want(t, clientWith(f.trusting()), url)

	ca, caKey := issue(t, "another authority", nil, nil)
	f.writeServer(t, ca, caKey)
	if _, _, err := fetch(t, clientWith(f.trusting()), url); err == nil {
		t.Error("the old certificate is still served")
	}
	f.trusted.AddCert(ca)
	want(t, clientWith(f.trusting()), url)

	f.write(t, "web.yml", config+"basic_auth_users: {alice: "+hash(t, "secret")+"}\n")
	if resp, body, err := fetch(t, clientWith(f.trusting()), url); err != nil || resp.StatusCode != 401 {
		t.Error(describe(resp, body, err))
	}
	want(t, clientWith(f.trusting()), url, "alice", "secret")
}

// Each address has the whole configuration, once.
func TestSeveralAddresses(t *testing.T) {
	f := newFiles(t)
	r := start(t, new(Server), flagsFor(f.write(t, "web.yml",
		"rate_limit: {interval: 1h, burst: 2}\nbasic_auth_users: {alice: "+hash(t, "secret")+"}\n"), "127.0.0.1:0", "127.0.0.1:0", "localhost:0"))
	if len(r.addrs) != 3 {
		t.Fatalf("addresses %v", r.addrs)
	}
	for _, addr := range r.addrs {
		url := "http://" + addr.String() + "/metrics"
		for range 2 {
			want(t, clientWith(nil), url, "alice", "secret")
		}
		if resp, body, err := fetch(t, clientWith(nil), url, "alice", "secret"); err != nil || resp.StatusCode != 429 {
			t.Errorf("%s: %s", addr, describe(resp, body, err))
		}
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}

func TestRoutes(t *testing.T) {
	text := func(s string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, s) })
	}
	for _, test := range []struct {
		name   string
		server Server
		want   map[string]string // a part of the body, or "404"
	}{
		{"by default", Server{}, map[string]string{"/metrics": "jobs_total 2", "/": `href="/metrics"`, "/x": "404"}},
		{
			"all that can be set",
			Server{
				Path: "/probe/metrics", Name: "The exporter", Description: "It exports.", Version: "1.2.3",
				Links:  []web.LandingLinks{{Address: "/healthz", Text: "Health"}},
				Routes: map[string]http.Handler{"/healthz": text("ok")},
			},
			map[string]string{"/probe/metrics": "jobs_total 2", "/healthz": "ok", "/": `href="/healthz">Health`, "/metrics": "404"},
		},
		{"metrics at the root", Server{Path: "/"}, map[string]string{"/": "jobs_total 2", "/any": "jobs_total 2"}},
		{"another page", Server{Routes: map[string]http.Handler{"/": text("welcome")}}, map[string]string{"/": "welcome", "/metrics": "jobs_total 2", "/x": "welcome"}},
		{"another exact page", Server{Routes: map[string]http.Handler{"/{$}": text("welcome")}}, map[string]string{"/": "welcome", "/x": "404"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := start(t, &test.server, flagsFor(""))
			for path, part := range test.want {
				resp, body, err := fetch(t, clientWith(nil), "http://"+r.addr()+path)
				if missing := part == "404"; err != nil || missing != (resp.StatusCode == 404) || !strings.Contains(body, part) {
					t.Errorf("%s: %s", path, describe(resp, body, err))
				}
			}
		})
	}
	s := Server{Name: "The exporter", Version: "1.2.3"}
	r := start(t, &s, flagsFor(""))
	if _, body, _ := fetch(t, clientWith(nil), "http://"+r.addr()+"/"); !strings.Contains(body, "<h1>The exporter</h1>") || !strings.Contains(body, "1.2.3") || strings.Contains(body, "debug/pprof") {
		t.Errorf("the page is %s", body)
	}
}

// held is a collector that waits to be released.
type held struct {
	begun, release chan struct{}
}

// Collect implements [fennel.Collector].
func (h held) Collect(ctx context.Context, _ *fennel.Writer) error {
	close(h.begun)
	select {
	case <-h.release:
	case <-ctx.Done():
	}
	return nil
}

func newHeld() (held, *fennel.Registry) {
	h := held{begun: make(chan struct{}), release: make(chan struct{})}
	reg := jobs()
	reg.MustRegister(h)
	return h, reg
}

func TestShutdownLetsScrapesFinish(t *testing.T) {
	h, reg := newHeld()
	r := start(t, &Server{Gatherer: reg}, flagsFor(""))
	var scrape sync.WaitGroup
	scrape.Go(func() {
		resp, body, err := fetch(t, clientWith(nil), "http://"+r.addr()+"/metrics")
		if err != nil || body != jobsText {
			t.Error(describe(resp, body, err))
		}
	})
	<-h.begun
	ended := make(chan error)
	go func() { ended <- r.stop() }()
	for { // until nobody is let in any more
		conn, err := net.Dial("tcp", r.addr())
		if err != nil {
			break
		}
		conn.Close()
	}
	close(h.release)
	scrape.Wait()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestShutdownCutsOffWhatTakesTooLong(t *testing.T) {
	h, reg := newHeld()
	r := start(t, &Server{Gatherer: reg, Grace: 10 * time.Millisecond}, flagsFor(""))
	failed := make(chan error)
	go func() {
		_, _, err := fetch(t, clientWith(nil), "http://"+r.addr()+"/metrics")
		failed <- err
	}()
	<-h.begun
	if err := r.stop(); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("Serve returned %v", err)
	}
	if err := <-failed; err == nil {
		t.Error("the client got an answer")
	}
}

func TestContextThatHasEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := new(Server).Serve(ctx, flagsFor("")); err != nil {
		t.Error(err)
	}
}

func TestLogger(t *testing.T) {
	var log strings.Builder
	reg := jobs()
	reg.MustRegister(fennel.CollectorFunc(func(context.Context, *fennel.Writer) error { return errors.New("disk on fire") }))
	r := start(t, &Server{Gatherer: reg, Logger: slog.New(slog.NewTextHandler(&log, nil))}, flagsFor(""))
	if resp, body, err := fetch(t, clientWith(nil), "http://"+r.addr()+"/metrics"); err != nil || resp.StatusCode != 200 {
		t.Error(describe(resp, body, err))
	}
	r.stop()
	for _, part := range []string{r.addr(), "TLS is disabled", "disk on fire"} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("%q is not in the log\n%s", part, log.String())
		}
	}
}

func TestZeroServerServesDefault(t *testing.T) {
	fennel.NewGauge("in_default", "").Set(1)
	defer fennel.Default.Forget("in_default")
	var s Server
	listening := make(chan []net.Addr, 1)
	s.OnListen = func(addrs []net.Addr) { listening <- addrs }
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Serve(ctx, flagsFor("")) }()
	addrs := <-listening
	if _, body, err := fetch(t, clientWith(nil), "http://"+addrs[0].String()+"/metrics?name[]=in_default"); err != nil || body != "# TYPE in_default gauge\nin_default 1\n" {
		t.Errorf("%q, %v", body, err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
