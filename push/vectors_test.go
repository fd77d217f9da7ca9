package push

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fennelmetrics/fennel"
)

// vector is a push of Python's prometheus_client, and what came of it.
type vector struct {
	ID            string
	Op            string
	Gateway       string
	Job           string
	GroupingKey   [][2]any `json:"grouping_key"`
	Compression   string
	Handler       string
	ServerReplies int `json:"server_replies"`

	Expect struct {
		Error  string
		OK     bool
		Method string
		URL    string
		Body   string
	}
	Request  *wireRequest
	Requests []wireRequest
}

// wireRequest is what Python's server received.
type wireRequest struct {
	Method        string
	Path          string
	Authorization *string
	BodyBytes     int `json:"body_bytes"`
}

// override is where Fennel differs on purpose.
type override struct {
	reason string
	url    string // what is right
	err    string // or the error that is
}

const (
	inBase64   = "what is outside of letters, digits and -._~ goes in base64: no proxy can change it"
	ownScheme  = "http and https are all that there is"
	escapes    = "names outside the old charset are escaped by values, and don't break the path"
	twice      = "a series that has a label of the key is an error, before anything is sent"
	noFormat   = "a compression that there isn't has no option"
	onlyString = "values are strings"
)

var overrides = map[string]override{
	"gateway/upper_scheme": {"the scheme is written small", "http://pg/metrics/job/j", ""},
	"gateway/other_scheme": {ownScheme, "", "scheme must be http or https"},
	"gateway/user_info":    {"user info is sent as basic auth", "http://pg/metrics/job/j", ""},
	"gateway/query":        {"the path goes before the query", "http://pg/x/metrics/job/j?y=1", ""},
	"gateway/empty":        {"Python makes http:/metrics of it", "", "gateway URL is empty"},
	"job/empty":            {"a gateway refuses it", "", "the job is empty"},
	"job/unicode":          {inBase64, "http://pg:9091/metrics/job@base64/Z3LDtsOfZQ==", ""},
	"job/astral":           {inBase64, "http://pg:9091/metrics/job@base64/8J-agA==", ""},
	"job/plus":             {inBase64, "http://pg:9091/metrics/job@base64/YSti", ""},
	"job/dots":             {"proxies resolve it", "http://pg:9091/metrics/job@base64/Li4=", ""},
	"job/newline":          {inBase64, "http://pg:9091/metrics/job@base64/YQpi", ""},
	"job/tab":              {inBase64, "http://pg:9091/metrics/job@base64/YQli", ""},
	"job/nul":              {inBase64, "http://pg:9091/metrics/job@base64/YQBi", ""},
	"key/one":              {inBase64, "http://pg:9091/metrics/job/j/instance@base64/MTAuMC4wLjE6ODA=", ""},
	"key/mixed":            {twice, "", `"up_time" has the label "a"`},
	"key/pushadd":          {twice, "", `"up_time" has the label "a"`},
	"key/unicode_value":    {inBase64, "http://pg:9091/metrics/job/j/city@base64/WsO8cmljaA==", ""},
	"key/slash_key":        {escapes, "http://pg:9091/metrics/job/j/U__a_2f_b/1", ""},
	"key/space_key":        {escapes, "http://pg:9091/metrics/job/j/U__a_20_b/1", ""},
	"key/already_suffixed": {escapes, "http://pg:9091/metrics/job/j/U__a_40_base64@base64/WWc9PQ==", ""},
	"key/job_again":        {"a group has one job", "", `grouping label "job"`},

	"wire/space_key":              {escapes, "$SERVER/200/metrics/job/j/U__a_20_b/1", ""},
	"wire/unicode_key":            {escapes, "$SERVER/200/metrics/job/j/U___f6_/1", ""},
	"wire/pushadd_301_default":    {"Python makes an empty GET of it and calls that a success", "", "301 Moved Permanently"},
	"wire/push_307_passthrough":   {"all kinds of redirects are followed", "$SERVER/moved", ""},
	"wire/delete_301_passthrough": {"all methods are followed", "$SERVER/moved", ""},
	"wire/delete_307_passthrough": {"all methods are followed", "$SERVER/moved", ""},
}

// leftOut are vectors that say nothing about Fennel, and why.
var leftOut = map[string]string{
	"compression/unknown": noFormat,
	"key/null":            onlyString,
}

func readVectors(t *testing.T) []vector {
	t.Helper()
	data, err := os.ReadFile("testdata/gateway_url.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	return vectors
}

// What Python's client sends, but for the overrides.
//
// Besides, for all: numbers are written 1.5 and 1 where Python has 1.0; a DELETE
// has no Content-Type; Python compresses only on demand; and Fennel's default
// format is protobuf, so that text is asked for here.
func TestPython(t *testing.T) {
	seen := make(map[string]bool)
	for _, v := range readVectors(t) {
		seen[v.ID] = true
		if leftOut[v.ID] != "" {
			continue
		}
		t.Run(v.ID, func(t *testing.T) {
			if strings.HasPrefix(v.ID, "wire/") {
				v.checkWire(t)
			} else {
				v.checkURL(t)
			}
		})
	}
	for id := range maps.Keys(overrides) {
		if !seen[id] {
			t.Errorf("override %s is for no vector", id)
		}
	}
}

// options are those of the vector's arguments.
func (v *vector) options(t *testing.T) []Option {
	t.Helper()
	opts := []Option{inText, Uncompressed()}
	for _, pair := range v.GroupingKey {
		opts = append(opts, Grouping(fmt.Sprint(pair[0]), pythonString(v.ID, pair[1])))
	}
	switch strings.ToLower(v.Compression) {
	case "gzip":
		opts = opts[:1] // the default
	case "snappy":
		opts = append(opts, Snappy())
	}
	switch v.Handler {
	case "passthrough":
		opts = append(opts, TrustRedirects())
	case "basic_auth(us er, p:ä)":
		opts = append(opts, BasicAuth("us er", "p:ä"))
	case "", "default":
	default:
		t.Fatalf("unknown handler %q", v.Handler)
	}
	return opts
}

// pythonString is what a caller makes a string of.
func pythonString(id string, value any) string {
	if f, ok := value.(float64); ok {
		prec := 0
		if id == "key/float" {
			prec = 1
		}
		return strconv.FormatFloat(f, 'f', prec, 64)
	}
	return fmt.Sprint(value)
}

// do runs the vector's operation.
func (v *vector) do(t *testing.T, gateway string, opts ...Option) error {
	t.Helper()
	g, err := New(gateway, v.Job, append(v.options(t), opts...)...)
	if err != nil {
		return err
	}
	reg := fennel.NewRegistry()
	fennel.NewGaugeVec[string]("up_time", "h", fennel.In(reg), fennel.LabelNames("a")).With(`b"`).Set(1.5)
	switch v.Op {
	case "push":
		return g.Push(t.Context(), reg)
	case "pushadd":
		return g.Add(t.Context(), reg)
	case "delete":
		return g.Delete(t.Context())
	}
	t.Fatalf("unknown operation %q", v.Op)
	return nil
}

// checkURL checks a vector that was made without a server.
func (v *vector) checkURL(t *testing.T) {
	var got *http.Request
	var body string
	err := v.do(t, v.Gateway, Client(doerFunc(func(r *http.Request) (*http.Response, error) {
		got = r
		text, err := readBody(r)
		body = text
		return reply(200, ""), err
	})))
	want := v.Expect.URL
	if o, ok := overrides[v.ID]; ok {
		if o.err != "" {
			wantText(t, err, "push: ", o.err)
			return
		}
		if o.url == want {
			t.Errorf("the override says what Python does: %s", want)
		}
		want = o.url
	}
	if v.ID == "compression/snappy" { // which Python needs another package for
		want, v.Expect.Method = "http://pg:9091/metrics/job/j", "PUT"
		v.Expect.Body = "# HELP up_time h\n# TYPE up_time gauge\nup_time{a=\"b\\\"\"} 1.5\n"
	}
	if err != nil {
		t.Fatal(err)
	}
	if got.URL.String() != want || got.Method != v.Expect.Method {
		t.Errorf("%s %s, want %s %s", got.Method, got.URL, v.Expect.Method, want)
	}
	if body != v.Expect.Body && v.Op != "delete" {
		t.Errorf("body:\n%swant:\n%s", body, v.Expect.Body)
	}
	v.checkKey(t, got.URL.EscapedPath())
}

// readBody returns a request's body, decompressed.
func readBody(r *http.Request) (string, error) {
	if r.Body == nil {
		return "", nil
	}
	packed := make([]byte, r.ContentLength)
	n, err := r.Body.Read(packed)
	if n != len(packed) && r.ContentLength > 0 {
		return "", errors.Join(err, errors.New("the body is shorter than it should be"))
	}
	return unpack(r.Header.Get("Content-Encoding"), packed)
}

// checkKey checks that a gateway gets out of a path what was put into it.
func (v *vector) checkKey(t *testing.T, path string) {
	t.Helper()
	key, err := keyOf(path)
	if err != nil {
		t.Fatal(err)
	}
	want := []label{{"job", v.Job}}
	for _, pair := range v.GroupingKey {
		name := pair[0].(string)
		if strings.ContainsAny(name, "/ @") {
			return // escaped, see TestGroupPath
		}
		want = append(want, label{name, pythonString(v.ID, pair[1])})
	}
	if sorted(want[1:]); !slices.Equal(key, want) {
		t.Errorf("a gateway reads %v, want %v", key, want)
	}
}

// checkWire checks a vector that was made with a server.
func (v *vector) checkWire(t *testing.T) {
	srv := startGateway(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/moved" {
			return
		}
		if v.ServerReplies/100 == 3 {
			w.Header().Set("Location", "/moved")
		}
		w.WriteHeader(max(v.ServerReplies, 200))
	})
	err := v.do(t, strings.Replace(v.Gateway, "$SERVER", srv.URL, 1))
	o := overrides[v.ID]
	if want := v.Expect.OK && o.err == "" || o.url != ""; (err == nil) != want {
		t.Fatalf("error %v, want success: %t", err, want)
	}
	if err != nil {
		if code, ok := strings.CutPrefix(v.Expect.Error, "HTTP "); ok && o.err == "" {
			o.err = code + " " + http.StatusText(asError(t, err).StatusCode)
		}
		wantText(t, err, "push: ", o.err)
	}
	v.compare(t, srv, o)
}

// compare compares what arrived.
func (v *vector) compare(t *testing.T, srv *gateway, o override) {
	t.Helper()
	want := v.Requests
	if v.Request != nil {
		want = []wireRequest{*v.Request}
	}
	got := srv.requests(t)
	if o.url != "" {
		if last := "$SERVER" + got[len(got)-1].Path; last != o.url {
			t.Errorf("the last request was for %s, want %s", last, o.url)
		}
		return
	}
	if o.err != "" && len(want) > 1 {
		want = want[:1]
	}
	if len(got) != len(want) {
		t.Fatalf("%d requests arrived, want %d", len(got), len(want))
	}
	for i, w := range want {
		auth := ""
		if w.Authorization != nil {
			auth = *w.Authorization
		}
		g := got[i]
		if g.Method != w.Method || g.Path != w.Path || g.Header.Get("Authorization") != auth || int(g.Length) != w.BodyBytes {
			t.Errorf("request %d is %+v, want %+v", i, g, w)
		}
	}
}
