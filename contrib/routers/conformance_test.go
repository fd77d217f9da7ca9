package routers_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	chimiddleware "github.com/go-chi/chi/v5/middleware"
	fiberv2 "github.com/gofiber/fiber/v2"
	recoverv2 "github.com/gofiber/fiber/v2/middleware/recover"
	"github.com/gofiber/fiber/v3"
	recoverv3 "github.com/gofiber/fiber/v3/middleware/recover"
	"github.com/gorilla/mux"
	"github.com/labstack/echo/v5"
	echomiddleware "github.com/labstack/echo/v5/middleware"

	"github.com/fennelmetrics/fennel"
	fennelfasthttp "github.com/fennelmetrics/fennel/contrib/fasthttp"
	"github.com/fennelmetrics/fennel/fennelhttp"
	"github.com/fennelmetrics/fennel/internal/handlertest"
	"github.com/fennelmetrics/fennel/internal/sample"
)

// routers serve h at all paths, behind middleware that recovers from panics.
var routers = map[string]func(h http.Handler) http.Handler{
	"net/http": func(h http.Handler) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/", h)
		return mux
	},
	"chi": func(h http.Handler) http.Handler {
		router := chi.NewRouter()
		router.Use(chimiddleware.Recoverer)
		router.Handle("/*", h)
		return router
	},
	"echo": func(h http.Handler) http.Handler {
		router := echo.New()
		router.Use(echomiddleware.Recover())
		router.Any("/*", echo.WrapHandler(h))
		return router
	},
	"gin": func(h http.Handler) http.Handler {
		gin.SetMode(gin.ReleaseMode)
		router := gin.New()
		router.Use(gin.RecoveryWithWriter(io.Discard))
		router.Any("/*path", gin.WrapH(h))
		return router
	},
	"gorilla": func(h http.Handler) http.Handler {
		router := mux.NewRouter()
		router.PathPrefix("/").Handler(h)
		return router
	},
	"middleware that recovers from all": func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() { recover() }()
			h.ServeHTTP(w, r)
		})
	},
}

func TestConformanceThroughRouters(t *testing.T) {
	for name, router := range routers {
		t.Run(name, func(t *testing.T) {
			handlertest.RunScrapes(t, func(t *testing.T, g fennel.Gatherer, opts ...fennelhttp.HandlerOption) string {
				srv := httptest.NewServer(router(fennelhttp.Handler(g, opts...)))
				t.Cleanup(srv.Close)
				return srv.Listener.Addr().String()
			})
		})
	}
}

// Without these, a client that reads nothing would hold a scrape for ever.
func TestRoutersLetWriteDeadlinesThrough(t *testing.T) {
	for name, router := range routers {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(router(deadlines{t}))
			defer srv.Close()
			resp, err := srv.Client().Get(srv.URL)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
		})
	}
}

// deadlines is a handler that fails the test where it can't set any.
type deadlines struct{ t *testing.T }

func (d deadlines) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Hour)); err != nil {
		d.t.Error(err)
	}
}

func TestConformanceThroughFiber(t *testing.T) {
	handlertest.RunScrapes(t, func(t *testing.T, g fennel.Gatherer, opts ...fennelhttp.HandlerOption) string {
		app := fiber.New()
		app.Use(recoverv3.New())
		app.All("/*", fennelfasthttp.Handler(g, opts...))
		return listen(t, func(l net.Listener) error {
			return app.Listener(l, fiber.ListenConfig{DisableStartupMessage: true})
		}, app.Shutdown)
	})
}

func TestConformanceThroughFiberVersion2(t *testing.T) {
	handlertest.RunScrapes(t, func(t *testing.T, g fennel.Gatherer, opts ...fennelhttp.HandlerOption) string {
		app := fiberv2.New(fiberv2.Config{DisableStartupMessage: true})
		app.Use(recoverv2.New())
		metrics := fennelfasthttp.Handler(g, opts...)
		app.All("/*", func(c *fiberv2.Ctx) error {
			metrics(c.Context())
			return nil
		})
		return listen(t, app.Listener, app.Shutdown)
	})
}

// listen serves until the test ends, and returns the address.
func listen(t *testing.T, serve func(net.Listener) error, shutdown func() error) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- serve(l) }()
	t.Cleanup(func() {
		shutdown()
		<-served
	})
	return l.Addr().String()
}

// Fiber's strings change with the next request. Labels are copied when a series
// is created.
func TestLabelsMayBeFibersStrings(t *testing.T) {
	reg := fennel.NewRegistry()
	users := fennel.NewCounterVec[[2]string]("users_total", "", fennel.LabelNames("id", "agent"), fennel.In(reg))
	app := fiber.New(fiber.Config{Immutable: false})
	app.Get("/users/:id", func(c fiber.Ctx) error {
		users.With([2]string{c.Params("id"), c.Get("User-Agent")}).Inc()
		return nil
	})
	app.All("/metrics", fennelfasthttp.Handler(reg, fennelhttp.WithoutSelfMetrics()))
	addr := listen(t, func(l net.Listener) error {
		return app.Listener(l, fiber.ListenConfig{DisableStartupMessage: true})
	}, app.Shutdown)

	client := new(http.Client) // and one connection, whose memory is used again
	defer client.CloseIdleConnections()
	body := ""
	for _, path := range []string{"/users/aaaa", "/users/bbbb", "/users/cccc", "/users/aaaa", "/metrics"} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+path, nil)
		r.Header.Set("User-Agent", strings.Repeat(path[len(path)-1:], 40))
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		body = string(text)
	}
	want := "# TYPE users_total counter\n"
	for _, user := range []struct {
		letter string
		visits int
	}{{"a", 2}, {"b", 1}, {"c", 1}} {
		want += fmt.Sprintf("users_total{id=%q,agent=%q} %d\n", strings.Repeat(user.letter, 4), strings.Repeat(user.letter, 40), user.visits)
	}
	if body != want {
		t.Errorf("got\n%s\nwant\n%s", body, want)
	}
}

// breaking is a gatherer that fails at the end.
type breaking struct{ fennel.Gatherer }

// Visit implements [fennel.Gatherer].
func (b breaking) Visit(ctx context.Context, r *sample.Request, v sample.Visitor) error {
	return errors.Join(b.Gatherer.Visit(ctx, r, v), errFire)
}
