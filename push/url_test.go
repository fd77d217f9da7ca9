package push

import (
	"strings"
	"testing"
)

func TestGatewayURL(t *testing.T) {
	const path = "/metrics/job/j"
	tests := []struct{ gateway, want string }{
		{"pg", "http://pg" + path},
		{"pg:9091", "http://pg:9091" + path},
		{"pg:9091/", "http://pg:9091" + path},
		{"10.0.0.1:9091", "http://10.0.0.1:9091" + path},
		{"[::1]:9091", "http://[::1]:9091" + path},
		{"http://[fe80::1%25eth0]:9091", "http://[fe80::1%25eth0]:9091" + path},
		{"https://pg", "https://pg" + path},
		{"HTTPS://pg", "https://pg" + path},
		{"http://pg:9091///", "http://pg:9091" + path},
		{"pg/prom/gw/", "http://pg/prom/gw" + path},
		{"http://pg/a%2Fb", "http://pg/a%2Fb" + path},
		{"http://pg/ü/a b", "http://pg/%C3%BC/a%20b" + path},
		{"http://pg/x?y=1&y=2", "http://pg/x" + path + "?y=1&y=2"},
		{"pg?y=1", "http://pg" + path + "?y=1"},
		{"http://pg?", "http://pg" + path + "?"},
	}
	for _, tt := range tests {
		if got := must(t, tt.gateway, "j").url.String(); got != tt.want {
			t.Errorf("%q: group is %s, want %s", tt.gateway, got, tt.want)
		}
	}
}

func TestGatewayURLRefused(t *testing.T) {
	tests := map[string]string{
		"":                              "is empty",
		"  ":                            "is empty",
		"ftp://pg":                      "http or https",
		"unix:///run/pg.sock":           "http or https",
		"http://":                       "no host",
		"http:///path":                  "no host",
		"//pg:9091":                     "no host",
		":9091":                         "no host",
		"http://:9091":                  "no host",
		"http:/pg":                      "port",
		"http://pg:":                    "port",
		"http://pg:0":                   "port",
		"http://pg:65536":               "port",
		"http://pg:http":                "malformed",
		"http://p g":                    "malformed",
		" pg:9091":                      "malformed",
		"http://pg/%zz":                 "malformed",
		"http://pg\n":                   "malformed",
		"://pg":                         "malformed",
		"http://[::1":                   "malformed",
		"http://pg/a%2Fb/ü":             "in part",
		"http://pg/#top":                "fragment",
		"http://pg#":                    "fragment",
		"http://user:s3cret/x@pg":       "malformed",
		"http://user:1234/s3cret@pg":    "behind its host",
		"user:1234?s3cret@pg":           "behind its host",
		"http://user:s3 cret@pg":        "malformed",
		"http://user:s3cret@pg:port":    "malformed",
		"ftp://user:s3cret@pg":          "http or https",
		"http://user:s3%cret@pg":        "malformed",
		"http://pg:x?token=s3cret":      "malformed",
		"http://user:x#s3cret@pg:9091":  "malformed",
		"http://us:er:s3cret@pg":        "",
		"http://us%3Aer:s3cret@pg:9091": "colon",
	}
	for gateway, want := range tests {
		_, err := New(gateway, "j")
		if want == "" {
			if err != nil {
				t.Errorf("%q: %v", gateway, err)
			}
			continue
		}
		if err == nil || !strings.HasPrefix(err.Error(), "push: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", gateway, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), "s3") || strings.Contains(err.Error(), "1234")) {
			t.Errorf("the error shows a secret: %v", err)
		}
	}
}

func TestShownURL(t *testing.T) {
	tests := map[string]string{
		"http://pg/x?token=abc&y&z=": "http://pg/x/metrics/job/j?token=xxxxx&xxxxx&z=xxxxx",
		"http://user:secret@pg":      "http://pg/metrics/job/j",
		"http://pg?":                 "http://pg/metrics/job/j?",
	}
	for gateway, want := range tests {
		if got := must(t, gateway, "j").String(); got != want {
			t.Errorf("%s is shown as %s, want %s", gateway, got, want)
		}
	}
	var none *Group
	if none.String() != "" {
		t.Error("a nil group has a URL")
	}
}
