//go:build race

package fennel_test

// The race detector makes sync.Pool forget at random, so allocations that pools
// spare can't be counted under it.
const raceDetector = true
