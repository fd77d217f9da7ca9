package fennel

import (
	"errors"
	"fmt"
	"strings"
)

// DeclarationError says what is wrong with the declaration of a metric and how
// to mend it. The constructors panic with a *DeclarationError; [Try] returns it
// as an error.
type DeclarationError struct {
	Metric  string // the name of the metric, as given; "" for a function that makes buckets
	Problem string // what is wrong, and what to do
}

// Error returns the metric's name and the problem.
func (e *DeclarationError) Error() string {
	if e.Metric == "" {
		return "fennel: " + e.Problem
	}
	return fmt.Sprintf("fennel: metric %q: %s", e.Metric, e.Problem)
}

// Try calls declare, which declares metrics with the plain constructors, and
// returns what it returns. A declaration that is refused comes back as a
// *[DeclarationError] and not as a panic. Use it for metrics whose names or
// labels are only known at run time, such as those from a configuration file:
//
//	m, err := fennel.Try(func() *fennel.Gauge {
//		return fennel.NewGauge(conf.Name, conf.Help)
//	})
//
// Metrics that declare had declared before the refused one stay declared. Other
// panics are passed on.
func Try[T any](declare func() T) (metrics T, err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case *DeclarationError:
			err = p
		default:
			panic(p)
		}
	}()
	return declare(), nil
}

// GatherError says which parts of a registry could not be gathered, in full or
// in part. Everything else was: who gets a *GatherError has also got the rest.
type GatherError struct {
	// Errors has an error for each collector that failed, panicked or wrote
	// what can't be exposed, and for what [Merge] couldn't bring together.
	Errors []error
}

// Error returns all messages, separated by semicolons.
func (e *GatherError) Error() string {
	messages := make([]string, len(e.Errors))
	for i, err := range e.Errors {
		messages[i] = err.Error()
	}
	return "fennel: gathered in part: " + strings.Join(messages, "; ")
}

// Unwrap returns the errors for [errors.Is] and [errors.As].
func (e *GatherError) Unwrap() []error { return e.Errors }

// Partial reports whether err only says that parts are missing: what was
// written is complete in itself.
func Partial(err error) bool {
	_, ok := errors.AsType[*GatherError](err)
	return ok
}
