package fennelhttp

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
)

// scheme is one way to show that one is allowed to scrape.
type scheme struct {
	challenge string // how clients are asked for it
	allows    func(*http.Request) bool
	remembers func(*http.Request) bool // allows, where that costs nothing; may be nil
}

// guard lets those pass who are allowed to by one of its schemes. What a scheme
// needs hangs on its function, so that bcrypt is linked only into programs that
// use it.
type guard struct {
	schemes []scheme
	log     logFunc
	limits  limits
}

// guard returns who asks for the credentials of options, nil if there are none. An
// error is that of any option so far.
func (c *config) guard() (*guard, error) {
	if c.err != nil || len(c.schemes) == 0 {
		return nil, c.err
	}
	g := &guard{log: c.log, limits: c.limits}
	for _, make := range c.schemes {
		s, err := make(c)
		if err != nil {
			return nil, err
		}
		g.schemes = append(g.schemes, s)
	}
	return g, nil
}

// protect returns a handler that serves only who is allowed. A nil guard protects
// nothing.
func (g *guard) protect(h http.Handler) http.Handler {
	if g == nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.allows(r) {
			h.ServeHTTP(w, r)
			return
		}
		g.refuse(w, r)
	})
}

// allows asks what costs nothing of all schemes first: one would have to hash
// the passwords of another's users.
func (g *guard) allows(r *http.Request) bool {
	for _, s := range g.schemes {
		if s.remembers != nil && s.remembers(r) {
			return true
		}
	}
	for _, s := range g.schemes {
		if s.allows(r) {
			return true
		}
	}
	return false
}

// refuse answers with the status 401, and with the ways in. It says the same to
// everybody, whatever was wrong.
func (g *guard) refuse(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "" {
		g.log(r.Context(), slog.LevelWarn, "request refused: wrong credentials", "client", r.RemoteAddr)
	}
	var challenges []string
	for _, s := range g.schemes {
		if !slices.Contains(challenges, s.challenge) {
			challenges = append(challenges, s.challenge)
		}
	}
	w.Header()["Www-Authenticate"] = challenges
	serveError(w, r, g.limits, http.StatusUnauthorized, "401 unauthorized")
}

// WithBearerToken lets in who sends this token, in the header "Authorization:
// Bearer TOKEN". It may be given several times, for as many tokens, and beside
// [WithBasicAuth]: one of all of these is enough. Who has none gets the status
// 401. Tokens are compared in constant time.
//
// It guards a handler, and all that a server serves but for its health check, see
// [WithHealth]. Without TLS everybody on the way can read the token.
//
// A token that is empty, or has white space or other characters that can't be
// sent, is an error.
func WithBearerToken(token string) Option {
	token = strings.Clone(token)
	return option(func(c *config) {
		if err := checkToken(token); err != nil {
			c.fail(fmt.Errorf("WithBearerToken: %w", err))
			return
		}
		want := sha256.Sum256([]byte(token))
		c.schemes = append(c.schemes, func(*config) (scheme, error) {
			return bearerScheme(func() [sha256.Size]byte { return want }), nil
		})
	})
}

// WithBearerTokenFile is [WithBearerToken] with the token in a file, with white
// space around it removed. The file may change: at requests, but at most once a
// second, it is read again. As long as it can't be used the token stays that was
// there before, and an error is logged. It is an error if it can't be used
// from the outset.
//
// To change a token while scrapers use it give two files: one has the old token,
// and one the new.
func WithBearerTokenFile(path string) Option {
	path = strings.Clone(path)
	return option(func(c *config) {
		c.schemes = append(c.schemes, func(c *config) (scheme, error) {
			want, err := watch(c, "bearer_token", fixed(path), parseToken)
			if err != nil {
				return scheme{}, fmt.Errorf("WithBearerTokenFile: %w", err)
			}
			return bearerScheme(want.get), nil
		})
	})
}

// bearerScheme allows who sends the token with this digest. Digests are of one
// length, so that comparing them tells nothing of the token's.
func bearerScheme(want func() [sha256.Size]byte) scheme {
	return scheme{challenge: `Bearer realm="metrics"`, allows: func(r *http.Request) bool {
		name, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(name, "Bearer") {
			return false
		}
		got, want := sha256.Sum256([]byte(strings.TrimLeft(token, " "))), want()
		return subtle.ConstantTimeCompare(got[:], want[:]) == 1
	}}
}

// parseToken returns the digest of the token in a file.
func parseToken(files []file) (digest [sha256.Size]byte, err error) {
	token := strings.TrimSpace(string(files[0].text))
	if err := checkToken(token); err != nil {
		return digest, fmt.Errorf("bearer token in %s: %w", files[0].path, err)
	}
	return sha256.Sum256([]byte(token)), nil
}

// checkToken says what is wrong with a token, without showing it.
func checkToken(token string) error {
	if token == "" {
		return errors.New("the token is empty")
	}
	for i := range len(token) {
		if token[i] <= ' ' || token[i] >= 0x7f {
			return errors.New("the token has a character that is not printable ASCII")
		}
	}
	return nil
}
