package fennelhttp

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// socketPath returns a path that is short enough for a socket.
func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fennel")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "metrics.sock")
}

// through returns a client that connects to a server, whatever the URL.
func through(s *Server, config *tls.Config) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives:  true,
		DisableCompression: true,
		TLSClientConfig:    config,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, s.Addr().Network(), s.Addr().String())
		},
	}}
}

func TestUnixSocket(t *testing.T) {
	path := socketPath(t)
	s := start(t, "unix:"+path, someRegistry(), WithoutSelfMetrics())
	if s.URL() != "http://localhost" {
		t.Errorf("URL is %s", s.URL())
	}
	if body, err := try(through(s, nil), s.URL()+"/metrics"); err != nil || body != someText {
		t.Errorf("%v %q", err, body)
	}
	if _, err := Start("unix:"+path, nil); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a second server got %v", err)
	}
	if _, err := try(through(s, nil), s.URL()+"/metrics"); err != nil {
		t.Errorf("the second server did harm: %v", err)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

func TestUnixSocketWithTLS(t *testing.T) {
	a := newAuthority(t)
	certFile, keyFile := a.issue(t).files(t)
	s := start(t, "unix:"+socketPath(t), someRegistry(), WithTLSFiles(certFile, keyFile))
	if s.URL() != "https://localhost" {
		t.Errorf("URL is %s", s.URL())
	}
	if _, err := try(through(s, &tls.Config{RootCAs: pool(a)}), s.URL()+"/metrics"); err != nil {
		t.Error(err)
	}
}

func TestStaleSocketIsReplaced(t *testing.T) {
	path := socketPath(t)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false) // as if the process had been killed
	l.Close()
	s := start(t, "unix:"+path, someRegistry())
	if _, err := try(through(s, nil), s.URL()+"/metrics"); err != nil {
		t.Error(err)
	}
}

func TestOtherFilesAreNotReplaced(t *testing.T) {
	dir := filepath.Dir(socketPath(t))
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	write(t, file, []byte("precious"))
	if err := os.Symlink("nowhere", link); err != nil {
		t.Skip("no links: ", err)
	}
	for addr, want := range map[string]string{
		"unix:" + file: "not a socket",
		"unix:" + link: "not a socket",
		"unix:" + dir:  "not a socket",
		"unix:":        "empty",
		"unix:" + filepath.Join(dir, "nope", "x"):  "",
		"unix:/" + strings.Repeat("x", 200):        "",
		"unix:" + filepath.Join(file, "in a file"): "",
	} {
		if _, err := Start(addr, nil); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), addr) {
			t.Errorf("%s: %v, want an error with %q", addr, err, want)
		}
	}
	if got := string(mustRead(t, file)); got != "precious" {
		t.Errorf("the file has %q", got)
	}
	if _, err := os.Lstat(link); err != nil {
		t.Error(err)
	}
}

func TestSocketMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("permissions mean something else here")
	}
	for _, mode := range []fs.FileMode{0, 0o600, 0o660, 0o666, 0o777} {
		path := socketPath(t)
		s := start(t, "unix:"+path, nil, WithSocketMode(mode))
		info, err := os.Lstat(path)
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%v %v, want %v", info.Mode(), err, mode)
		}
		s.Close()
	}
}

func TestSocketWithoutFile(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has them")
	}
	s := start(t, "unix:@fennel-test-"+filepath.Base(filepath.Dir(socketPath(t))), someRegistry())
	if _, err := try(through(s, nil), s.URL()+"/metrics"); err != nil {
		t.Error(err)
	}
	if _, err := Start("unix:@x", nil, WithSocketMode(0o600)); err == nil {
		t.Error("a mode for what has no file")
	}
}

func TestOwnListener(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	// After an error it is still the caller's.
	if _, err := Start("", nil, WithListener(l), WithTLSFiles("", "")); err == nil {
		t.Fatal("no error")
	}
	a := newAuthority(t)
	s := startOn(t, l, a)
	if s.Addr() != l.Addr() {
		t.Errorf("address %s, want %s", s.Addr(), l.Addr())
	}
	if _, err := try(a.client(t), s.URL()+"/metrics"); err != nil {
		t.Error(err)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener was not closed: %v", err)
	}
}

func startOn(t *testing.T, l net.Listener, a *authority) *Server {
	certFile, keyFile := a.issue(t).files(t)
	return start(t, "", someRegistry(), WithListener(l), WithTLSFiles(certFile, keyFile))
}

func TestPaths(t *testing.T) {
	says := func(text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) })
	}
	for _, test := range []struct {
		opts  []ServerOption
		paths map[string]string // to what is in the body
	}{
		{[]ServerOption{WithPath("/custom/m")}, map[string]string{"/custom/m": "jobs_total", "/": `href="custom/m"`, "/metrics": "404"}},
		{[]ServerOption{WithPath("/a:b&ü")}, map[string]string{"/a:b&ü": "jobs_total", "/": `href="./a:b&amp;%C3%BC"`}},
		{[]ServerOption{WithPath("/")}, map[string]string{"/": "jobs_total", "/metrics": "jobs_total", "/x/y": "jobs_total"}},
		{[]ServerOption{WithPath("/m"), WithHandler("/m", says("mine"))}, map[string]string{"/m": "mine", "/": `href="m"`}},
		{[]ServerOption{WithPath("/"), WithHandler("/", says("mine"))}, map[string]string{"/": "mine", "/metrics": "mine"}},
		{[]ServerOption{WithHealth("/-/healthy", nil)}, map[string]string{"/-/healthy": "ok\n", "/metrics": "jobs_total"}},
		{[]ServerOption{WithPath("/"), WithHealth("/healthz", nil)}, map[string]string{"/healthz": "ok\n", "/x": "jobs_total"}},
		{[]ServerOption{WithHandler("GET /healthz", says("mine"))}, map[string]string{"/healthz": "mine"}},
	} {
		s := start(t, "127.0.0.1:0", someRegistry(), test.opts...)
		for path, want := range test.paths {
			if _, body := fetch(t, s.URL()+path); !strings.Contains(body, want) {
				t.Errorf("%s: %q, want %q", path, body, want)
			}
		}
	}
}

func TestHealth(t *testing.T) {
	var log journal
	ill := errors.New("no database")
	var err error
	s := start(t, "127.0.0.1:0", untouched(t), WithLogger(log.logger()), WithHealth("/healthz", func(ctx context.Context) error {
		if ctx.Err() != nil {
			t.Error(ctx.Err())
		}
		return err
	}))
	for range 2 {
		err = nil
		if status, body := fetch(t, s.URL()+"/healthz"); status != 200 || body != "ok\n" {
			t.Errorf("well: %d %q", status, body)
		}
		err = ill
		if status, body := fetch(t, s.URL()+"/healthz"); status != 503 || body != "unhealthy\n" {
			t.Errorf("ill: %d %q", status, body)
		}
	}
	if got := log.String(); strings.Count(got, "no database") != 2 {
		t.Errorf("logged %s", got)
	}
	resp, _ := http.Post(s.URL()+"/healthz", "text/plain", strings.NewReader("x"))
	resp.Body.Close()
	if resp.StatusCode != 405 {
		t.Errorf("POST: %d", resp.StatusCode)
	}
	http.DefaultClient.CloseIdleConnections()
}

// A struct that embeds a handler is a handler, with what one adds.
func TestHandlerCanBeEmbedded(t *testing.T) {
	h := struct {
		http.Handler
		name string
	}{bare(someRegistry()), "mine"}
	if w := serve(h, request("GET", "/")); w.Body.String() != someText {
		t.Errorf("%q", w.Body)
	}
}
