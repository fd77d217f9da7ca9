package push

import (
	"fmt"
	"testing"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

// BenchmarkPack compresses what is pushed.
func BenchmarkPack(b *testing.B) {
	for _, series := range []int{100, 100_000} {
		reg := fennel.NewRegistry()
		vec := fennel.NewCounterVec[[2]string]("jobs_total", "Jobs.", fennel.In(reg), fennel.LabelNames("kind", "status"))
		for i := range series {
			vec.With([2]string{fmt.Sprintf("kind-%d", i), "done"}).Add(float64(i * 7919))
		}
		body, err := exposition.Bytes(b.Context(), reg, exposition.Format{Syntax: exposition.Protobuf})
		if err != nil {
			b.Fatal(err)
		}
		for name, pack := range map[string]func([]byte) ([]byte, error){"gzip": packGzip, "snappy": packSnappy} {
			b.Run(fmt.Sprintf("series=%d/%s", series, name), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(body)))
				packed := 0
				for b.Loop() {
					p, _ := pack(body)
					packed = len(p)
				}
				b.ReportMetric(float64(packed), "packed-bytes")
			})
		}
	}
}
