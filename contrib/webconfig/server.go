package webconfig

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/exporter-toolkit/web"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/fennelhttp"
)

// Server serves metrics under a web configuration file. The zero value serves
// [fennel.Default] at /metrics, and a page that leads there at /. The fields must
// not be changed while it serves.
type Server struct {
	// Gatherer is what is served; nil for [fennel.Default].
	Gatherer fennel.Gatherer
	// Options are those of the handler, see [fennelhttp.Handler].
	Options []fennelhttp.HandlerOption
	// Path is that of the metrics; "/metrics" if it is empty.
	Path string

	// Name, Description and Version are shown on the page at /. The name is that
	// of the program if it is empty.
	Name, Description, Version string
	// Links are shown there, too.
	Links []web.LandingLinks
	// Routes are other handlers, by patterns of [http.ServeMux]: a health check,
	// the probe of an exporter. One for "/" replaces the page. They are under the
	// same protection as the metrics.
	Routes map[string]http.Handler

	// Logger logs what the toolkit, the server and the handler have to say. Nothing
	// is logged if it is nil.
	Logger *slog.Logger
	// Grace is how long requests may go on when the server is to end; 10 seconds
	// if it is 0.
	Grace time.Duration
	// OnListen is called once connections are accepted, with the addresses, which
	// have the ports that were chosen where port 0 was asked for. It may be nil.
	OnListen func(addrs []net.Addr)
}

// Limits of how long clients may take to send a request, and between two of them,
// as those of fennelhttp.Start. The time for an answer is limited by its handler.
const (
	headerTimeout  = 5 * time.Second
	requestTimeout = 10 * time.Second
	idleTimeout    = 3 * time.Minute
	pageTimeout    = 30 * time.Second
	maxHeaderBytes = 64 << 10
	defaultGrace   = 10 * time.Second
)

// Serve serves on all addresses of the flags until ctx ends, and then lets
// requests that are under way finish. It returns nil, or an error if that took
// longer than s.Grace, so that some were cut off.
//
// What is wrong with the flags or with the file is an error before anything is
// listened on, see [Check]; if one of the addresses can't be listened on, none is.
// It is also an error if one of them fails later on.
func (s *Server) Serve(ctx context.Context, flags *web.FlagConfig) error {
	if flags == nil {
		return errors.New("webconfig: there are no flags: use AddFlags, or package web/kingpinflag of the toolkit")
	}
	given := *flags
	if given.WebConfigFile == nil {
		given.WebConfigFile = new(string)
	}
	if err := Check(*given.WebConfigFile); err != nil {
		return err
	}
	handler, err := s.handler()
	if err != nil {
		return fmt.Errorf("webconfig: %w", err)
	}
	listeners, err := listen(&given)
	if err != nil {
		return fmt.Errorf("webconfig: can't listen: %w", err)
	}
	if err := s.serve(ctx, handler, listeners, &given); err != nil {
		return fmt.Errorf("webconfig: %w", err)
	}
	return nil
}

// serve serves until ctx ends or a listener fails. Each listener has a server of
// its own, as the toolkit changes those that it is given.
func (s *Server) serve(ctx context.Context, h http.Handler, listeners []net.Listener, flags *web.FlagConfig) error {
	defer closeAll(listeners) // those that the toolkit never came to
	requests, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	ended := make(chan error, len(listeners))
	var servers []*http.Server
	var addrs []net.Addr
	for _, l := range listeners {
		srv := s.newHTTPServer(requests, h)
		servers, addrs = append(servers, srv), append(addrs, l.Addr())
		go func() { ended <- web.Serve(l, srv, flags, s.logger()) }()
	}
	if s.OnListen != nil {
		s.OnListen(addrs)
	}
	running := len(listeners)
	var failure error
	select {
	case <-ctx.Done():
	case failure = <-ended:
		running--
	}
	err := errors.Join(failure, s.shutdown(servers))
	for range running {
		if e := <-ended; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// shutdown ends the servers, all within the time that there is.
func (s *Server) shutdown(servers []*http.Server) error {
	grace := s.Grace
	if grace == 0 {
		grace = defaultGrace
	}
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	cut := make(chan error, len(servers))
	for _, srv := range servers {
		go func() {
			err := srv.Shutdown(ctx)
			if err != nil {
				srv.Close() // it has no more to say
			}
			cut <- err
		}()
	}
	var err error
	for range servers {
		if e := <-cut; e != nil {
			err = fmt.Errorf("shutdown: requests were cut off: %w", e)
		}
	}
	return err
}

func (s *Server) newHTTPServer(ctx context.Context, h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: headerTimeout, // and for the handshake of TLS
		ReadTimeout:       requestTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.logger().Handler(), slog.LevelWarn),
	}
}

func (s *Server) logger() *slog.Logger {
	if s.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Logger
}

// handler returns the routes: the ones that are given, and our own where they
// leave room.
func (s *Server) handler() (http.Handler, error) {
	path := s.Path
	if path == "" {
		path = "/metrics"
	}
	mux := http.NewServeMux()
	for pattern, h := range s.Routes {
		mux.Handle(pattern, h)
	}
	options := append([]fennelhttp.HandlerOption{fennelhttp.WithLogger(s.Logger)}, s.Options...)
	metrics, err := fennelhttp.NewHandler(s.Gatherer, options...)
	if err != nil {
		return nil, err
	}
	mux.Handle(path, metrics)
	if path == "/" || s.Routes["/"] != nil || s.Routes["/{$}"] != nil {
		return mux, nil
	}
	page, err := s.page(path)
	if err != nil {
		return nil, err
	}
	mux.Handle("/{$}", page)
	return mux, nil
}

// page returns the page at /.
func (s *Server) page(metrics string) (http.Handler, error) {
	name := s.Name
	if name == "" {
		name = filepath.Base(os.Args[0])
	}
	page, err := web.NewLandingPage(web.LandingConfig{
		Name:        name,
		Description: s.Description,
		Version:     s.Version,
		Links:       slices.Concat([]web.LandingLinks{{Address: metrics, Text: "Metrics"}}, s.Links),
		Profiling:   "false",
	})
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).SetWriteDeadline(time.Now().Add(pageTimeout)) // where it can
		page.ServeHTTP(w, r)
	}), nil
}
