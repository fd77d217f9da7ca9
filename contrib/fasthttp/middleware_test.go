package fennelfasthttp

import (
	"compress/gzip"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/fennelhttp"
)

func TestMiddlewareMayReplaceTheAnswer(t *testing.T) {
	metrics := Handler(registry(large))
	p := serve(t, func(ctx *fasthttp.RequestCtx) {
		metrics(ctx)
		ctx.Error("not for you", fasthttp.StatusForbidden)
	})
	for range 2 {
		resp := p.ask(t)
		if body, err := io.ReadAll(resp.Body); resp.StatusCode != 403 || string(body) != "not for you" || err != nil {
			t.Errorf("status %d, %q, %v", resp.StatusCode, body, err)
		}
	}
}

func TestMiddlewareMayReadTheBody(t *testing.T) {
	for name, test := range map[string]struct {
		gatherer fennel.Gatherer
		whole    bool
	}{"whole": {registry(large), true}, "cut off": {failing(), false}} {
		t.Run(name, func(t *testing.T) {
			metrics := Handler(test.gatherer, fennelhttp.WithoutSelfMetrics())
			p := serve(t, func(ctx *fasthttp.RequestCtx) {
				metrics(ctx)
				ctx.Response.Body()
			})
			io.WriteString(p, "GET / HTTP/1.1\r\nHost: test\r\n\r\n")
			resp, err := http.ReadResponse(p.r, nil)
			size := 0
			if err == nil {
				var body []byte
				body, err = io.ReadAll(resp.Body)
				size = len(body)
			}
			if whole := err == nil && size > 1_000_000; whole != test.whole || !whole && err == nil {
				t.Errorf("%d bytes, %v", size, err)
			}
		})
	}
}

func TestMiddlewareMayCompress(t *testing.T) {
	reg := registry(large)
	for name, test := range map[string]struct {
		gatherer fennel.Gatherer
		whole    bool
	}{"whole": {reg, true}, "cut off": {failing(), false}} {
		t.Run(name, func(t *testing.T) {
			bare := Handler(test.gatherer, fennelhttp.WithoutCompression(), fennelhttp.WithoutSelfMetrics())
			p := serve(t, fasthttp.CompressHandler(bare))
			resp := p.ask(t, "Accept-Encoding: gzip")
			if got := resp.Header["Content-Encoding"]; !slices.Equal(got, []string{"gzip"}) {
				t.Fatalf("Content-Encoding: %q", got)
			}
			size := int64(0)
			z, err := gzip.NewReader(resp.Body)
			if err == nil {
				size, err = io.Copy(io.Discard, z)
			}
			if err == nil {
				_, err = io.Copy(io.Discard, resp.Body)
			}
			if whole := err == nil && size > 1_000_000; whole != test.whole {
				t.Errorf("%d bytes, %v", size, err)
			}
		})
	}
	t.Run("not twice", func(t *testing.T) {
		p := serve(t, fasthttp.CompressHandler(Handler(reg)))
		resp := p.ask(t, "Accept-Encoding: gzip")
		z, err := gzip.NewReader(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(z); err != nil || !strings.HasPrefix(string(text), "# TYPE bulk") {
			t.Errorf("%.40q, %v", text, err)
		}
	})
}

func TestHeaderOfMiddlewareIsKept(t *testing.T) {
	metrics := Handler(registry(1), fennelhttp.WithoutSelfMetrics())
	p := serve(t, func(ctx *fasthttp.RequestCtx) {
		h := &ctx.Response.Header
		h.Set("X-Request-Id", "17")
		h.Add("X-Twice", "a")
		h.Add("X-Twice", "b")
		h.Set("Vary", "Origin")
		h.SetContentType("application/json")
		h.SetContentEncoding("identity")
		h.SetCookie(cookie("a", "1"))
		h.SetCookie(cookie("b", "2"))
		ctx.SetBodyString("something before")
		metrics(ctx)
		h.Add("X-After", "c")
	})
	for _, accept := range []string{"", "gzip"} {
		resp := p.ask(t, "Accept-Encoding: "+accept)
		body, err := io.ReadAll(resp.Body)
		if err != nil || !strings.HasPrefix(string(body), "# TYPE bulk gauge\n") {
			t.Errorf("%.40q, %v", body, err)
		}
		for name, want := range map[string][]string{
			"X-Request-Id":     {"17"},
			"X-Twice":          {"a", "b"},
			"X-After":          {"c"},
			"Vary":             {"Origin", "Accept, Accept-Encoding"},
			"Content-Type":     {"text/plain; version=0.0.4; charset=utf-8"},
			"Content-Encoding": {"identity"}, // it is left alone, and nothing is compressed
			"Set-Cookie":       {"a=1", "b=2"},
		} {
			if got := resp.Header[name]; !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
	}
}

func cookie(name, value string) *fasthttp.Cookie {
	c := new(fasthttp.Cookie)
	c.SetKey(name)
	c.SetValue(value)
	return c
}
