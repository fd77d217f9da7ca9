package cache

import "testing"

// Not being measured costs nothing: no memory, and a comparison for each update.
func TestWithoutRegistryNothingIsAllocated(t *testing.T) {
	c := New(func(key string) (string, error) { return key, nil }, Options{})
	if _, err := c.Get("a"); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { c.Get("a") }); n != 0 {
		t.Errorf("%v allocations for a hit", n)
	}
	if c.metrics != (metrics{}) {
		t.Errorf("it has metrics: %+v", c.metrics)
	}
}
