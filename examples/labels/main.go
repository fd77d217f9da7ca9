// Labels shows all that can be done with labels: label sets that are structs,
// arrays or single values, constant labels, keeping handles, creating,
// iterating and deleting.
//
//	go run ./examples/labels
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

// A label set is best a struct: labels then have names in the code, too, and
// can be neither forgotten nor swapped. Fields may be of any type over a
// string, a bool or an integer.
type query struct {
	Table  string `label:"table"`
	Verb   verb   `label:"verb"`
	Shard  int    `label:"shard"`
	Cached bool   `label:"cached"`
}

// verb has few values, and they are all here: as a label should.
type verb string

const (
	read  verb = "read"
	write verb = "write"
)

func main() {
	if err := run(os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(out io.Writer) error {
	reg := fennel.NewRegistry()
	structs(reg, out)
	arrays(reg)
	constants(reg)
	deleting(reg, out)
	return exposition.Write(context.Background(), out, reg, exposition.Format{})
}

func structs(reg *fennel.Registry, out io.Writer) {
	queries := fennel.NewCounterVec[query]("db_queries_total", "Queries to the database.", fennel.In(reg))

	// With finds the series, or creates it. What is left out has its zero
	// value, here Cached false: all labels are there, in all series.
	queries.With(query{Table: "users", Verb: read, Shard: 3, Cached: true}).Inc()

	// Where the labels don't change, keep the series: an update is then a
	// single atomic operation.
	writes := queries.With(query{Table: "users", Verb: write, Shard: 3})
	for range 1000 {
		writes.Inc()
	}

	// All iterates, with labels of the type that they were given in.
	for labels, count := range queries.All() {
		fmt.Fprintf(out, "%+v: %v\n", labels, count.Value())
	}
}

func arrays(reg *fennel.Registry) {
	// Where a struct would be too much, an array does it, or a single value.
	// The option LabelNames names the labels, and the constructor makes sure
	// that there are as many.
	bytes := fennel.NewCounterVec[[2]string]("copied_bytes_total", "Bytes that were copied.",
		fennel.LabelNames("from", "to"), fennel.In(reg))
	bytes.With([2]string{"disk", "net"}).AddUint(4096)

	temperature := fennel.NewGaugeVec[string]("room_temperature_celsius", "Temperature of a room.",
		fennel.LabelNames("room"), fennel.In(reg))
	temperature.With("cellar").Set(14.5)
}

func constants(reg *fennel.Registry) {
	// Constant labels are the same for all series of a declaration. Use them
	// where one program has several of a thing. What is the same for the whole
	// program, such as its version, is better an info.
	for i, pool := range []string{"main", "replica"} {
		open := fennel.NewGauge("db_connections_open", "Open connections.",
			fennel.ConstLabels(fennel.Label{Name: "pool", Value: pool}), fennel.In(reg))
		open.Set(float64(10 + i))
	}
}

func deleting(reg *fennel.Registry, out io.Writer) {
	type session struct {
		User   string `label:"user"`
		Device string `label:"device"`
	}
	sessions := fennel.NewGaugeVec[session]("sessions_open", "Sessions of users.", fennel.In(reg))

	// Series that are created are there from the start, with 0: so the first
	// event is seen as a rise.
	sessions.Create(session{"ann", "phone"}, session{"ann", "desk"}, session{"bob", "phone"}, session{"bob", "desk"}, session{"eve", "desk"})

	// A series is kept, and exposed, until it is deleted. Delete what has come
	// to its end, one by one or many at a time.
	fmt.Fprintln(out, "eve has gone:", sessions.Delete(session{"eve", "desk"}))
	fmt.Fprintln(out, "series of ann deleted:", sessions.DeletePartial(fennel.Label{Name: "user", Value: "ann"}))
	fmt.Fprintln(out, "series of desks deleted:", sessions.DeleteFunc(func(s session) bool { return s.Device == "desk" }))
	fmt.Fprintln(out, "series left:", sessions.Len())
}
