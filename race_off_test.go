//go:build !race

package fennel_test

const raceDetector = false
