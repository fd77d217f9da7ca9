package fennelhttp

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// hash returns the cheapest hash of a password.
func hash(password string) string {
	h, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		panic(err)
	}
	return string(h)
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func TestCredentials(t *testing.T) {
	const basicChallenge, bearerChallenge = `Basic realm="metrics", charset="UTF-8"`, `Bearer realm="metrics"`
	users := map[string]string{
		"prometheus": hash("s3cret"),
		"jürgen":     hash("pass:wörd"),
		"apache":     "$2y$" + hash("x")[4:], // as htpasswd writes them
		"empty":      hash(""),
	}
	byPassword := []HandlerOption{WithBasicAuth(users)}
	byToken := []HandlerOption{WithBearerToken("t0ken"), WithBearerToken("t1ken"), WithBearerTokenFile(tempFile(t, []byte("  t2ken\r\n")))}
	byAny := append(append([]HandlerOption{}, byPassword...), byToken...)
	for _, test := range []struct {
		opts       []HandlerOption
		header     string
		allowed    bool
		challenges []string
	}{
		{nil, "", true, nil},
		{nil, "Basic nonsense", true, nil},
		{byPassword, "", false, []string{basicChallenge}},
		{byPassword, basic("prometheus", "s3cret"), true, nil},
		{byPassword, strings.Replace(basic("prometheus", "s3cret"), "Basic", "bASIC", 1), true, nil},
		{byPassword, basic("jürgen", "pass:wörd"), true, nil},
		{byPassword, basic("apache", "x"), true, nil},
		{byPassword, basic("empty", ""), true, nil},
		{byPassword, basic("prometheus", ""), false, []string{basicChallenge}},
		{byPassword, basic("prometheus", "S3cret"), false, []string{basicChallenge}},
		{byPassword, basic("prometheus", "s3cret "), false, []string{basicChallenge}},
		{byPassword, basic("prometheus", users["prometheus"]), false, []string{basicChallenge}},
		{byPassword, basic("Prometheus", "s3cret"), false, []string{basicChallenge}},
		{byPassword, basic("nobody", "s3cret"), false, []string{basicChallenge}},
		{byPassword, basic("", ""), false, []string{basicChallenge}},
		{byPassword, "Basic nonsense", false, []string{basicChallenge}},
		{byPassword, "Basic", false, []string{basicChallenge}},
		{byPassword, "Bearer s3cret", false, []string{basicChallenge}},
		{byToken, "", false, []string{bearerChallenge}},
		{byToken, "Bearer t0ken", true, nil},
		{byToken, "Bearer t1ken", true, nil},
		{byToken, "Bearer t2ken", true, nil},
		{byToken, "bearer  t0ken", true, nil},
		{byToken, "Bearer t0ke", false, []string{bearerChallenge}},
		{byToken, "Bearer t0kenn", false, []string{bearerChallenge}},
		{byToken, "Bearer T0KEN", false, []string{bearerChallenge}},
		{byToken, "Bearer ", false, []string{bearerChallenge}},
		{byToken, "Bearer", false, []string{bearerChallenge}},
		{byToken, "Bearert0ken", false, []string{bearerChallenge}},
		{byToken, "t0ken", false, []string{bearerChallenge}},
		{byToken, "Token t0ken", false, []string{bearerChallenge}},
		{byAny, basic("prometheus", "s3cret"), true, nil},
		{byAny, "Bearer t1ken", true, nil},
		{byAny, "Bearer s3cret", false, []string{basicChallenge, bearerChallenge}},
	} {
		h := bare(someRegistry(), test.opts...)
		for range 2 { // the second time it is remembered
			r := request("GET", "/metrics")
			if test.header != "" {
				r.Header.Set("Authorization", test.header)
			}
			w := serve(h, r)
			got := w.Header().Values("WWW-Authenticate")
			if strings.Join(got, "\n") != strings.Join(test.challenges, "\n") {
				t.Errorf("%q: asked for %q, want %q", test.header, got, test.challenges)
			}
			if want := map[bool]int{true: 200, false: 401}[test.allowed]; w.Code != want {
				t.Errorf("%q: status %d, want %d", test.header, w.Code, want)
			}
			if served := w.Body.String() == someText; served != test.allowed {
				t.Errorf("%q: body %q", test.header, w.Body)
			}
		}
	}
}

// Nothing of a guarded handler is seen without credentials, and it does no work.
func TestGuardedHandlerTellsNothing(t *testing.T) {
	h := Handler(untouched(t), WithBearerToken("t0ken"))
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST"} {
		for _, target := range []string{"/metrics", "/favicon.ico", "/metrics?debug=text&format=nope"} {
			if w := serve(h, request(method, target)); w.Code != 401 || w.Header().Get("Allow") != "" {
				t.Errorf("%s %s: status %d, header %v", method, target, w.Code, w.Header())
			}
		}
	}
}

func TestGuardLogsNoSecret(t *testing.T) {
	var log journal
	h := Handler(nil, WithBasicAuth(map[string]string{"a": hash("b")}), WithBearerToken("t0ken"), WithLogger(log.logger()))
	serve(h, request("GET", "/"))
	if got := log.String(); got != "" {
		t.Errorf("who only asks is logged: %s", got)
	}
	serve(h, request("GET", "/", "Authorization", "Bearer s3cret"))
	serve(h, request("GET", "/", "Authorization", basic("us3r", "s3cret")))
	got := log.String()
	if strings.Count(got, "level=WARN") != 2 || strings.Contains(got, "s3cret") || strings.Contains(got, "us3r") || strings.Contains(got, "t0ken") {
		t.Errorf("logged %s", got)
	}
}

func TestEverythingIsGuardedButHealth(t *testing.T) {
	s := start(t, "127.0.0.1:0", someRegistry(), WithoutSelfMetrics(), WithBearerToken("t0ken"), WithHealth("/healthz", nil),
		WithHandler("/profiles", http.NotFoundHandler()))
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for path, want := range map[string]int{"/": 200, "/metrics": 200, "/profiles": 404, "/nope": 404, "/favicon.ico": 200, "/healthz": 200} {
		if status, _ := fetch(t, s.URL()+path); status != 401 && path != "/healthz" {
			t.Errorf("%s without token: %d", path, status)
		}
		if resp := get(t, client, s.URL()+path, "Authorization", "Bearer t0ken"); resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, resp.StatusCode, want)
		}
	}
	if status, body := fetch(t, s.URL()+"/healthz"); status != 200 || body != "ok\n" {
		t.Errorf("health: %d %q", status, body)
	}
}

func TestHandlerPanicsWhereNewHandlerReturnsAnError(t *testing.T) {
	for name, opt := range map[string]HandlerOption{
		"hash":  WithBasicAuth(map[string]string{"a": "b"}),
		"token": WithBearerToken(""),
		"file":  WithBearerTokenFile("nope"),
	} {
		h, err := NewHandler(nil, opt)
		if h != nil || err == nil || !strings.HasPrefix(err.Error(), "fennelhttp: With") {
			t.Errorf("%s: %v, %v", name, h, err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			Handler(nil, opt)
		}()
	}
}

func TestUsersAreCopied(t *testing.T) {
	users := map[string]string{"a": hash("b")}
	opt := WithBasicAuth(users)
	delete(users, "a")
	if w := serve(bare(someRegistry(), opt), request("GET", "/", "Authorization", basic("a", "b"))); w.Code != 200 {
		t.Errorf("status %d", w.Code)
	}
}

func TestTokenFileIsReadAgain(t *testing.T) {
	path := tempFile(t, []byte("one\n"))
	var log journal
	c := defaultConfig()
	for _, o := range []HandlerOption{WithBearerTokenFile(path), WithLogger(log.logger())} {
		o.forHandler(&c)
	}
	c.limits.look = 0
	guard, err := c.guard()
	if err != nil {
		t.Fatal(err)
	}
	h := guard.protect(newHandler(someRegistry(), &c))
	status := func(token string) int {
		return serve(h, request("GET", "/", "Authorization", "Bearer "+token)).Code
	}
	for _, step := range []struct{ text, good, bad, log string }{
		{"one\n", "one", "two", ""},
		{"two\n", "two", "one", "changed files are in use"},
		{"", "two", "", "the file is empty"},
		{"a b", "two", "a b", "printable"},
		{"a b", "two", "a b", "printable"},
		{"two\n", "two", "one", "changed files are in use"},
		{"three", "three", "two", "changed files are in use"},
	} {
		write(t, path, []byte(step.text))
		before := len(log.String())
		if got := status(step.good); got != 200 {
			t.Errorf("file %q: token %q got %d", step.text, step.good, got)
		}
		if got := status(step.bad); got != 401 {
			t.Errorf("file %q: token %q got %d", step.text, step.bad, got)
		}
		if got := log.String()[before:]; !strings.Contains(got, step.log) && !strings.Contains(log.String(), step.log) {
			t.Errorf("file %q: logged %q, want %q", step.text, got, step.log)
		}
	}
	for text, want := range map[string]int{"printable": 1, "changed files are in use": 3} {
		if got := strings.Count(log.String(), text); got != want {
			t.Errorf("%q was logged %d times, want %d", text, got, want)
		}
	}
}

// Files are not looked at more often than has been said.
func TestFilesAreLookedAtOnceInAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := defaultConfig()
		looks := 0
		path := tempFile(t, []byte("x"))
		w, err := watch(&c, "x", func() ([]string, error) { looks++; return []string{path}, nil }, parseToken)
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			for range 5 {
				w.get()
			}
			time.Sleep(c.limits.look) // of the bubble
		}
		if looks != 10 {
			t.Errorf("looked %d times in 10 seconds", looks)
		}
	})
}

// The slot for hashes shows who computes one.
func TestWhoHasToWaitForAHash(t *testing.T) {
	for _, test := range []struct {
		user, password string
		waits, allowed bool
	}{
		{"a", "right", false, true}, // remembered
		{"b", "right", true, true},
		{"a", "wrong", true, false},
		{"b", "wrong", true, false},
		{"nobody", "right", true, false},
		{"nobody", "wrong", true, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			b, err := newBasicAuth(map[string]string{"a": hash("right"), "b": hash("right")})
			if err != nil {
				t.Fatal(err)
			}
			if !b.check(t.Context(), "a", "right") || b.check(t.Context(), "nobody", "right") {
				t.Fatal("the wrong one is let in")
			}
			b.slot <- struct{}{}
			result := make(chan bool, 1)
			go func() { result <- b.check(t.Context(), test.user, test.password) }()
			synctest.Wait()
			if waits := len(result) == 0; waits != test.waits {
				t.Errorf("%s, %s: waits is %v", test.user, test.password, waits)
			}
			<-b.slot
			if got := <-result; got != test.allowed {
				t.Errorf("%s, %s: allowed is %v", test.user, test.password, got)
			}
		})
	}
}

// Users of a second option would wait for the first one's hash at each scrape.
func TestUsersOfAllOptionsAreRemembered(t *testing.T) {
	c := defaultConfig()
	first, second := map[string]string{"a": hash("x")}, map[string]string{"b": hash("y"), "a": hash("z")}
	for _, o := range []HandlerOption{WithBasicAuth(first), WithBasicAuth(second)} {
		o.forHandler(&c)
	}
	guard, err := c.guard()
	if err != nil {
		t.Fatal(err)
	}
	computed := 0
	for i, s := range guard.schemes {
		guard.schemes[i].allows = func(r *http.Request) bool {
			computed++
			return s.allows(r)
		}
	}
	for _, credentials := range []string{basic("a", "x"), basic("b", "y"), basic("a", "z")} {
		r := request("GET", "/", "Authorization", credentials)
		if !guard.allows(r) {
			t.Errorf("%s is not let in", credentials)
		}
		computed = 0
		if !guard.allows(r) || computed > 0 {
			t.Errorf("%s is hashed again", credentials)
		}
	}
}

func TestWhoLeavesDoesNotWaitForAHash(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b, _ := newBasicAuth(map[string]string{"a": hash("b")})
	b.slot <- struct{}{}
	if b.check(ctx, "a", "b") {
		t.Error("let in without being checked")
	}
}

// Servers of fasthttp don't say when a client has gone.
func TestNobodyWaitsLongForAHash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := newBasicAuth(map[string]string{"a": hash("b")})
		if err != nil {
			t.Fatal(err)
		}
		b.slot <- struct{}{}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // of the bubble
		defer cancel()
		if b.check(ctx, "a", "b") || ctx.Err() != nil {
			t.Error("waited until the client was gone")
		}
		<-b.slot
		if !b.check(ctx, "a", "b") {
			t.Error("not let in afterwards")
		}
	})
}

func BenchmarkBasicAuth(b *testing.B) {
	auth, err := newBasicAuth(map[string]string{"a": hash("b")})
	if err != nil {
		b.Fatal(err)
	}
	r := request("GET", "/", "Authorization", basic("a", "b"))
	b.ReportAllocs()
	for b.Loop() {
		if !auth.allows(r) {
			b.Fatal("not allowed")
		}
	}
}
