package push

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

var redirectCodes = []int{301, 302, 303, 307, 308}

// redirectTo answers requests for groups with a redirect.
func redirectTo(code int, location func() string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/metrics/") {
			w.Header().Set("Location", location())
			w.WriteHeader(code)
		}
	}
}

func TestRedirectsAreRefused(t *testing.T) {
	for _, code := range redirectCodes {
		for _, opts := range [][]Option{nil, {Client(http.DefaultClient)}} {
			srv := startGateway(t, redirectTo(code, func() string { return "https://user:s3cret@new.example/x?token=s3cret" }))
			err := must(t, srv.URL, "j", opts...).Add(t.Context(), someRegistry())
			wantText(t, err, "redirects to https://new.example/x?token=xxxxx;", "TrustRedirects", fmt.Sprint(code))
			if strings.Contains(err.Error(), "s3cret") || asError(t, err).temporary() {
				t.Errorf("error %v", err)
			}
			srv.only(t)
		}
	}
}

func TestTrustRedirects(t *testing.T) {
	for _, code := range redirectCodes {
		for _, opts := range [][]Option{nil, {Client(&http.Client{})}, {Client(doerFunc(oneHop))}} {
			srv := startGateway(t, redirectTo(code, func() string { return "/moved?to=there" }))
			opts = append(opts, inText, TrustRedirects(), BasicAuth("u", "p"), Header("X-Tenant", "a"))
			g := must(t, srv.URL, "j", opts...)
			for i, do := range []func() error{
				func() error { return g.Push(t.Context(), someRegistry()) },
				func() error { return g.Add(t.Context(), someRegistry()) },
				func() error { return g.Delete(t.Context()) },
			} {
				if err := do(); err != nil {
					t.Fatalf("%d: %v", code, err)
				}
				got := srv.requests(t)[2*i:]
				if len(got) != 2 || got[1].Path != "/moved?to=there" || got[1].Method != got[0].Method {
					t.Fatalf("%d: %+v", code, got)
				}
				if got[1].Body != got[0].Body || i < 2 && got[1].Body != someText {
					t.Errorf("%d: the body is now\n%s", code, got[1].Body)
				}
				if fmt.Sprint(got[1].Header) != fmt.Sprint(got[0].Header) || got[1].Header.Get("Authorization") != "Basic dTpw" {
					t.Errorf("%d: the header is now\n%v, was\n%v", code, got[1].Header, got[0].Header)
				}
			}
		}
	}
}

// oneHop sends a request and follows nothing.
func oneHop(r *http.Request) (*http.Response, error) {
	transport := &http.Transport{DisableKeepAlives: true}
	return transport.RoundTrip(r)
}

// hosts sends requests for all hosts to one server.
func hosts(srv *httptest.Server) Option {
	u, _ := url.Parse(srv.URL)
	return Client(doerFunc(func(r *http.Request) (*http.Response, error) {
		r.Host = r.URL.Scheme + "://" + r.URL.Host
		r.URL.Scheme, r.URL.Host = "http", u.Host
		return oneHop(r)
	}))
}

// Credentials stay where they belong, while the metrics go on.
func TestRedirectedCredentials(t *testing.T) {
	tests := []struct {
		gateway string
		hops    []string
		kept    []bool
	}{
		{"http://pg:9091", []string{"http://pg:9091/a"}, []bool{true}},
		{"http://pg:9091", []string{"http://PG/a"}, []bool{true}},
		{"http://pg:9091", []string{"https://pg/a"}, []bool{true}},
		{"https://pg", []string{"http://pg/a"}, []bool{false}},
		{"https://pg", []string{"https://other/a"}, []bool{false}},
		{"https://pg", []string{"https://sub.pg/a"}, []bool{false}},
		{"https://pg", []string{"https://pg.evil/a"}, []bool{false}},
		{"https://pg", []string{"https://other/a", "https://pg/b"}, []bool{false, false}},
		{"https://pg", []string{"http://pg/a", "https://pg/b"}, []bool{false, false}},
		{"https://pg", []string{"//other/a"}, []bool{false}},
		{"https://pg", []string{"https://u:q@pg/a"}, []bool{true}},
		{"https://pg", []string{"https://pg@other/a"}, []bool{false}},
	}
	for _, tt := range tests {
		hop := 0
		srv := startGateway(t, func(w http.ResponseWriter, _ *http.Request) {
			if hop < len(tt.hops) {
				w.Header().Set("Location", tt.hops[hop])
				w.WriteHeader(307)
				hop++
			}
		})
		g := must(t, tt.gateway, "j", inText, hosts(srv.Server), TrustRedirects(), BearerToken("token"), Header("X-Key", "key"))
		if err := g.Push(t.Context(), someRegistry()); err != nil {
			t.Fatal(err)
		}
		got := srv.requests(t)
		if len(got) != len(tt.hops)+1 || got[0].Header.Get("Authorization") != "Bearer token" {
			t.Fatalf("%v: %+v", tt.hops, got)
		}
		for i, kept := range tt.kept {
			h := got[i+1].Header
			auth, key := h.Get("Authorization") == "Bearer token", h.Get("X-Key") == "key"
			if auth != kept || key != kept || got[i+1].Body != someText {
				t.Errorf("%s to %v: %s got credentials: %t and %t, want %t", tt.gateway, tt.hops, got[i+1].Host, auth, key, kept)
			}
			if !kept && (h.Get("Authorization") != "" || h.Get("X-Key") != "") {
				t.Errorf("%s got something: %v", got[i+1].Host, h)
			}
		}
	}
}

// Where one is sent with user info one goes without.
func TestRedirectWithUserInfo(t *testing.T) {
	var srv *gateway
	srv = startGateway(t, redirectTo(307, func() string { return strings.Replace(srv.URL, "://", "://u:p@", 1) + "/moved" }))
	if err := must(t, srv.URL, "j", TrustRedirects()).Push(t.Context(), someRegistry()); err != nil {
		t.Fatal(err)
	}
	if got := srv.requests(t)[1]; got.Path != "/moved" || got.Header.Get("Authorization") != "" {
		t.Errorf("got %+v", got)
	}
}

func TestRedirectsEnd(t *testing.T) {
	hops := 0
	srv := startGateway(t, func(w http.ResponseWriter, r *http.Request) {
		hops++
		w.Header().Set("Location", fmt.Sprintf("/hop/%d", hops))
		w.WriteHeader(308)
	})
	err := must(t, srv.URL, "j", TrustRedirects(), Retry(3)).Push(t.Context(), someRegistry())
	wantText(t, err, "more than 10 redirects")
	if hops != 11 {
		t.Errorf("%d requests were sent, want 11", hops)
	}
}

func TestRedirectsToNowhere(t *testing.T) {
	for _, location := range []string{"", "ftp://pg/", "http://", "mailto:x", "http:///x"} {
		srv := startGateway(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", location)
			w.WriteHeader(302)
		})
		err := must(t, srv.URL, "j", TrustRedirects()).Push(t.Context(), someRegistry())
		wantText(t, err, "302 Found", "no place")
		srv.only(t)
	}
}

// net/http has a look at what it doesn't follow, and complains.
func TestMalformedRedirect(t *testing.T) {
	srv := startGateway(t, redirectTo(307, func() string { return "http://user:s3cret@[::1/" }))
	err := must(t, srv.URL, "j").Push(t.Context(), someRegistry())
	wantText(t, err, "Location", "http://xxxxx@[::1")
	if strings.Contains(err.Error(), "s3cret") {
		t.Errorf("the error shows a secret: %v", err)
	}
}

// The error of a place that one was sent to names it.
func TestRedirectedAndRefused(t *testing.T) {
	srv := startGateway(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/moved" {
			http.Redirect(w, r, "/moved?token=s3cret", http.StatusTemporaryRedirect)
			return
		}
		http.Error(w, "not here", http.StatusNotFound)
	})
	err := must(t, srv.URL, "j", TrustRedirects()).Push(t.Context(), someRegistry())
	wantText(t, err, "redirected to "+srv.URL+"/moved?token=xxxxx: 404 Not Found: not here")
}

// A client that follows redirects by itself, and loses the metrics, is found out.
func TestClientThatFollows(t *testing.T) {
	for _, code := range []int{301, 302, 303} {
		srv := startGateway(t, redirectTo(code, func() string { return "/moved" }))
		following := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		g := must(t, srv.URL, "j", Client(doerFunc(following.Do)))
		err := g.Push(t.Context(), someRegistry())
		wantText(t, err, "made a GET of it", "nothing arrived")
		if asError(t, err).temporary() {
			t.Errorf("%d: would be tried again: %v", code, err)
		}
	}
}
