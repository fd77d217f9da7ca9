// Package integration tests Fennel against real servers.
//
// It has no code of its own beside its tests. They build the servers from
// their Go modules, start them on free loopback ports, let them scrape, and ask
// them what they understood. They also compare the messages and the native
// buckets with those that client_golang makes of the same observations. Run them
// with
//
//	cd integration && go test ./...
//
// The first run builds the servers, which takes some minutes (give it
// -timeout 30m on a slow machine or network) and needs the Go module proxy;
// the binaries are kept in .bin, by version, and later runs take seconds. After
// a change to how a binary is built, remove that directory.
//
// A test whose server can't be built is skipped, and says why. With
// FENNEL_INTEGRATION=require in the environment it fails instead.
//
// The fuzz tests need no server, but its parsers. Their seeds run with the other
// tests; to look for more,
//
//	go test -run=- -fuzz=FuzzExposition -fuzzminimizetime=1s
//	go test -run=- -fuzz=FuzzAccept
//	go test -run=- -fuzz=FuzzNative
package integration
