package gzip

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestStem(t *testing.T) {
	for line, want := range map[string]string{
		"a 1\n":                               "a",
		"a 1 1700000000000\n":                 "a",
		"a{b=\"c\"} 1\n":                      `a{b="c"}`,
		"a{b=\"c\"} 1 # {t=\"x\"} 2 3\n":      `a{b="c"}`,
		"a{b=\"/{id} x\",c=\"}\"} 1\n":        `a{b="/{id} x",c="}"}`,
		"{\"a b\",c=\"d\"} NaN\n":             `{"a b",c="d"}`,
		"{\"a b\"} {count:1,sum:2}\n":         `{"a b"}`,
		"# TYPE a counter\n":                  "# TYPE a counter\n",
		"\n":                                  "\n",
		" \n":                                 " \n",
		"}\n":                                 "}\n",
		"} \n":                                "}",
		"\"} \n":                              `"}`,
		"a{b=\"c\"}":                          `a{b="c"}`,
		"a{b=\"c\"}\n":                        "a{b=\"c\"}\n",
		"\x0a\x06status\x12\x03200\x1a\x09\n": "\x0a\x06status\x12\x03200\x1a\x09\n",
	} {
		if got := string(stem([]byte(line))); got != want {
			t.Errorf("stem(%q) = %q, want %q", line, got, want)
		}
	}
}

func TestSegmentsOfAnyTextAreOfAboutOneSize(t *testing.T) {
	for name, format := range map[string]string{
		"text":         "http_requests_total{path=\"/%d\"} 1\n",
		"short lines":  "a%d 1\n",
		"long lines":   "a{b=\"%d" + strings.Repeat("c", 2000) + "\"} 1\n",
		"one name":     "a{path=\"/{x} y\",b=\"%d\"} 1\n",
		"histogram":    "h_bucket{path=\"%[1]d\",le=\"1\"} 1\nh_bucket{path=\"%[1]d\",le=\"+Inf\"} 1\n",
		"HELP":         "# HELP a%d What it is.\n",
		"protobuf":     "\"\x1f\n\x08\n\x01a\x12\x03%d\n\x0d\n\x06status\x12\x03200\x1a\x09\x09\x00\x00\x00\x00\x00\x00\x00\x00",
		"other breaks": "http_requests_total{path=\"/%d\"} 1\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			var body bytes.Buffer
			for i := 0; body.Len() < 20_000_000; i++ {
				fmt.Fprintf(&body, format, i)
			}
			texts := segments(NewCache(1), body.Bytes())
			texts = texts[:len(texts)-1]
			most := 0
			for _, s := range texts {
				if len(s) <= leastText {
					t.Fatalf("a segment has %d bytes", len(s))
				}
				most = max(most, len(s))
			}
			mean := body.Len() / len(texts)
			spacing := markSpacing
			if name == "protobuf" {
				spacing *= 5 // most of its "lines" are alike in all series
			}
			if mean > leastText+2*spacing || most > mostText {
				t.Errorf("segments have %d bytes, up to %d", mean, most)
			}
		})
	}
}

func TestSegmentsWithoutMarksEndWithALine(t *testing.T) {
	line := []byte("a0 1\n")
	for isMark(line) {
		line[1]++
	}
	text := bytes.Repeat(line, mostText/len(line)+1)
	if n, _ := findCut(text[:mostText], 0); n == 0 || n > mostText || n%len(line) != 0 {
		t.Errorf("it ends at %d, within a line", n)
	}
	// The line that leastText is in is none to look at, whatever stands first.
	if n, _ := findCut(append([]byte("# HELP a A.\n"), text...), 0); n <= mostText-len(line) {
		t.Errorf("it ends at %d, where there is no mark", n)
	}
	if n, _ := findCut(text[:mostText-1], 0); n != 0 {
		t.Errorf("it ends at %d, too early", n)
	}
}

// Somebody may choose labels of which none are marks. Text is looked at once all the
// same, however often there is more of it.
func TestNothingIsLookedAtTwice(t *testing.T) {
	var body, marks []byte
	for i := 0; len(body) < mostText || len(marks) == 0; i++ {
		line := fmt.Appendf(nil, "a{b=\"%d\"} 1\n", i)
		if isMark(line) {
			marks = bytes.Repeat(line, mostText/len(line))
		} else {
			body = append(body, line...)
		}
	}
	z := NewWriter(NewCache(1 << 20))
	z.Reset(io.Discard)
	for written := 1000; written < mostText-lookStep; written += 1000 {
		z.Write(body[written-1000 : written])
		if z.work == nil || len(z.work.text) != written {
			t.Fatalf("after %d bytes there was a cut", written)
		}
		if written >= leastText+2*lookStep && z.seen < written-2*lookStep {
			t.Fatalf("of %d bytes %d were looked at", written, z.seen)
		}
		copy(z.work.text[:z.seen], marks) // too late
	}
}

func TestCutsDoNotDependOnHowOftenOneLooks(t *testing.T) {
	body := page(5000, square)
	for start := 0; len(body)-start > mostText; start += 997 {
		text := body[start:]
		want, _ := findCut(text[:mostText], 0)
		n, looked := 0, 0
		for look := leastText; n == 0; look += 1009 {
			n, looked = findCut(text[:min(look, mostText)], looked)
		}
		if n != want {
			t.Fatalf("from %d on: %d, and %d if one looks more often", start, want, n)
		}
	}
}

// What comes behind a segment doesn't matter to it, even if that is the end.
func TestTheEndOfABodyIsCutAsTheRest(t *testing.T) {
	for n := 700; n < 1000; n += 5 {
		c := newRoomyCache()
		body := page(n, square)
		compress(t, NewWriter(c), body, 64<<10)
		if want := len(segments(c, body)); c.seen.taken != want {
			t.Errorf("a body of %d bytes has %d segments, want %d", len(body), c.seen.taken, want)
		}
	}
}
