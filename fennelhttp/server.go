package fennelhttp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"

	"github.com/fennelmetrics/fennel"
)

// Server is a running HTTP server, made by [Start]. All methods are safe for
// concurrent use.
type Server struct {
	server   *http.Server
	listener net.Listener
	logger   *slog.Logger
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
// that of one. Port 0 chooses a free one, which [Server.Addr] tells. An address
// that can't be listened on is an error, which wraps that of net.Listen.
//
// Clients can't hold the server up: there are limits to how long they may take
// to send a request and to take an answer, and to the size of a request's
// header.
func Start(addr string, g fennel.Gatherer, opts ...ServerOption) (*Server, error) {
	c := defaultConfig()
	for _, o := range opts {
		if o != nil {
			o.forServer(&c)
		}
	}
	mux := newMux(g, &c)
	listener, err := listen(addr)
	if err != nil {
		return nil, fmt.Errorf("fennelhttp: can't serve metrics on address %q: %w", addr, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{
		server:   newHTTPServer(ctx, mux, &c),
		listener: listener,
		logger:   c.logger,
		cancel:   cancel,
		served:   make(chan struct{}),
		done:     make(chan struct{}),
	}
	go s.serve()
	return s, nil
}

// listen is the one place where connections come from.
func listen(addr string) (net.Listener, error) {
	if addr == "" {
		// net.Listen would take any port that is free.
		return nil, errors.New(`the address is empty: give a port, as in ":9100"`)
	}
	return net.Listen("tcp", addr)
}

// newMux returns the routes: the options', and our own where they leave room.
func newMux(g fennel.Gatherer, c *config) *http.ServeMux {
	mux := http.NewServeMux()
	for _, r := range c.routes {
		mux.Handle(r.pattern, r.handler)
	}
	for _, own := range []route{{"/metrics", newHandler(g, c)}, {"/", index{c.limits}}} {
		taken := func(r route) bool { return r.pattern == own.pattern }
		if !slices.ContainsFunc(c.routes, taken) {
			mux.Handle(own.pattern, own.handler)
		}
	}
	return mux
}

// newHTTPServer has no WriteTimeout: that would be one for the whole body,
// however large, and for the handlers of options. The handlers here set one for
// each piece.
func newHTTPServer(ctx context.Context, h http.Handler, c *config) *http.Server {
	return &http.Server{
		Handler:           h,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: c.limits.header,
		ReadTimeout:       c.limits.request,
		IdleTimeout:       c.limits.idle,
		MaxHeaderBytes:    c.limits.headerBytes,
		ErrorLog:          slog.NewLogLogger(c.logger.Handler(), slog.LevelWarn),
	}
}

// serve accepts connections until there is an end to it.
func (s *Server) serve() {
	err := s.server.Serve(s.listener)
	if errors.Is(err, http.ErrServerClosed) {
		close(s.served)
		return
	}
	s.err = fmt.Errorf("fennelhttp: the server on %s failed: %w", s.Addr(), err)
	s.logger.Error("metrics are not served any more", "error", s.err)
	close(s.served)
	s.Close()
}

// Addr returns the address that the server listens on, with the port that was
// chosen if it was asked for port 0.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// URL returns the server's URL without a path, such as "http://127.0.0.1:9100",
// for clients on the same machine: a server that listens on all addresses is
// reached at 127.0.0.1.
func (s *Server) URL() string {
	u := url.URL{Scheme: "http", Host: s.Addr().String()}
	if a, ok := s.Addr().(*net.TCPAddr); ok && a.IP.IsUnspecified() {
		// Also for [::]: what listens there takes IPv4 as well, and IPv6 is
		// switched off more often than the other.
		u.Host = net.JoinHostPort("127.0.0.1", strconv.Itoa(a.Port))
	}
	return u.String()
}

// Shutdown frees the port at once, lets the scrapes that are under way finish,
// and returns. If ctx ends before they do, they are cut off as by [Server.Close]
// and the error says so. It may be called more than once.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.server.Shutdown(ctx)
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
