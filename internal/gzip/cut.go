package gzip

import (
	"bytes"
	"hash/maphash"
)

// A segment ends behind the first line after leastText whose name and labels have
// a hash that ends in zeros, or else with the last line before mostText. Only the
// lines behind leastText are looked at.
const (
	leastText   = 64 << 10
	mostText    = 160 << 10
	cutMask     = 1<<5 - 1 // a line in 32 is a place for a cut
	leastCached = 4 << 10  // what is shorter is compressed as soon as it is found
	textRoom    = mostText + 32<<10
)

// findCut returns the length of the segment with which text begins. If it has no
// end yet, n is how much of text needs not be looked at again: the caller gives
// it as scanned, at first 0.
func findCut(seed maphash.Seed, text []byte, scanned int) (n int, ok bool) {
	if len(text) <= leastText {
		return 0, false
	}
	at := scanned
	if at == 0 {
		// The line across leastText may have begun anywhere.
		at = leastText
		if newline := bytes.IndexByte(text[at:], '\n'); newline >= 0 {
			at += newline + 1
		}
	}
	for at > leastText {
		newline := bytes.IndexByte(text[at:], '\n')
		end := at + newline + 1
		if newline < 0 || end > mostText {
			break
		}
		if isCut(seed, text[at:end]) {
			return end, true
		}
		at = end
	}
	switch {
	case len(text) < mostText && at > leastText:
		return at, false
	case len(text) < mostText:
		return 0, false
	case at > leastText && at <= mostText:
		return at, true
	}
	return mostText, true
}

// isCut reports whether a segment may end behind a line. What follows the labels,
// or the name where there are none, has no part in that: it changes.
func isCut(seed maphash.Seed, line []byte) bool {
	end := bytes.Index(line, []byte("} "))
	if end < 0 {
		end = bytes.IndexByte(line, ' ')
	}
	return end > 0 && line[0] != '#' && maphash.Bytes(seed, line[:end])&cutMask == 0
}
