// Native shows what a modern Prometheus can take: a histogram with native
// buckets, exemplars that lead to a trace, quantiles, a callback, and a view that
// gives a part of the program a prefix and a label.
//
//	go run ./examples/native
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/fennelmetrics/fennel"
)

func main() {
	if err := run(os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(out io.Writer) error {
	reg := fennel.NewRegistry()
	shop := reg.View("shop_", fennel.Label{Name: "region", Value: "eu"})
	in := fennel.In(shop)
	latency := fennel.NewHistogram("request_duration_seconds", "Time to serve a request.",
		fennel.Unit("seconds"), fennel.Native{}, in)
	pause := fennel.NewSummary("pause_seconds", "Time between two requests.",
		fennel.Unit("seconds"), fennel.Quantiles(0.5, 0.99), in)
	queue := make(chan int, 10)
	fennel.NewGaugeFunc("queue_length", "Requests that wait.", func() float64 { return float64(len(queue)) }, in)

	for i := range 100 {
		latency.ObserveWithExemplar(0.01*float64(1+i%7), fennel.Label{Name: "trace_id", Value: fmt.Sprintf("%032x", i)})
		pause.Observe(float64(i))
	}
	queue <- 1
	return report(out, reg)
}

// report says what a server would get, in words.
func report(out io.Writer, reg *fennel.Registry) error {
	families, err := reg.Gather(context.Background())
	if err != nil {
		return err
	}
	for _, f := range families {
		s := f.Samples[0]
		fmt.Fprintf(out, "%s %s of region %s\n", f.Type, f.Name, s.Label("region"))
		switch f.Type {
		case fennel.TypeHistogram:
			fmt.Fprintf(out, "  %d observations in %d native buckets of schema %d and %d classic ones\n",
				s.Count, len(s.Native.Positive), s.Native.Schema, len(s.Buckets))
			last := s.Exemplars[len(s.Exemplars)-1]
			fmt.Fprintf(out, "  for example %v in trace %s\n", last.Value, last.Labels[0].Value)
		case fennel.TypeSummary:
			for _, q := range s.Quantiles {
				fmt.Fprintf(out, "  %v of them are not above %v\n", q.Rank, q.Value)
			}
		default:
			fmt.Fprintf(out, "  %v\n", s.Value)
		}
	}
	return nil
}
