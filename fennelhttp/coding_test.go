package fennelhttp

import (
	"bytes"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

// deflate is a coding that the standard library has.
func deflate(made *int) Coding {
	return Coding{"deflate", func() Encoder {
		*made++
		return zlib.NewWriter(nil)
	}}
}

func inflate(t *testing.T, p []byte) (string, error) {
	t.Helper()
	z, err := zlib.NewReader(bytes.NewReader(p))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	return string(text), err
}

func TestCodingOfAnOption(t *testing.T) {
	made := 0
	option := WithCoding(deflate(&made))
	for _, test := range []struct {
		name   string
		opts   []HandlerOption
		accept string
		want   string
	}{
		{"alone", []HandlerOption{option}, "deflate", "deflate"},
		{"before gzip", []HandlerOption{option}, "gzip, deflate", "deflate"},
		{"when it is asked for only", []HandlerOption{option}, "gzip", "gzip"},
		{"not at all", []HandlerOption{option}, "br", ""},
		{"taken back", []HandlerOption{option, WithoutCompression()}, "gzip, deflate", ""},
		{"alone, without gzip", []HandlerOption{WithoutCompression(), option}, "gzip, deflate;q=0.1", "deflate"},
		{"with gzip at a level", []HandlerOption{option, WithCompressionLevel(9)}, "gzip, deflate;q=0.1", "gzip"},
		{"in the order of options", []HandlerOption{WithCoding(Coding{"br", never}), option}, "gzip, deflate, br;q=0.1", "deflate"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := bare(someRegistry(), test.opts...)
			for range 2 {
				w := serve(h, request("GET", "/", "Accept-Encoding", test.accept))
				if got := w.Header().Get("Content-Encoding"); got != test.want {
					t.Fatalf("Content-Encoding: %q, want %q", got, test.want)
				}
				text := w.Body.String()
				switch test.want {
				case "deflate":
					text, _ = inflate(t, w.Body.Bytes())
				case "gzip":
					text = gunzip(t, w.Body.Bytes())
				}
				if text != someText {
					t.Errorf("got %q", text)
				}
				head := serve(h, request("HEAD", "/", "Accept-Encoding", test.accept))
				if got := head.Header().Get("Content-Encoding"); got != test.want {
					t.Errorf("Content-Encoding of a HEAD: %q, want %q", got, test.want)
				}
			}
		})
	}
	if made == 0 || !raceEnabled() && made >= 8 {
		t.Errorf("%d encoders were made for scrapes that came one after the other", made)
	}
}

// never is the New of a coding that is never chosen.
func never() Encoder { return nil }

func TestCutOffBodyOfAnotherCodingHasNoEnd(t *testing.T) {
	made := 0
	url, client := testServer(t, Handler(failing(400_000, failures["error"]), WithCoding(deflate(&made))))
	got, err := io.ReadAll(get(t, client, url, "Accept-Encoding", "deflate").Body)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the body ends with %v, want unexpected EOF", err)
	}
	if text, err := inflate(t, got); !errors.Is(err, io.ErrUnexpectedEOF) || text == "" {
		t.Errorf("the coding ends with %v after %d bytes, want unexpected EOF", err, len(text))
	}
}

func TestErrorIsNotCoded(t *testing.T) {
	made := 0
	w := serve(Handler(failing(0, failures["error"]), WithCoding(deflate(&made))), request("GET", "/", "Accept-Encoding", "deflate"))
	if w.Code != http.StatusInternalServerError || w.Header()["Content-Encoding"] != nil || !strings.Contains(w.Body.String(), "disk on fire") {
		t.Errorf("status %d, header %v, body %q", w.Code, w.Header(), w.Body)
	}
}

func TestWrongCodingPanics(t *testing.T) {
	for _, c := range []Coding{
		{"", never}, {"*", never}, {"identity", never}, {"Identity", never}, {"a b", never}, {"a,b", never}, {"a;q", never}, {"a=b", never}, {`"a"`, never}, {"zstd", nil},
	} {
		func() {
			defer func() {
				if p, _ := recover().(string); !strings.Contains(p, "fennelhttp: WithCoding: ") {
					t.Errorf("%q: panicked with %q", c.Name, p)
				}
			}()
			WithCoding(c)
		}()
	}
}

func TestGzipIsWholeInEveryFormat(t *testing.T) {
	reg := someRegistry()
	for _, syntax := range syntaxNames() {
		s, _ := exposition.ParseSyntax(syntax)
		want, err := exposition.Bytes(t.Context(), reg, exposition.Format{Syntax: s, Escaping: exposition.AllowUTF8, Readable: true})
		if err != nil {
			t.Fatal(err)
		}
		w := serve(bare(reg), request("GET", "/?debug=text&format="+syntax, "Accept-Encoding", "gzip"))
		if got := gunzip(t, w.Body.Bytes()); got != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", syntax, got, want)
		}
	}
}

// putBy is an encoder that knows whether it is put by.
type putBy struct {
	io.Writer
	used bool
}

func (p *putBy) Reset(w io.Writer) { p.Writer, p.used = w, w != nil }
func (p *putBy) Close() error      { return nil }

func TestEncoderIsPutByAfterEveryBody(t *testing.T) {
	for name, g := range map[string]fennel.Gatherer{
		"whole":     someRegistry(),
		"no status": failing(0, failures["error"]),
		"cut off":   failing(400_000, failures["error"]),
	} {
		var all []*putBy
		h := bare(g, WithCoding(Coding{"br", func() Encoder {
			all = append(all, &putBy{used: true})
			return all[len(all)-1]
		}}))
		for range 3 {
			func() {
				defer func() { recover() }() // the abort
				serve(h, request("GET", "/", "Accept-Encoding", "br"))
			}()
		}
		for _, p := range all {
			if p.used || p.Writer != nil {
				t.Errorf("%s: an encoder still has its writer", name)
			}
		}
		if len(all) == 0 {
			t.Errorf("%s: no encoder was made", name)
		}
	}
}
