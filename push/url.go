package push

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// parseGateway returns the gateway's URL. Its errors don't show what may be a
// password: those of url.Parse do.
func parseGateway(raw string) (*url.URL, error) {
	wrong := func(problem string) error {
		return fmt.Errorf("push: gateway URL %q: %s", shownRaw(raw), problem)
	}
	if strings.TrimSpace(raw) == "" {
		return nil, errors.New(`push: the gateway URL is empty: give one like "http://host:9091"`)
	}
	full := raw
	if !strings.Contains(raw, "://") {
		full = "http://" + raw
	}
	u, err := url.Parse(full)
	switch {
	case err != nil:
		return nil, wrong(`it is malformed: it should be like "http://host:9091", with special characters in user and password percent-encoded`)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, wrong("its scheme must be http or https")
	case u.Hostname() == "":
		return nil, wrong("it has no host")
	case !validPort(u):
		return nil, wrong("its port is not one from 1 to 65535")
	case u.Fragment != "" || strings.Contains(raw, "#"):
		return nil, wrong("it has a fragment: write a # as %23")
	case strings.Contains(u.EscapedPath()+u.RawQuery, "@"):
		// It looks like the end of user info with a slash in the password.
		return nil, wrong("it has an @ behind its host: write @ as %40, and a / or ? in a password as %2F or %3F")
	case strings.Contains(u.RawPath, "%") && u.RawPath != u.EscapedPath():
		return nil, wrong("its path is percent-encoded only in part: encode all that needs it")
	}
	return u, nil
}

// validPort reports whether the URL's port is none or one that there can be.
func validPort(u *url.URL) bool {
	if strings.HasSuffix(u.Host, ":") {
		return false
	}
	if u.Port() == "" {
		return true
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && port > 0
}

// extend returns base without user info, with path behind its own, which is
// percent-encoded already, and with its query.
func extend(base *url.URL, path string) *url.URL {
	u := *base
	u.User = nil
	u.RawPath = strings.TrimRight(base.EscapedPath(), "/") + path
	u.Path, _ = url.PathUnescape(u.RawPath) // both parts are well-formed
	return &u
}

const hidden = "xxxxx"

// shownURL returns a URL for messages: without user info, and with the names
// but not the values of its query, which may be tokens.
func shownURL(u *url.URL) string {
	shown := *u
	shown.User = nil
	shown.Fragment, shown.RawFragment = "", ""
	if u.RawQuery == "" {
		return shown.String()
	}
	params := strings.Split(u.RawQuery, "&")
	for i, p := range params {
		params[i] = strings.TrimSuffix(p, queryValue(p)) + hidden
	}
	shown.RawQuery = strings.Join(params, "&")
	return shown.String()
}

// queryValue returns the value of a parameter of a query, as it is written. One
// without a name may be a token in itself.
func queryValue(param string) string {
	if _, value, ok := strings.Cut(param, "="); ok {
		return value
	}
	return param
}

// querySecrets returns the values of a URL's query, as they are written and as
// what they mean.
func querySecrets(u *url.URL) []string {
	var secrets []string
	for param := range strings.SplitSeq(u.RawQuery, "&") {
		value := queryValue(param)
		secrets = append(secrets, value)
		if text, err := url.QueryUnescape(value); err == nil {
			secrets = append(secrets, text)
		}
	}
	return secrets
}

// shownRaw returns for messages what may be no URL at all: without anything
// that may be user info or a query.
func shownRaw(raw string) string {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		scheme, rest = "", raw
	} else {
		scheme += "://"
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		rest = hidden + rest[i:]
	}
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		rest = rest[:i+1] + hidden
	}
	return scheme + rest
}
