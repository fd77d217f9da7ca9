package fennelhttp

import (
	"slices"
	"testing"
)

func TestWantedNames(t *testing.T) {
	for _, test := range []struct {
		name, query string
		want        []string
	}{
		{"no query", "", nil},
		{"one", "name[]=up", []string{"up"}},
		{"several", "name[]=a&x=y&name[]=b", []string{"a", "b"}},
		{"brackets encoded", "name%5B%5D=a&name%5b]=b", []string{"a", "b"}},
		{"value encoded", "name[]=http.status%20%C3%A9+x%26", []string{"http.status é x&"}},
		{"empty value", "name[]=&name[]", nil},
		{"empty value beside one", "name[]=&name[]=a", []string{"a"}},
		{"other parameters", "name=a&names[]=b&Name[]=c", nil},
		{"comma does not separate", "name[]=a,b", []string{"a,b"}},
		{"semicolon does not separate", "name[]=a;name[]=b", []string{"a;name[]=b"}},
		{"equals sign in the value", "name[]=a=b", []string{"a=b"}},
		{"malformed value names itself", "name[]=100%&name[]=a", []string{"100%", "a"}},
		{"malformed others don't matter", "%zz=%&name[]=a&&=&", []string{"a"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := parseQuery(test.query).names; !slices.Equal(got, test.want) {
				t.Errorf("parseQuery(%q).names = %q, want %q", test.query, got, test.want)
			}
		})
	}
}
