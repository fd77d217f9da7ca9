package push

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
)

// credentials are what becomes the Authorization header.
type credentials struct {
	option string // where they are from
	get    func(context.Context) (string, error)
}

// BasicAuth sends a user's name and password. Without TLS everybody on the way
// can read them. The user info of a gateway's URL does the same.
func BasicAuth(user, password string) Option {
	return option(func(c *config) error { return c.setBasic("BasicAuth", user, password) })
}

// BearerToken sends a token.
func BearerToken(token string) Option {
	return option(func(c *config) error {
		header, err := bearer(token)
		if err != nil {
			return fmt.Errorf("push: BearerToken: %w", err)
		}
		return c.setCredentials("BearerToken", func(context.Context) (string, error) { return header, nil })
	})
}

// BearerTokenFunc sends the token that get returns at each attempt: for tokens
// that expire. The context is that of the attempt. An error of get ends the push;
// it must not show the token.
func BearerTokenFunc(get func(context.Context) (string, error)) Option {
	return option(func(c *config) error {
		if get == nil {
			return errors.New("push: BearerTokenFunc: the function is nil")
		}
		return c.setCredentials("BearerTokenFunc", func(ctx context.Context) (string, error) {
			token, err := get(ctx)
			if err != nil {
				return "", fmt.Errorf("get the bearer token: %w", err)
			}
			return bearer(token)
		})
	})
}

// BearerTokenFile sends the token that is in a file, with white space around it
// removed. The file is read at each attempt, so that a new token is used as soon
// as it is there, and by New, to see that it can be.
func BearerTokenFile(path string) Option {
	return option(func(c *config) error {
		read := func(context.Context) (string, error) { return readToken(path) }
		if _, err := read(nil); err != nil {
			return fmt.Errorf("push: BearerTokenFile: %w", err)
		}
		return c.setCredentials("BearerTokenFile", read)
	})
}

// maxToken is how large a token's file may be: larger than any header can.
const maxToken = 64 << 10

// readToken returns the header for the token in a file.
func readToken(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err // which names the file
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxToken+1))
	if err != nil {
		return "", err
	}
	if len(text) > maxToken {
		return "", fmt.Errorf("the file %q is too large for a token", path)
	}
	header, err := bearer(strings.TrimSpace(string(text)))
	if err != nil {
		return "", fmt.Errorf("the file %q: %w", path, err)
	}
	return header, nil
}

// bearer returns the header for a token. Its errors don't show it.
func bearer(token string) (string, error) {
	if token == "" {
		return "", errors.New("the token is empty")
	}
	for i := range len(token) {
		if c := token[i]; c <= ' ' || c >= 0x7f {
			return "", errors.New("the token has a blank or another character that no token has")
		}
	}
	return "Bearer " + token, nil
}

// setBasic sets the credentials to a user's.
func (c *config) setBasic(option, user, password string) error {
	switch {
	case user == "" && password == "":
		return fmt.Errorf("push: %s: user and password are empty", option)
	case strings.Contains(user, ":"):
		return fmt.Errorf("push: %s: the user's name has a colon, which basic auth has no room for", option)
	}
	header := "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	c.group.secrets = append(c.group.secrets, password, url.QueryEscape(password), url.PathEscape(password))
	return c.setCredentials(option, func(context.Context) (string, error) { return header, nil })
}

// setCredentials refuses a second kind of credentials.
func (c *config) setCredentials(option string, get func(context.Context) (string, error)) error {
	if first := c.group.credit.option; first != "" {
		return fmt.Errorf("push: there are two kinds of credentials, from %s and %s: give one", first, option)
	}
	c.group.credit = credentials{option, get}
	return nil
}

// setAuthorization sets the credentials to a header that is given as it is.
func (c *config) setAuthorization(value string) error {
	if value == "" {
		return errors.New("push: Header \"Authorization\": the value is empty")
	}
	return c.setCredentials("Header", func(context.Context) (string, error) { return value, nil })
}

// adopt takes the credentials that are in a gateway's URL, and keeps what else
// there is in it out of sight.
func (c *config) adopt(u *url.URL) error {
	c.group.secrets = append(c.group.secrets, querySecrets(u)...)
	if u.User == nil {
		return nil
	}
	password, _ := u.User.Password()
	return c.setBasic("the gateway URL", u.User.Username(), password)
}
