package exposition

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

func FuzzNegotiate(f *testing.F) {
	known := map[string]Format{}
	for format := range formats {
		known[format.ContentType()] = format
	}
	for _, tt := range prometheusTests {
		f.Add(tt.accept)
	}
	data, err := os.ReadFile("testdata/negotiate.json")
	if err != nil {
		f.Fatal(err)
	}
	var vectors []struct{ Accept string }
	if err := json.Unmarshal(data, &vectors); err != nil {
		f.Fatal(err)
	}
	for _, v := range vectors {
		f.Add(v.Accept)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		got := Negotiate(strings.Split(accept, "\n"), OpenMetrics200)
		if got.Syntax >= syntaxes || got.Escaping >= escapings {
			t.Fatalf("Format{%d, %d} is out of range", got.Syntax, got.Escaping)
		}
		if known[got.ContentType()] != got {
			t.Fatalf("%v has the content type %q", got, got.ContentType())
		}
		// An element that says nothing changes nothing, in front or behind.
		if again := Negotiate(append([]string{",text/html;q=0.1, ,"}, append(strings.Split(accept, "\n"), "nonsense")...), OpenMetrics200); again != got {
			t.Errorf("%v, and %v between clauses that say nothing", got, again)
		}
	})
}
