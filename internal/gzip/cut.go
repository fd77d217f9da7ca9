package gzip

import (
	"bytes"
	"hash/crc32"
)

// A segment ends behind the first line after leastText that is a mark. If there is
// none, it ends with the last line before mostText.
const (
	leastText = 64 << 10
	mostText  = 128 << 10

	// markSpacing is how much text has one mark, on average: what has to be looked
	// at to find one, and by how much a segment grows or shrinks when its mark has
	// gone.
	markSpacing = 4 << 10
	// lookStep is how much more text is waited for while there is no mark. What
	// lies behind it has to be moved.
	lookStep = 4 << 10
)

// findCut returns the length of the segment with which text begins, or 0 if it may
// go on behind text. Then it says up to where it has looked, so that who calls again
// with more text has it go on from there.
func findCut(text []byte, from int) (n, looked int) {
	end := from // of the last line that was looked at
	for at := max(from, leastText); at < len(text); at = end {
		n := bytes.IndexByte(text[at:], '\n') + 1
		if n == 0 {
			break
		}
		line := end
		end = at + n
		// The first one may have begun anywhere.
		if line > 0 && isMark(text[line:end]) {
			return end, 0
		}
	}
	switch {
	case len(text) < mostText:
		return 0, end
	case end > 0:
		return end, 0
	}
	return len(text), 0
}

// isMark reports whether a segment may end behind a line. Long lines are marks
// more often, so that text of any kind has as many. There is nothing secret in it:
// the same body is cut alike by every handler, and somebody who chooses labels
// that are no marks gets segments of mostText.
func isMark(line []byte) bool {
	s := stem(line)
	// Of lines in a row, which differ in a digit or two, the CRCs have patterns.
	h := crc32.ChecksumIEEE(s) * 0x9e3779b1
	return uint64(h)*markSpacing>>32 < uint64(len(s))
}

// stem returns what stays of a line when its value changes: the name and the
// labels. Of a line that is no sample it returns some beginning.
func stem(line []byte) []byte {
	if line[0] == '#' {
		return line
	}
	for end := 0; ; {
		n := bytes.IndexByte(line[end:], '}') + 1
		if n == 0 {
			break
		}
		end += n
		// It may be a part of a label value, too.
		if bytes.HasSuffix(line[:end], []byte(`"}`)) && bytes.HasPrefix(line[end:], []byte(" ")) {
			return line[:end]
		}
	}
	if n := bytes.IndexByte(line, ' '); n > 0 {
		return line[:n]
	}
	return line
}
