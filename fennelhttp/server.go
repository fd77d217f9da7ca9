package fennelhttp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/fennelmetrics/fennel"
)

// Server is a running HTTP server, made by [Start]. All methods are safe for
// concurrent use.
type Server struct {
	server   *http.Server
	listener net.Listener
	accept   func(*http.Server, net.Listener) error
	secure   bool // HTTPS
	log      logFunc
	fresh    freshConns
	patience time.Duration      // with them, while it shuts down
	cancel   context.CancelFunc // of all requests

	served chan struct{} // closed when nothing is accepted any more
	end    sync.Once
	done   chan struct{}
	err    error // what it ended by; set before served is closed
}

// Start starts a server on addr and returns as soon as it accepts connections.
// It serves what g gathers at /metrics, as [Handler] does, and at / a page that
// links there; options add other handlers.
//
// The address is as for [net.Listen]: ":9100" is port 9100 of all of the
// machine's addresses, IPv4 and IPv6, "127.0.0.1:9100" and "[::1]:9100" are
// that of one. Port 0 chooses a free one, which [Server.Addr] tells. Two other
// kinds begin with a word:
//
//   - "unix:/run/metrics.sock" is a Unix socket, whose file is removed when the
//     server ends. If it is there already it is replaced, but only if it is a socket
//     on which nobody listens. "unix:@name" has no file, on Linux.
//   - "systemd:name" is a socket that systemd passed to the process, with that name
//     as its FileDescriptorName, and "systemd:" is the only one. That is for Unix,
//     not for Windows.
//
// Whatever is wrong with the options, or with their files, is an error before
// anything is listened on; so is a combination that can't be meant, such as
// [WithClientAuth] without a certificate for the server. Where an option speaks of
// TLS, plain HTTP is never served. An address that can't be listened on is an
// error as well, which wraps that of net.Listen.
//
// Clients can't hold the server up: there are limits to how long they may take
// for the handshake of TLS, to send a request and to take an answer, and to the
// size of a request's header. Each has a goroutine of its own.
func Start(addr string, g fennel.Gatherer, opts ...ServerOption) (*Server, error) {
	c := defaultConfig()
	for _, o := range opts {
		if o != nil {
			o.forServer(&c)
		}
	}
	if c.health != nil && c.health.path == c.path {
		c.fail(fmt.Errorf("WithHealth(%q): the metrics are there", c.path))
	}
	guard, err := c.guard()
	if err != nil {
		return nil, fmt.Errorf("fennelhttp: %w", err)
	}
	var secure *tls.Config // nil for plain HTTP
	if c.tlsConfig != nil {
		if secure, err = c.tlsConfig(&c); err != nil {
			return nil, fmt.Errorf("fennelhttp: %w", err)
		}
	}
	mux := newMux(g, &c, guard)
	listener, err := listen(addr, &c)
	if err != nil {
		return nil, fmt.Errorf("fennelhttp: can't serve metrics on address %q: %w", addr, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{
		server:   newHTTPServer(ctx, mux, &c, secure),
		listener: listener,
		accept:   c.serve,
		secure:   secure != nil,
		log:      c.log,
		patience: c.limits.fresh,
		cancel:   cancel,
		served:   make(chan struct{}),
		done:     make(chan struct{}),
	}
	s.server.ConnState = s.fresh.note
	go s.serve()
	return s, nil
}

// newMux returns the routes: the options', and our own where they leave room. All
// but the health check are guarded.
func newMux(g fennel.Gatherer, c *config, guard *guard) *http.ServeMux {
	mux := http.NewServeMux()
	for _, r := range c.routes {
		mux.Handle(r.pattern, guard.protect(r.handler))
	}
	if h := c.health; h != nil {
		h.log, h.limits = c.log, c.limits
		mux.Handle(h.path, h)
	}
	own := []route{{c.path, newHandler(g, c)}}
	if c.path != "/" {
		own = append(own, route{"/", newIndex(c.path, c.limits)})
	}
	for _, own := range own {
		taken := func(r route) bool { return r.pattern == own.pattern }
		if !slices.ContainsFunc(c.routes, taken) {
			mux.Handle(own.pattern, guard.protect(own.handler))
		}
	}
	return mux
}

// newHTTPServer has no WriteTimeout: that would be one for the whole body,
// however large, and for the handlers of options. The handlers here set one for
// each piece. The limit for a request's header is that for the handshake, too.
func newHTTPServer(ctx context.Context, h http.Handler, c *config, secure *tls.Config) *http.Server {
	s := &http.Server{
		Handler:           h,
		TLSConfig:         secure,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: c.limits.header,
		ReadTimeout:       c.limits.request,
		IdleTimeout:       c.limits.idle,
		MaxHeaderBytes:    c.limits.headerBytes,
		ErrorLog:          c.errorLog,
	}
	if secure != nil {
		s.Protocols = new(http.Protocols)
		s.Protocols.SetHTTP2(slices.Contains(secure.NextProtos, "h2"))
		s.Protocols.SetHTTP1(slices.Contains(secure.NextProtos, "http/1.1") || !s.Protocols.HTTP2())
	}
	return s
}

// serve accepts connections until there is an end to it.
func (s *Server) serve() {
	err := s.accept(s.server, s.listener)
	if errors.Is(err, http.ErrServerClosed) {
		close(s.served)
		return
	}
	s.err = fmt.Errorf("fennelhttp: the server on %s failed: %w", s.Addr(), err)
	s.log(context.Background(), slog.LevelError, "metrics are not served any more", "error", s.err)
	close(s.served)
	s.Close()
}

// Addr returns the address that the server listens on, with the port that was
// chosen if it was asked for port 0.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// URL returns the server's URL without a path, such as "http://127.0.0.1:9100",
// for clients on the same machine: a server that listens on all addresses is
// reached at 127.0.0.1. Of a Unix socket it is "http://localhost", as who connects
// to the socket by other means will say. With TLS it begins with https.
func (s *Server) URL() string {
	u := url.URL{Scheme: "http", Host: s.Addr().String()}
	if s.secure {
		u.Scheme = "https"
	}
	switch a := s.Addr().(type) {
	case *net.UnixAddr:
		u.Host = "localhost"
	case *net.TCPAddr:
		if a.IP.IsUnspecified() {
			// Also for [::]: what listens there takes IPv4 as well, and IPv6 is
			// switched off more often than the other.
			u.Host = net.JoinHostPort("127.0.0.1", strconv.Itoa(a.Port))
		}
	}
	return u.String()
}

// Shutdown frees the port at once, lets the scrapes that are under way finish,
// and returns. Clients that have not asked for anything are not waited for, nor
// those in the middle of a handshake, but for half a second. If ctx ends before they do, they are cut off as by [Server.Close]
// and the error says so. It may be called more than once.
func (s *Server) Shutdown(ctx context.Context) error {
	stop := s.fresh.closeAfter(s.patience)
	err := s.server.Shutdown(ctx)
	stop()
	if err != nil {
		s.server.Close() // it has no more to say
		err = fmt.Errorf("fennelhttp: shutdown: scrapes were cut off: %w", err)
	}
	s.finish()
	return err
}

// Close frees the port and cuts all connections. It may be called more than
// once, and while [Server.Shutdown] waits, which then returns.
func (s *Server) Close() error {
	err := s.server.Close()
	s.finish()
	return err
}

// finish is the end of all ways to end.
func (s *Server) finish() {
	s.cancel()
	<-s.served
	s.end.Do(func() { close(s.done) })
}

// Done returns a channel that is closed when the server has ended: after
// Shutdown or Close, or by itself because it failed.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err returns nil while the server runs and after Shutdown or Close, and
// otherwise why it ended.
func (s *Server) Err() error {
	select {
	case <-s.done:
		return s.err
	default:
		return nil
	}
}
