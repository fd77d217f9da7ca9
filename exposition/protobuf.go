package exposition

import (
	"encoding/binary"
	"io"
	"math"
	"sync"

	"github.com/fennelmetrics/fennel/internal/sample"
)

// messageEncoder is the encoder of the protobuf format: for each family the
// length of a MetricFamily message, and the message.
type messageEncoder struct {
	output
	format   Format
	limit    int            // how long a message is when another one is begun
	family   *sample.Family // whose metrics are in the message
	prepared *preparedMessage
	mixed    bool // the family's label texts have to be searched for names

	metrics   []byte // the fields of the message that are metrics
	exemplars queue  // of the batch
	escaped   bool   // some label value of the batch has a backslash
	scratch   []byte // a label value without its escapes
}

const (
	messageSize = 256 << 10                 // what a message of a body that isn't whole grows to
	messageRoom = messageSize + pieceSize   // what it needs, as the last run of samples may go beyond
	keepMessage = messageSize + 2*pieceSize // more room than that is not kept for the next scrape
)

var messageEncoders = sync.Pool{New: func() any {
	return &messageEncoder{output: newOutput(), metrics: make([]byte, 0, pieceSize)}
}}

func (e *messageEncoder) start(w io.Writer, f Format, whole bool) {
	e.w, e.buf = w, e.buf[:0]
	e.format, e.limit = f, messageSize
	if whole {
		e.limit = math.MaxInt
	}
}

func (e *messageEncoder) release() {
	if e.err != nil || cap(e.buf) > keepSize || cap(e.metrics) > keepMessage || cap(e.scratch) > keepSize {
		return
	}
	*e = messageEncoder{output: output{buf: e.buf[:0]}, metrics: e.metrics[:0], scratch: e.scratch}
	messageEncoders.Put(e)
}

func (e *messageEncoder) finish() error {
	if err := e.endMessage(); err != nil {
		return err
	}
	return e.flush()
}

// endMessage writes the message whose metrics have been appended, if there are
// any.
func (e *messageEncoder) endMessage() error {
	if len(e.metrics) == 0 {
		return nil
	}
	metrics := e.metrics
	e.metrics = metrics[:0]
	if e.format.Readable {
		return e.writeReadable(e.prepared.header, metrics)
	}
	e.buf = binary.AppendUvarint(e.buf, uint64(len(e.prepared.header)+len(metrics)))
	if err := e.write(e.prepared.header); err != nil {
		return err
	}
	return e.write(metrics)
}

// Visit appends a run of samples to the message of their family.
func (e *messageEncoder) Visit(f *sample.Family, b *sample.Batch) error {
	if f != e.family {
		if err := e.endMessage(); err != nil {
			return err
		}
		e.family, e.prepared, e.mixed = f, prepareMessage(f, e.format), f.Mixed()
	}
	e.exemplars, e.escaped = b.Exemplars, hasEscape(b)
	e.makeRoom(len(b.Text) + b.Len()*e.prepared.size + slack)
	if e.oneNumber(b) {
		return e.numbers(f, b)
	}
	for i := range b.Len() {
		e.metrics = e.sample(e.metrics, f, b, i)
		if len(e.metrics) >= e.limit {
			if err := e.endMessage(); err != nil {
				return err
			}
		}
	}
	return nil
}

// makeRoom makes room for a run of samples that is about so long, and in one step
// for all of a message that is longer than a piece. Growing by and by would leave
// behind more than it needs in the end.
func (e *messageEncoder) makeRoom(size int) {
	if size = len(e.metrics) + size; size <= cap(e.metrics) {
		return
	}
	size = max(size, 2*cap(e.metrics))
	if e.limit == messageSize {
		size = max(size, messageRoom)
	}
	e.metrics = append(make([]byte, 0, size), e.metrics...)
}
