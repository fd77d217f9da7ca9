package fennelhttp

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// WithBasicAuth lets in these users, by the password whose bcrypt hash is the
// map's value, as "htpasswd -nB user" makes them. Who shows none of them gets the
// status 401. The map is copied. See [WithBearerToken] for what is guarded, and for
// other ways in beside this one.
//
// A hash is meant to be slow: 50 ms at the usual cost of 10. Which password a user
// had last is kept, as a digest under a random key, so that a scraper pays for its
// first scrape alone. Others are checked one at a time, so that who guesses keeps
// one core busy at most; who has not had his turn after 10 seconds is refused. A
// user that doesn't exist costs as much as a wrong password.
//
// Without TLS everybody on the way can read the password.
//
// It is an error if there is no user, if a name is empty or has a colon, and if a
// hash is none of bcrypt's. A hash is not shown in errors.
func WithBasicAuth(users map[string]string) Option {
	users = maps.Clone(users)
	return option(func(c *config) {
		b, err := newBasicAuth(users)
		if err != nil {
			c.fail(fmt.Errorf("WithBasicAuth: %w", err))
			return
		}
		c.schemes = append(c.schemes, func(*config) (scheme, error) {
			return scheme{`Basic realm="metrics", charset="UTF-8"`, b.allows, b.remembers}, nil
		})
	})
}

// basicAuth checks names and passwords.
type basicAuth struct {
	users   map[string]*user
	byIndex []*user
	key     []byte        // of digests
	slot    chan struct{} // taken by who computes a hash
}

// user is somebody with a password.
type user struct {
	hash   []byte
	digest atomic.Pointer[[sha256.Size]byte] // of the password that was right last
}

func newBasicAuth(hashes map[string]string) (*basicAuth, error) {
	if len(hashes) == 0 {
		return nil, errors.New("there is no user, so nobody could scrape")
	}
	b := &basicAuth{users: make(map[string]*user), key: make([]byte, sha256.Size), slot: make(chan struct{}, 1)}
	rand.Read(b.key) // never fails
	for _, name := range slices.Sorted(maps.Keys(hashes)) {
		if name == "" || strings.ContainsFunc(name, unfitForUser) {
			return nil, fmt.Errorf("user %q: a name must not be empty, nor have a colon or control characters", name)
		}
		if err := checkHash(hashes[name]); err != nil {
			return nil, fmt.Errorf("user %q: %w", name, err)
		}
		u := &user{hash: []byte(hashes[name])}
		b.users[strings.Clone(name)] = u
		b.byIndex = append(b.byIndex, u)
	}
	return b, nil
}

func unfitForUser(r rune) bool { return r == ':' || r < ' ' || r == 0x7f }

// checkHash sees to it that a hash can match a password at all. Package bcrypt
// would not say before one is compared.
func checkHash(hash string) error {
	if _, err := bcrypt.Cost([]byte(hash)); err != nil || len(hash) != 60 || strings.ContainsFunc(hash[7:], unfitForHash) {
		return errors.New(`the hash is not one of bcrypt, such as "htpasswd -nB" makes`)
	}
	return nil
}

// unfitForHash reports characters that bcrypt's base64 has not.
func unfitForHash(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '.' || r > '9')
}

func (b *basicAuth) allows(r *http.Request) bool {
	name, password, ok := r.BasicAuth()
	return ok && b.check(r.Context(), name, password)
}

// remembers reports whether a user has shown the password before.
func (b *basicAuth) remembers(r *http.Request) bool {
	name, password, _ := r.BasicAuth()
	u, known := b.users[name]
	if !known {
		return false
	}
	sum := b.sum(password)
	return u.remembers(&sum)
}

// turnWait is how long one waits for one's turn: as long as Prometheus, by default.
// Not every server says when a client has gone, and who floods one with guesses
// must not keep others waiting long after he stopped.
const turnWait = 10 * time.Second

// check reports whether the password is the user's. If ctx ends before it is
// known, it is not.
func (b *basicAuth) check(ctx context.Context, name, password string) bool {
	u, known := b.users[name]
	if !known {
		// Somebody else's hash takes as long, and each name has always the same.
		sum := b.sum(name)
		u = b.byIndex[binary.BigEndian.Uint64(sum[:])%uint64(len(b.byIndex))]
	}
	sum := b.sum(password)
	if known && u.remembers(&sum) {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, turnWait)
	defer cancel()
	select {
	case b.slot <- struct{}{}:
		defer func() { <-b.slot }()
	case <-ctx.Done():
		return false
	}
	if known && u.remembers(&sum) { // somebody else was first
		return true
	}
	matches := bcrypt.CompareHashAndPassword(u.hash, []byte(password)) == nil
	if !known || !matches {
		return false
	}
	u.digest.Store(&sum)
	return true
}

// remembers reports whether this is the digest of the user's last password.
func (u *user) remembers(sum *[sha256.Size]byte) bool {
	last := u.digest.Load()
	return last != nil && hmac.Equal(last[:], sum[:])
}

// sum returns a digest that is worth nothing to who doesn't have the key.
func (b *basicAuth) sum(text string) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, b.key)
	mac.Write([]byte(text))
	mac.Sum(sum[:0])
	return sum
}
