//go:build race

package gzip

// The race detector makes sync.Pool forget at random, so allocations can't be
// counted under it.
const raceDetector = true
