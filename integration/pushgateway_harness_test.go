package integration

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"
)

var pushgatewayProgram = program{"github.com/prometheus/pushgateway", "v1.11.3", ".", ""}

const (
	pushgatewayUTF8 = "--push.enable-utf8-names"
	text100Accept   = "text/plain;version=1.0.0;escaping=allow-utf-8"
	protobufAccept  = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;escaping=allow-utf-8"
)

// pushgateway is a running Pushgateway.
type pushgateway struct {
	*server
	URL    string
	client *http.Client // that may read it
}

// startPushgateway starts a Pushgateway that speaks plain HTTP.
func startPushgateway(t *testing.T, flags ...string) *pushgateway {
	t.Helper()
	g := &pushgateway{
		server: startServer(t, pushgatewayProgram, append([]string{"--web.listen-address=127.0.0.1:0"}, flags...)...),
		client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	}
	g.URL = "http://" + g.Addr
	g.awaitReady(t)
	return g
}

func (g *pushgateway) awaitReady(t *testing.T) {
	t.Helper()
	g.await(t, startTimeout, "ready", func(ctx context.Context) bool {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.URL+"/-/ready", nil)
		if err != nil {
			return false
		}
		resp, err := g.client.Do(req)
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// get returns the body and the type of what is at a path.
func (g *pushgateway) get(t *testing.T, path, accept string) (body []byte, contentType string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", accept)
	resp, err := g.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %d, %v\n%s", path, resp.StatusCode, err, body)
	}
	return body, resp.Header.Get("Content-Type")
}

// metrics returns what a Prometheus would scrape.
func (g *pushgateway) metrics(t *testing.T, accept string) Parsed {
	t.Helper()
	parsed, err := parse(g.get(t, "/metrics", accept))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// keys returns the keys of all groups. A
// group that is deleted is so a little later: the gateway queues.
func (g *pushgateway) keys(t *testing.T) []map[string]string {
	t.Helper()
	var answer struct {
		Data []struct {
			Labels map[string]string
		}
	}
	body, _ := g.get(t, "/api/v1/metrics", "application/json")
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatal(err)
	}
	var keys []map[string]string
	for _, d := range answer.Data {
		keys = append(keys, d.Labels)
	}
	return keys
}

// awaitGroups waits until there are n groups.
func (g *pushgateway) awaitGroups(t *testing.T, n int) {
	t.Helper()
	g.await(t, 10*time.Second, "left with the right groups", func(context.Context) bool { return len(g.keys(t)) == n })
}
