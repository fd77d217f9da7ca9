package push

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Whatever goes wrong, and whatever others say, nobody sees a secret.
func TestSecretsAreNotShown(t *testing.T) {
	const secret = "s3cr+t/w rd"
	credentials := map[string][]Option{
		"basic":  {BasicAuth("user", secret)},
		"bearer": {BearerToken("s3cr+t/w.rd")},
		"func":   {BearerTokenFunc(func(context.Context) (string, error) { return "s3cr+t/w.rd", nil })},
		"header": {Header("Authorization", "Custom s3cr+t/w.rd"), Header("X-Key", "s3cr+t-key")},
		"URL":    nil,
	}
	echo := func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		w.Header().Set("Location", "http://"+url.UserPassword(user, password).String()+"@there/?t="+url.QueryEscape(password))
		w.WriteHeader(map[string]int{"/500": 500, "/400": 400, "/301": 301}[r.URL.Path[:4]])
		fmt.Fprintln(w, r.Header, r.URL, r.RequestURI, user, password, "http://"+url.UserPassword(user, password).String()+"@pg/x")
	}
	for name, opts := range credentials {
		srv := startGateway(t, echo)
		base := srv.URL
		if name == "URL" {
			base = strings.Replace(base, "http://", "http://user:"+url.QueryEscape(secret)+"@", 1)
		}
		broken := Client(doerFunc(func(r *http.Request) (*http.Response, error) {
			err := fmt.Errorf("proxy: %v %v: %w", r.URL, r.Header, io.ErrUnexpectedEOF)
			return nil, &url.Error{Op: "Put", URL: r.URL.String(), Err: err}
		}))
		for _, path := range []string{"/500", "/400", "/301", "/brk"} {
			var log journal
			all := append([]Option{Logger(log.logger())}, opts...)
			if path == "/brk" {
				all = append(all, broken)
			}
			g := must(t, base+path+"?token=s3cr%2Bt-token&s3cr+t-other", "j", all...)
			ctx, cancel := context.WithCancel(t.Context())
			err := g.Push(ctx, someRegistry())
			cancel()
			runErr := g.Run(ctx, someRegistry())
			for _, text := range []string{err.Error(), runErr.Error(), log.String(), fmt.Sprintf("%+v %#v", asError(t, err), asError(t, err).Body), g.String()} {
				if strings.Contains(text, "s3cr") || strings.Contains(text, "c3Izc") || strings.Contains(text, "dXNlcj") {
					t.Errorf("%s, %s: a secret is shown: %s", name, path, text)
				}
			}
			if path == "/brk" && (!errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "proxy")) {
				t.Errorf("%s: error %v has lost its reason", name, err)
			}
		}
	}
}

func TestHide(t *testing.T) {
	tests := map[string]string{
		"nothing":                            "nothing",
		"a password":                         "a xxxxx",
		"http://u:p@h/x and https://u@h2/y@": "http://xxxxx@h/x and https://xxxxx@h2/y@",
		"http://h/u:p@x":                     "http://h/u:p@x",
		`"http://u:p@h"`:                     `"http://xxxxx@h"`,
		"http://u:p@h@i":                     "http://xxxxx@i",
		"://":                                "://",
		"abc":                                "abc", // too short to be a secret
		"passwords, pass":                    "xxxxx, pass",
	}
	for text, want := range tests {
		if got := hide(text, []string{"password", "passwords", "abc", ""}); got != want {
			t.Errorf("hide(%q) = %q, want %q", text, got, want)
		}
	}
}

// Secrets are found where the end of an answer is cut off within one, and where it
// is put into one line.
func TestSecretsAreNotShownInPart(t *testing.T) {
	secrets := []string{"other", "s3cret-password", "s3cret  of\t\xffwords"}
	for text, want := range map[string]string{
		"it is s3cret-password":        "it is xxxxx",
		"it is s3cret-passwor":         "it is xxxxx",
		"it is s3cr":                   "it is xxxxx",
		"it is s3c":                    "it is s3c", // which tells nothing
		"it is s3cret  of\t\xffwords.": "it is xxxxx.",
		"it is s3cret  of\t":           "it is xxxxx",
		"s3cr is not the end":          "s3cr is not the end",
	} {
		if got := words(text, secrets); got != want {
			t.Errorf("words(%q) = %q, want %q", text, got, want)
		}
	}
}
