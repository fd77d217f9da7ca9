package exposition_test

import (
	"context"
	"fmt"

	"github.com/fennelmetrics/fennel"
	"github.com/fennelmetrics/fennel/exposition"
)

// Protobuf as people read it.
func ExampleBytes() {
	reg := fennel.NewRegistry()
	fennel.NewGaugeVec[string]("queue_length", "Jobs that wait.", fennel.In(reg), fennel.LabelNames("queue")).With("mail").Set(3)
	body, err := exposition.Bytes(context.Background(), reg, exposition.Format{Syntax: exposition.Protobuf, Readable: true})
	if err != nil {
		fmt.Println(err)
	}
	fmt.Print(string(body))
	// Output:
	// name: "queue_length"
	// help: "Jobs that wait."
	// type: GAUGE
	// metric {
	//   label {
	//     name: "queue"
	//     value: "mail"
	//   }
	//   gauge {
	//     value: 3
	//   }
	// }
}
