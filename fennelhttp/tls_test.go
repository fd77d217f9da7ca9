package fennelhttp

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
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
