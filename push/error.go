package push

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Error says that a gateway refused what was sent, or that it is not known to
// have got it. It shows no passwords and no tokens, nor user info or the values
// of a query.
type Error struct {
	Method     string // PUT, POST or DELETE
	URL        string // of the group
	StatusCode int    // of the answer; 0 if there was none
	Body       string // the gateway's own words, at most 1 KiB, in one line
	Attempts   int    // how often it was sent
	Err        error  // what there was instead of an answer, or nil

	hint       string        // what it means, and what to do
	final      bool          // another attempt would end the same way
	retryAfter time.Duration // what the gateway asks for
}

// Error returns all of that in one line.
func (e *Error) Error() string {
	parts := []string{"push: " + e.Method + " " + e.URL}
	if e.StatusCode != 0 {
		status := fmt.Sprintf("%d %s", e.StatusCode, http.StatusText(e.StatusCode))
		parts = append(parts, strings.TrimSpace(status))
	}
	if e.Body != "" {
		parts = append(parts, e.Body)
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	text := strings.Join(parts, ": ")
	if e.hint != "" {
		text += " (" + e.hint + ")"
	}
	if e.Attempts > 1 {
		text += fmt.Sprintf(" (attempt %d)", e.Attempts)
	}
	return text
}

// Unwrap returns Err, so that [errors.Is] finds [context.DeadlineExceeded] and
// [errors.As] a *[crypto/tls.CertificateVerificationError].
func (e *Error) Unwrap() error { return e.Err }

// temporary reports whether another attempt may do better.
func (e *Error) temporary() bool {
	switch {
	case e.final:
		return false
	case e.StatusCode == 0:
		return true
	}
	return e.StatusCode == http.StatusTooManyRequests || e.StatusCode >= http.StatusInternalServerError
}

// words returns text, whose end may have been cut off, in one line and without
// secrets.
func words(text string, secrets []string) string {
	text = hideHalf(hide(text, secrets), secrets) // as they are, before blanks change
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	return hide(strings.Join(strings.Fields(text), " "), secrets)
}

// shortestSecret is how long a secret must be to be looked for. What is shorter
// is none, and would be found everywhere.
const shortestSecret = 4

// hide returns text without these secrets and without user info in URLs: some
// proxies and servers tell what they were told.
func hide(text string, secrets []string) string {
	// The longest first: a secret may be a part of another.
	longest := func(a, b string) int { return cmp.Compare(len(b), len(a)) }
	for _, s := range slices.SortedFunc(slices.Values(secrets), longest) {
		if len(s) >= shortestSecret {
			text = strings.ReplaceAll(text, s, hidden)
		}
	}
	head, rest, ok := strings.Cut(text, "://")
	if !ok {
		return text
	}
	end := strings.IndexAny(rest, " /?#\"'")
	if end < 0 {
		end = len(rest)
	}
	if at := strings.LastIndexByte(rest[:end], '@'); at >= 0 {
		rest = hidden + rest[at:]
	}
	return head + "://" + hide(rest, nil)
}

// hideHalf returns text without what may be the beginning of a secret at its end.
func hideHalf(text string, secrets []string) string {
	for _, s := range secrets {
		for n := len(s) - 1; n >= shortestSecret; n-- {
			if rest, ok := strings.CutSuffix(text, s[:n]); ok {
				return rest + hidden
			}
		}
	}
	return text
}

// discreet returns err, or what can be said of it if it shows what it shouldn't.
func discreet(err error, secrets []string) error {
	for {
		u, ok := err.(*url.Error) // which shows all of a URL
		if !ok || u.Err == nil {
			break
		}
		err = u.Err
	}
	if text := hide(err.Error(), secrets); text != err.Error() {
		return &discreetError{text, err}
	}
	return err
}

// discreetError is an error whose text must not be seen.
type discreetError struct {
	text  string
	cause error
}

func (e *discreetError) Error() string { return e.text }

// Is finds what the cause is, without giving it away.
func (e *discreetError) Is(target error) bool { return errors.Is(e.cause, target) }
