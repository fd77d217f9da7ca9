package fennelhttp

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

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
