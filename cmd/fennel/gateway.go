package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/fennelmetrics/fennel/push"
)

// gatewayFlags say how to reach a Pushgateway.
type gatewayFlags struct {
	url            string
	user           string
	passwordFile   string
	tokenFile      string
	caFile         string
	certFile       string
	keyFile        string
	insecure       bool
	headers        []string
	trustRedirects bool
	timeout        time.Duration
	retries        int
}

// passwordVariable is where a password may be instead of in a file: on a command
// line everybody on the machine could read it.
const passwordVariable = "FENNEL_GATEWAY_PASSWORD"

// add adds the flags to a command.
func (g *gatewayFlags) add(c *kingpin.CmdClause, required bool) {
	url := c.Flag("gateway", "URL of a Pushgateway, such as https://host:9091/prefix.").Envar("FENNEL_GATEWAY").PlaceHolder("URL")
	if required {
		url = url.Required()
	}
	url.StringVar(&g.url)
	c.Flag("gateway.username", "User for basic auth.").PlaceHolder("NAME").StringVar(&g.user)
	c.Flag("gateway.password-file", "File with the password for basic auth. Without it, it is taken from $"+passwordVariable+".").
		PlaceHolder("FILE").StringVar(&g.passwordFile)
	c.Flag("gateway.bearer-token-file", "File with a bearer token.").PlaceHolder("FILE").StringVar(&g.tokenFile)
	c.Flag("gateway.tls-ca-file", "PEM file with the authorities that the gateway's certificate is checked against, instead of the system's.").
		PlaceHolder("FILE").StringVar(&g.caFile)
	c.Flag("gateway.tls-cert-file", "PEM file with a client certificate.").PlaceHolder("FILE").StringVar(&g.certFile)
	c.Flag("gateway.tls-key-file", "PEM file with the client certificate's key.").PlaceHolder("FILE").StringVar(&g.keyFile)
	c.Flag("gateway.tls-insecure-skip-verify", "Take any server for the gateway.").BoolVar(&g.insecure)
	c.Flag("gateway.header", "Header to add to each request. Other users of the machine can see it. (repeatable)").PlaceHolder("NAME=VALUE").StringsVar(&g.headers)
	c.Flag("gateway.trust-redirects", "Follow redirects.").BoolVar(&g.trustRedirects)
	c.Flag("gateway.timeout", "Time for each attempt.").Default("30s").DurationVar(&g.timeout)
	c.Flag("gateway.retries", "More attempts after one that failed for a reason that may pass.").Default("0").IntVar(&g.retries)
}

// group returns the group of a job. Files that flags name are read.
func (g *gatewayFlags) group(job string, labels []pair) (*push.Group, error) {
	opts, err := g.options(labels)
	if err != nil {
		return nil, err
	}
	if g.certFile != "" || g.keyFile != "" || g.caFile != "" {
		opts = append(opts, push.TLSFiles(g.certFile, g.keyFile, g.caFile))
	}
	if g.tokenFile != "" {
		opts = append(opts, push.BearerTokenFile(g.tokenFile))
	}
	if g.user != "" {
		password, err := g.password()
		if err != nil {
			return nil, err
		}
		opts = append(opts, push.BasicAuth(g.user, password))
	}
	return push.New(g.url, job, opts...)
}

// check says what is wrong with the flags, without a look at any file.
func (g *gatewayFlags) check(job string, labels []pair) error {
	switch {
	case g.user == "" && g.passwordFile != "":
		return errors.New("--gateway.password-file needs --gateway.username")
	case g.user != "" && g.tokenFile != "":
		return errors.New("--gateway.username and --gateway.bearer-token-file exclude each other")
	case (g.certFile == "") != (g.keyFile == ""):
		return errors.New("--gateway.tls-cert-file and --gateway.tls-key-file need each other")
	}
	opts, err := g.options(labels)
	if err != nil {
		return err
	}
	_, err = push.New(g.url, job, opts...)
	return err
}

// options returns the options that need no files.
func (g *gatewayFlags) options(labels []pair) ([]push.Option, error) {
	opts := []push.Option{push.Timeout(g.timeout), push.Retry(g.retries)}
	for _, l := range labels {
		opts = append(opts, push.Grouping(l.name, l.value))
	}
	for _, h := range g.headers {
		name, value, ok := strings.Cut(h, "=")
		if !ok {
			return nil, errors.New("--gateway.header must be NAME=VALUE") // it may be a secret: it is not shown
		}
		opts = append(opts, push.Header(name, value))
	}
	if g.insecure {
		opts = append(opts, push.TLSConfig(&tls.Config{InsecureSkipVerify: true}))
	}
	if g.trustRedirects {
		opts = append(opts, push.TrustRedirects())
	}
	return opts, nil
}

func (g *gatewayFlags) password() (string, error) {
	if g.passwordFile == "" {
		password, ok := os.LookupEnv(passwordVariable)
		if !ok {
			return "", fmt.Errorf("--gateway.username needs --gateway.password-file or $%s", passwordVariable)
		}
		return password, nil
	}
	text, err := os.ReadFile(g.passwordFile)
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}
