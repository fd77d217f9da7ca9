// Package demo is a small web shop that measures itself with Fennel, and the
// customers that keep it busy. It is there to be watched, with "fennel demo",
// and to be read: as a model of how a service is instrumented.
//
// A [Shop] sells a few [Product]s over HTTP. Orders wait in a [Queue] until one
// of the workers of a [Pool] ships them from the [Inventory]. [Traffic] is the
// customers. What a real shop would have, a database that takes its time, a
// payment that fails, is drawn from dice; all the rest is as it would be.
//
// Where to look:
//
//   - middleware.go: requests by method, route and status, with typed labels;
//     durations, sizes, requests in flight
//   - queue.go: a gauge and counters that always fit together, and an age that
//     is computed when it is asked for
//   - pool.go: the state of each worker, the duration of jobs, outcomes
//   - inventory.go: a custom collector, which reads elsewhere what is not kept
//     in metrics
//   - shop.go: an info, and how the parts get their registry
//
// The rules that it follows are good ones elsewhere, too. Each part declares
// its own metrics, in a struct, from a registry that it is given: nothing is
// global, so tests can run many shops side by side. Labels have few values,
// which are known in advance: routes and not paths, outcomes and not error
// messages. Series that will come are created at the start, so that the first
// error is seen as a rise from 0. And each goroutine has an owner, which waits
// for its end.
package demo
