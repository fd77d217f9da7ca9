package push

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCredentials(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("\n from-a-file \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		userInfo string
		opts     []Option
		want     string
	}{
		"none":           {"", nil, ""},
		"basic":          {"", []Option{BasicAuth("us er", "p:ä")}, "Basic dXMgZXI6cDrDpA=="},
		"no password":    {"", []Option{BasicAuth("user", "")}, "Basic dXNlcjo="},
		"user info":      {"u:p%40%2F@", nil, "Basic dTpwQC8="},
		"user alone":     {"u@", nil, "Basic dTo="},
		"token":          {"", []Option{BearerToken("abc.DEF-_~+/=")}, "Bearer abc.DEF-_~+/="},
		"token file":     {"", []Option{BearerTokenFile(file)}, "Bearer from-a-file"},
		"token function": {"", []Option{BearerTokenFunc(func(context.Context) (string, error) { return "made", nil })}, "Bearer made"},
		"own scheme":     {"", []Option{Header("authorization", "Key abc")}, "Key abc"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			srv := startGateway(t, nil)
			g := must(t, strings.Replace(srv.URL, "://", "://"+tt.userInfo, 1), "j", tt.opts...)
			if err := g.Push(t.Context(), someRegistry()); err != nil {
				t.Fatal(err)
			}
			if got := srv.only(t).Header["Authorization"]; strings.Join(got, "|") != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// A new token is used as soon as it is there.
func TestTokenFileChanges(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	srv := startGateway(t, nil)
	g := must(t, srv.URL, "j", BearerTokenFile(file), Retry(3))
	for _, token := range []string{"one", "two\n"} {
		write(token)
		if err := g.Delete(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := srv.requests(t); got[0].Header.Get("Authorization") != "Bearer one" || got[1].Header.Get("Authorization") != "Bearer two" {
		t.Errorf("got %+v", got)
	}
	for _, text := range []string{"", "s3cret s3cret", strings.Repeat("s3cret", 20000)} {
		write(text)
		err := g.Delete(t.Context())
		wantText(t, err, file)
		if strings.Contains(err.Error(), "s3cret") || asError(t, err).temporary() {
			t.Errorf("error %.200v", err)
		}
	}
	os.Remove(file)
	if err := g.Delete(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	if len(srv.requests(t)) != 2 {
		t.Error("requests were sent without the token")
	}
}

func TestTokenFunctionFails(t *testing.T) {
	reason := errors.New("no ticket")
	srv := startGateway(t, nil)
	g := must(t, srv.URL, "j", Retry(3), BearerTokenFunc(func(ctx context.Context) (string, error) {
		if _, ok := ctx.Deadline(); !ok {
			t.Error("the function has all the time in the world")
		}
		return "", reason
	}))
	if err := g.Delete(t.Context()); !errors.Is(err, reason) || asError(t, err).Attempts != 1 {
		t.Errorf("error %v", err)
	}
	if len(srv.requests(t)) > 0 {
		t.Error("a request was sent without the token")
	}
}
