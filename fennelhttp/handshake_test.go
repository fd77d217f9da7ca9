package fennelhttp

import (
	"bufio"
	"net"
	"net/http"
	"testing"
	"time"
)

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
