package names

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzEscape(f *testing.F) {
	for _, name := range []string{
		"", "a", "a_b", "a:b", "a.b", "0", "_", "__", ":", "花火", "label with 😱", "U__a_2e_b", "a\n", "a\xff", "\ufffd", "_2e_", "a__b.c",
	} {
		f.Add(name)
	}
	kinds := []struct {
		legal  func(string) bool
		escape func(Scheme, string) string
	}{
		{LegalMetric, Scheme.Metric},
		{LegalLabel, Scheme.Label},
	}
	f.Fuzz(func(t *testing.T, name string) {
		for _, kind := range kinds {
			for _, s := range []Scheme{Underscores, Dots, Values} {
				got := kind.escape(s, name)
				switch {
				case name == "" || kind.legal(name):
					if got != name {
						t.Errorf("%s changes %q to %q", s, name, got)
					}
				case !kind.legal(got):
					t.Errorf("%s gives %q for %q, which is not legal", s, got, name)
				case s == Values && utf8.ValidString(name):
					if back, err := unescapeValues(got); back != name || err != nil {
						t.Errorf("%q escaped as %q reads back as %q, %v", name, got, back, err)
					}
				}
			}
			if got := kind.escape(AllowUTF8, name); got != name {
				t.Errorf("allow-utf-8 changes %q to %q", name, got)
			}
		}
	})
}

func FuzzAppendQuoted(f *testing.F) {
	for _, name := range []string{"", "a", `"`, `\`, "\n", `\n`, "a\"b\\c\nd", "a\xff"} {
		f.Add(name)
	}
	unquote := strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n")
	f.Fuzz(func(t *testing.T, name string) {
		got := string(AppendQuoted(nil, name))
		if strings.Contains(got, "\n") {
			t.Fatalf("%q has a raw newline", got)
		}
		if back := unquote.Replace(got[1 : len(got)-1]); back != name {
			t.Errorf("%q quoted as %s reads back as %q", name, got, back)
		}
	})
}

// unescapeValues is the inverse of Values on names that are not legal. That
// it exists shows that no two of them are written the same.
func unescapeValues(s string) (string, error) {
	s, ok := strings.CutPrefix(s, "U__")
	if !ok {
		return "", errors.New("no U__ in front")
	}
	var b strings.Builder
	for s != "" {
		plain, rest, found := strings.Cut(s, "_")
		b.WriteString(plain)
		if !found {
			break
		}
		hex, rest, found := strings.Cut(rest, "_")
		if !found {
			return "", errors.New("an underscore without its partner")
		}
		s = rest
		if hex == "" {
			b.WriteByte('_')
			continue
		}
		r, err := strconv.ParseUint(hex, 16, 21)
		if err != nil {
			return "", err
		}
		b.WriteRune(rune(r))
	}
	return b.String(), nil
}
