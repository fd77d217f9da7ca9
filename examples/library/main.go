// Library shows how a library is instrumented: package cache takes a registry
// from the program that uses it, or nil for no metrics at all. It has no global
// state, needs no wrapper types, and may be instantiated many times.
//
//	go run ./examples/library
package main

import (
	"context"
	"errors"
	"io"
	"log"
	"os"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/examples/library/cache"
	"github.com/fennelmetrics/fennel/exposition"
)

func main() {
	if err := run(os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(out io.Writer) error {
	reg := fennel.NewRegistry()
	users := cache.New(load, cache.Options{Name: "users", Registry: reg})
	pages := cache.New(load, cache.Options{Name: "pages", Registry: reg})
	quiet := cache.New(load, cache.Options{Name: "quiet"})

	users.Get("ann")
	users.Get("ann")
	users.Get("nobody")
	pages.Get("/")
	quiet.Get("ann")

	// How long something took is different each time, so it is left out here.
	return exposition.Write(context.Background(), out, fennel.Only(reg, "cache_requests_total", "cache_entries"), exposition.Format{})
}

// load stands for what is slow.
func load(key string) (string, error) {
	if key == "nobody" {
		return "", errors.New("not found")
	}
	return "value of " + key, nil
}
