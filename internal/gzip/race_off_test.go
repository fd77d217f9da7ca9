//go:build !race

package gzip

const raceDetector = false
