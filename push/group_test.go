package push

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

func TestPushAddDelete(t *testing.T) {
	const path = "/metrics/job/backup/instance/db1"
	srv := startGateway(t, nil)
	g := must(t, srv.URL, "backup", inText, Grouping("instance", "db1"))
	if err := errors.Join(g.Push(t.Context(), someRegistry()), g.Add(t.Context(), someRegistry()), g.Delete(t.Context())); err != nil {
		t.Fatal(err)
	}
	want := []struct{ method, body string }{{"PUT", someText}, {"POST", someText}, {"DELETE", ""}}
	got := srv.requests(t)
	if len(got) != len(want) {
		t.Fatalf("%d requests arrived, want %d", len(got), len(want))
	}
	for i, w := range want {
		if got[i].Method != w.method || got[i].Path != path || got[i].Body != w.body {
			t.Errorf("request %d is %+v, want %s %s with\n%s", i, got[i], w.method, path, w.body)
		}
	}
	if h := got[2].Header; got[2].Length != 0 || h.Get("Content-Type") != "" || h.Get("Content-Encoding") != "" {
		t.Errorf("DELETE has a body: %v", h)
	}
}

func TestBodies(t *testing.T) {
	text := exposition.Format{Syntax: exposition.Text004, Escaping: exposition.AllowUTF8}
	proto := exposition.Format{Syntax: exposition.Protobuf, Escaping: exposition.AllowUTF8}
	tests := map[string]struct {
		opts     []Option
		format   exposition.Format
		encoding string
	}{
		"default":      {nil, proto, "gzip"},
		"text":         {[]Option{inText}, text, "gzip"},
		"snappy":       {[]Option{Snappy()}, proto, "snappy"},
		"uncompressed": {[]Option{Uncompressed(), inText}, text, ""},
		"last counts":  {[]Option{inText, Format(exposition.Format{Syntax: exposition.Protobuf}), Snappy(), Uncompressed()}, exposition.Format{Syntax: exposition.Protobuf}, ""},
	}
	reg := someRegistry()
	fennel.NewGauge("disk.free", "Free.", fennel.In(reg)).Set(1)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			want, err := exposition.Bytes(t.Context(), reg, tt.format)
			if err != nil {
				t.Fatal(err)
			}
			srv := startGateway(t, nil)
			if err := must(t, srv.URL, "j", tt.opts...).Push(t.Context(), reg); err != nil {
				t.Fatal(err)
			}
			got := srv.only(t)
			if got.Body != string(want) || got.Length <= 0 {
				t.Errorf("%d bytes arrived:\n%q\nwant\n%q", got.Length, got.Body, want)
			}
			if e := got.Header.Get("Content-Encoding"); e != tt.encoding || got.Header.Get("Content-Type") != tt.format.ContentType() {
				t.Errorf("header %v, want encoding %q and type %q", got.Header, tt.encoding, tt.format.ContentType())
			}
		})
	}
}

// An empty registry empties the group, and that is not hidden from the gateway.
func TestPushNothing(t *testing.T) {
	for _, opts := range [][]Option{nil, {Uncompressed()}, {Snappy()}, {inText}} {
		srv := startGateway(t, nil)
		if err := must(t, srv.URL, "j", opts...).Push(t.Context(), fennel.NewRegistry()); err != nil {
			t.Fatal(err)
		}
		if got := srv.only(t); got.Method != "PUT" || got.Body != "" || got.Length < 0 {
			t.Errorf("got %+v", got)
		}
	}
}

// What there is arrives, and the error says what is missing.
func TestPushPartly(t *testing.T) {
	reg := someRegistry()
	reg.MustRegister(failing{})
	srv := startGateway(t, nil)
	err := must(t, srv.URL, "j", inText).Push(t.Context(), reg)
	if !fennel.Partial(err) {
		t.Errorf("error %v is not fennel.Partial", err)
	}
	wantText(t, err, "the disk is gone")
	if got := srv.only(t); !strings.Contains(got.Body, "jobs_total 2") || !strings.Contains(got.Body, "kept 1") {
		t.Errorf("arrived:\n%s", got.Body)
	}

	refusing := startGateway(t, status(500, "no room"))
	err = must(t, refusing.URL, "j").Add(t.Context(), reg)
	if e := asError(t, err); e.StatusCode != 500 || !fennel.Partial(err) {
		t.Errorf("error %v, want both", err)
	}
	wantText(t, err, "the disk is gone", "no room")
}

// A collector that hangs costs its own part, not the push.
func TestPushLateCollector(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	reg := someRegistry()
	reg.MustRegister(fennel.CollectorFunc(func(context.Context, *fennel.Writer) error {
		<-release
		return nil
	}))
	srv := startGateway(t, nil)
	err := must(t, srv.URL, "j", inText, Timeout(300*time.Millisecond)).Push(t.Context(), reg)
	if !fennel.Partial(err) {
		t.Errorf("error %v", err)
	}
	if got := srv.only(t); !strings.HasSuffix(got.Body, someText) {
		t.Errorf("arrived:\n%s", got.Body)
	}
}

func TestNotMadeByNew(t *testing.T) {
	for _, g := range []*Group{nil, {}} {
		for _, err := range []error{g.Push(t.Context(), someRegistry()), g.Add(t.Context(), nil), g.Delete(t.Context()), g.Run(t.Context(), nil)} {
			wantText(t, err, "not made by New")
		}
	}
	g := must(t, "pg", "j")
	wantText(t, errors.Join(g.Push(t.Context(), nil), g.Run(t.Context(), nil)), "nil\n", "nothing to push")
}

func TestOptionsRefused(t *testing.T) {
	tests := map[string]struct {
		opt  Option
		want string
	}{
		"OpenMetrics":        {Format(exposition.Format{Syntax: exposition.OpenMetrics100}), "exposition.Text004"},
		"text 1.0.0":         {Format(exposition.Format{Syntax: exposition.Text100}), "PrometheusText1.0.0"},
		"timeout":            {Timeout(0), "must be positive"},
		"negative timeout":   {Timeout(-time.Second), "must be positive"},
		"retries":            {Retry(-1), "-1"},
		"type header":        {Header("content-type", "x"), "see Format"},
		"length header":      {Header("Content-Length", "1"), "see Format"},
		"host header":        {Header("host", "x"), "gateway's URL"},
		"no header":          {Header("", "x"), "no name"},
		"blank in header":    {Header("a b", "x"), "character"},
		"colon in header":    {Header("a:b", "x"), "character"},
		"line feed":          {Header("A", "s3cret\nB: c"), "control character"},
		"no client":          {Client(nil), "nil"},
		"nil client":         {Client((*http.Client)(nil)), "nil"},
		"no user":            {BasicAuth("", ""), "empty"},
		"colon in user":      {BasicAuth("a:b", "s3cret"), "colon"},
		"no token":           {BearerToken(""), "empty"},
		"blank in token":     {BearerToken("s3cret s3cret"), "blank"},
		"line feed in token": {BearerToken("s3cret\n"), "blank"},
		"no function":        {BearerTokenFunc(nil), "nil"},
		"no token file":      {BearerTokenFile("testdata/missing"), "testdata/missing"},
		"no authorization":   {Header("authorization", ""), "empty"},
		"no TLS config":      {TLSConfig(nil), "nil"},
		"no TLS files":       {TLSFiles("", "", ""), "no file"},
		"no key":             {TLSFiles("cert", "", "ca"), "without a key"},
		"no certificate":     {TLSFiles("", "key", "ca"), "without a certificate"},
		"missing CA":         {TLSFiles("", "", "testdata/missing"), "testdata/missing"},
		"no PEM":             {TLSFiles("", "", "testdata/gateway_url.json"), "no certificate in PEM"},
		"missing pair":       {TLSFiles("testdata/missing", "testdata/missing", ""), "testdata/missing"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			g, err := New("https://pg", "j", nil, tt.opt)
			wantText(t, err, "push: ", tt.want)
			if g != nil || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("group %v, error %v", g, err)
			}
		})
	}
}

func TestOptionsThatDontFitTogether(t *testing.T) {
	token := BearerToken("token")
	tests := map[string]struct {
		gateway string
		opts    []Option
		want    string
	}{
		"two credentials":     {"pg", []Option{BasicAuth("u", "p"), token}, "BasicAuth and BearerToken"},
		"header":              {"pg", []Option{token, Header("Authorization", "x y")}, "BearerToken and Header"},
		"user info":           {"http://u:p@pg", []Option{token}, "BearerToken and the gateway URL"},
		"TLS without https":   {"pg", []Option{TLSFiles("", "", "ca.pem")}, "https://"},
		"TLS beside a client": {"https://pg", []Option{TLSFiles("", "", "ca.pem"), Client(http.DefaultClient)}, "transport"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := New(tt.gateway, "j", tt.opts...)
			wantText(t, err, "push: ", tt.want)
		})
	}
}

func TestHeaders(t *testing.T) {
	srv := startGateway(t, nil)
	g := must(t, srv.URL, "j", Header("x-tenant", "a"), Header("X-Tenant", "b"), Header("User-Agent", "me"))
	if err := g.Push(t.Context(), someRegistry()); err != nil {
		t.Fatal(err)
	}
	h := srv.only(t).Header
	if strings.Join(h["X-Tenant"], ",") != "a,b" || h.Get("User-Agent") != "me" {
		t.Errorf("header %v", h)
	}
	if err := must(t, srv.URL, "j").Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := srv.requests(t); got[1].Header.Get("User-Agent") != "fennel-push" {
		t.Errorf("header %v", got[1].Header)
	}
}

// A caller's client is used, and neither it nor what it is handed is shared.
func TestClientIsNotChanged(t *testing.T) {
	srv := startGateway(t, nil)
	seen := 0
	var first http.Header
	client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		if seen++; seen == 1 {
			first = maps.Clone(r.Header)
		}
		r.Header["X-Tenant"][0] = "changed"
		r.Header.Set("Authorization", "changed")
		r.Header.Add("X-More", "more")
		return srv.Client().Transport.RoundTrip(r)
	})}
	g := must(t, srv.URL, "j", Client(client), Header("X-Tenant", "a"), BasicAuth("u", "p"))
	for range 2 {
		if err := g.Push(t.Context(), someRegistry()); err != nil {
			t.Fatal(err)
		}
	}
	if client.CheckRedirect != nil || seen != 2 {
		t.Errorf("the client was changed, or not used: %d requests", seen)
	}
	if g.header.Get("X-Tenant") != "a" || len(g.header) != 1 || len(first) != len(g.header)+4 {
		t.Errorf("headers are shared: %v, %v", g.header, first)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// body tells whether it was read to its end and closed.
type body struct {
	io.Reader
	closed bool
}

func (b *body) Close() error {
	b.closed = true
	return nil
}

func TestAnswersAreClosed(t *testing.T) {
	for _, code := range []int{200, 202, 302, 400, 500} {
		long := strings.NewReader(strings.Repeat("x", 10000))
		endless := &body{Reader: io.MultiReader(long, repeating{})}
		for _, b := range []*body{{Reader: strings.NewReader(strings.Repeat("x", 10000))}, endless} {
			do := doerFunc(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: code, Body: b}, nil
			})
			err := must(t, "pg", "j", Client(do)).Push(t.Context(), someRegistry())
			if (err == nil) != (code < 300) || !b.closed {
				t.Errorf("status %d: error %v, closed: %t", code, err, b.closed)
			}
			if left, _ := io.CopyN(io.Discard, b.Reader, 1); left > 0 && b != endless {
				t.Errorf("status %d: the answer was not read to its end", code)
			}
		}
	}
}

// repeating is text without end.
type repeating struct{}

func (repeating) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}
