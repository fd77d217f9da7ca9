package series

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestRenderIsAppendOfWhatWasMended(t *testing.T) {
	l := NewLayout([]string{"c", "x"}, []string{"a", "b.c"})
	for _, v := range []string{
		"", "a", "ab", "abc", "abcd", "abcdefg", "abcdefgh", "abcdefghi", "/api/v1/resource/123", "ä", "\u0000", "\x1f\x7f",
		`"`, `\`, "\n", `a"`, `"abcdefg`, `abcdefg"`, "abcdefgh\\", "abcd\nefghijk", "\xff", "ab\xffcdefgh", "abcdefgh\xc3", "日本語\"日本語",
	} {
		for _, values := range [][]string{{v, ""}, {"", v}, {v, v}} {
			text, mended := l.Render([]byte("before"), values)
			clean := []string{Mend(values[0]), Mend(values[1])}
			if want := string(l.Append([]byte("before"), clean)); string(text) != want {
				t.Errorf("%q: rendered %s, want %s", values, text, want)
			}
			if mended != !utf8.ValidString(v) {
				t.Errorf("%q: mended: %v", values, mended)
			}
			text = text[len("before"):]
			if escaped := Escaped(text); escaped != strings.Contains(string(text), `\`) {
				t.Errorf("%q: escaped: %v", values, escaped)
			}
			if !l.Renders(string(text), Escaped(text), clean) || !l.Renders(string(text), true, clean) {
				t.Errorf("%q is not found alike", values)
			}
			if mended && (l.Renders(string(text), Escaped(text), values) || l.Renders(string(text), true, values)) {
				t.Errorf("%q is found alike, but has to be mended", values)
			}
			for _, other := range [][]string{{clean[0] + "x", clean[1]}, {clean[0], "y" + clean[1]}, {clean[0] + `"`, clean[1]}} {
				if l.Renders(string(text), Escaped(text), other) || l.Renders(string(text), true, other) {
					t.Errorf("%q is found alike with %q", other, values)
				}
			}
		}
	}
	fixed := NewLayout([]string{"c", "x"}, nil)
	if text, mended := fixed.Render(nil, nil); string(text) != `c="x"` || mended || !fixed.Renders(string(text), false, nil) {
		t.Errorf("without labels that vary: %s, %v", text, mended)
	}
}

// Every byte in every place of values of every short length.
func TestPlainKnowsEveryByte(t *testing.T) {
	for n := 1; n <= 20; n++ {
		for i := range n {
			for c := range 256 {
				b := []byte(strings.Repeat("x", n))
				b[i] = byte(c)
				want := c < 0x80 && c != '"' && c != '\\' && c != '\n'
				if got := plain(string(b)); got != want {
					t.Fatalf("plain(%q) = %v", b, got)
				}
			}
		}
	}
}

func TestRenderDoesNotAllocate(t *testing.T) {
	l := NewLayout(nil, []string{"a", "b"})
	buf := make([]byte, 0, 100)
	values := []string{"GET", `a "quoted" path`}
	var text string
	if n := testing.AllocsPerRun(10, func() {
		buf, _ = l.Render(buf[:0], values)
		text = string(buf)
	}); n != 1 {
		t.Errorf("%v allocations, want that of the string", n)
	}
	if n := testing.AllocsPerRun(10, func() { l.Renders(text, true, values) }); n != 0 {
		t.Errorf("Renders allocates %v times", n)
	}
}
