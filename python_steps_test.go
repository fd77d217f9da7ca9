package fennel_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/fennelmetrics/fennel"
)

// Fennel's ways to refuse a step, besides a DeclarationError and an update that
// is dropped and counted.
var (
	errCompiler = errors.New("it doesn't compile")
	errNotThere = errors.New("false: there is none")
)

// pythonMachine carries out steps by Fennel's own calls.
type pythonMachine struct {
	withoutCreated bool // series, in OpenMetrics
	overridden     bool // the result of this step is given without them

	t        *testing.T
	reg      *fennel.Registry
	handles  map[string]any // a metric, or a vec as a labelled
	declared map[string]*pythonStep
	infos    []*lateInfo
}

func newPythonMachine(t *testing.T) *pythonMachine {
	return &pythonMachine{
		t: t, reg: fennel.NewRegistry(),
		handles: make(map[string]any), declared: make(map[string]*pythonStep),
	}
}

// step carries out one step. It returns what the step returns, if it is one of
// those that return something, and how Fennel refused it, or nil.
func (m *pythonMachine) step(s *pythonStep) (result []string, refusal error) {
	if s.Catch+s.Raise+s.Mode != "" {
		m.t.Fatalf("%s: this is to be left out: %+v", s.Op, s)
	}
	switch s.Op {
	case "registry":
		m.reg = fennel.NewRegistry()
		return nil, m.reg.SetTargetInfo(s.target()...)
	case "target_info":
		m.finish() // an info target that has said nothing is there first
		var labels []fennel.Label
		for _, l := range s.pairs(m.t) {
			labels = append(labels, label(l.name, *l.value))
		}
		return nil, m.reg.SetTargetInfo(labels...)
	case "clock":
		m.sleepUntil(s.Now)
		return nil, nil
	case "created_series":
		m.withoutCreated = !*s.Enabled
		return nil, nil
	case "new":
		return nil, m.declare(s)
	case "register":
		// A metric is declared in a registry, and again to be in it again.
		again := *m.declared[s.Var]
		again.Register = nil
		return nil, m.declare(&again)
	case "unregister":
		if !m.reg.Forget(m.declared[s.Var].fullName()) {
			return nil, errNotThere
		}
		return nil, nil
	case "collector":
		register(m.t, m.reg, s.collect(m.t))
		return nil, nil
	case "expose":
		return exposed(m.t, m.created(), m.reg), nil
	case "restricted":
		return exposed(m.t, m.created(), fennel.Only(m.reg, s.Names...)), nil
	case "sample":
		return m.sample(s.Name, s.pairs(m.t)), nil
	}
	h, err := m.handle(s)
	if err != nil {
		return nil, err
	}
	before := m.dropped()
	result, err = m.update(h, s)
	for what, n := range m.dropped() {
		switch n -= before[what]; {
		case n == 1 && err == nil:
			err = fmt.Errorf("dropped: %s", what)
		case n != 0:
			m.t.Errorf("%s: %v times dropped: %s, besides: %v", s.Op, n, what, err)
		}
	}
	return result, err
}

// update carries out a step that is for a metric. What the metric has no method
// for would not compile: no update of a parent, no removal from a metric
// without labels.
func (m *pythonMachine) update(h any, s *pythonStep) (result []string, refusal error) {
	switch s.Op {
	case "child":
		m.handles[s.As] = h
		return nil, nil
	case "remove", "remove_by_labels":
		vec, ok := h.(labelled)
		if !ok {
			return nil, errCompiler
		}
		if s.Op == "remove" {
			return nil, m.remove(vec, s)
		}
		var labels []fennel.Label
		for _, l := range s.pairs(m.t) {
			labels = append(labels, label(l.name, *l.value))
		}
		vec.DeletePartial(labels...)
		return nil, nil
	case "time":
		if h, ok := h.(interface{ Timer() fennel.Timer }); ok {
			timer := h.Timer()
			time.Sleep(seconds(m.t, s.Elapsed))
			timer.Stop()
			return nil, nil
		}
	case "track_inprogress":
		if h, ok := h.(interface{ Track() func() }); ok {
			done := h.Track()
			result = m.sample(s.Read.Name, nil)
			done()
			return result, nil
		}
	case "info":
		return nil, m.info(h, s.pairs(m.t))
	case "set_function":
		if _, ok := h.(*fennel.Gauge); ok {
			return nil, m.setFunction(s)
		}
	default:
		if m.call(h, s) {
			return nil, nil
		}
	}
	return nil, errCompiler
}

// call calls a method that takes nothing or one value, and reports whether the
// metric has it.
func (m *pythonMachine) call(h any, s *pythonStep) bool {
	switch s.Op {
	case "inc":
		if s.Exemplar != nil {
			return call(h, func(h *fennel.Counter) { h.AddWithExemplar(number(m.t, cmp.Or(s.By, "1")), s.exemplar()...) })
		}
		if s.By == "" {
			return call(h, func(h interface{ Inc() }) { h.Inc() })
		}
		return call(h, func(h interface{ Add(float64) }) { h.Add(number(m.t, s.By)) })
	case "dec":
		if s.By == "" {
			return call(h, func(h interface{ Dec() }) { h.Dec() })
		}
		return call(h, func(h interface{ Sub(float64) }) { h.Sub(number(m.t, s.By)) })
	case "observe":
		if s.Exemplar != nil {
			return call(h, func(h *fennel.Histogram) { h.ObserveWithExemplar(number(m.t, s.By), s.exemplar()...) })
		}
		return call(h, func(h fennel.Observer) { h.Observe(number(m.t, s.By)) })
	case "set":
		return call(h, func(h interface{ Set(float64) }) { h.Set(number(m.t, s.To)) })
	case "state":
		return call(h, func(h interface{ Set(string) }) { h.Set(s.To) })
	case "reset":
		return call(h, func(h interface{ Reset() }) { h.Reset() })
	case "clear":
		return call(h, func(h interface{ Clear() int }) { h.Clear() })
	}
	m.t.Fatalf("there is no step %q", s.Op)
	return false
}

func call[I any](h any, f func(I)) bool {
	has, ok := h.(I)
	if ok {
		f(has)
	}
	return ok
}

// declare declares a metric. If it is refused the handle is nil, and all
// further steps with it do nothing.
func (m *pythonMachine) declare(s *pythonStep) error {
	var h any
	var err error
	switch names := s.labelNames(m.t); {
	case s.Register != nil:
		if *s.Register || s.Type != "gauge" || names != nil {
			m.t.Fatalf("register is %v for %s %q", *s.Register, s.Type, names)
		}
		h = new(fennel.Gauge) // the zero value works without being exposed
	case len(names) == 0:
		h, err = declareSingle(m, s)
	case len(names) == 1:
		h, err = declareVec[string](m, s)
	case len(names) == 2:
		h, err = declareVec[[2]string](m, s)
	case len(names) == 3:
		h, err = declareVec[[3]string](m, s)
	default:
		m.t.Fatalf("%d labels", len(names))
	}
	if err == nil || m.handles[s.Var] == nil {
		m.handles[s.Var], m.declared[s.Var] = h, s
	}
	return err
}

func declareSingle(m *pythonMachine, s *pythonStep) (any, error) {
	name, help, in, unit := s.fullName(), s.help(), fennel.In(m.reg), s.unit()
	switch s.Type {
	case "counter":
		return try(func() *fennel.Counter { return fennel.NewCounter(name, help, in, unit) })
	case "gauge":
		return try(func() *fennel.Gauge { return fennel.NewGauge(name, help, in, unit) })
	case "histogram":
		return try(func() *fennel.Histogram { return fennel.NewHistogram(name, help, in, unit, s.buckets(m.t)) })
	case "summary":
		return try(func() *fennel.Summary { return fennel.NewSummary(name, help, in, unit) })
	case "enum":
		return try(func() *fennel.StateSet[string] { return fennel.NewStateSet(name, help, s.States, in) })
	case "info":
		info := &lateInfo{name: name, help: help}
		m.infos = append(m.infos, info)
		return info, nil
	}
	m.t.Fatalf("type %q", s.Type)
	return nil, nil
}

// declareVec declares a metric with labels that are only known at run time: L
// is a string, an array of strings, or for one label anything else.
func declareVec[L any](m *pythonMachine, s *pythonStep) (any, error) {
	name, help, in, unit := s.fullName(), s.help(), fennel.In(m.reg), s.unit()
	labels := fennel.LabelNames(s.labelNames(m.t)...)
	switch s.Type {
	case "counter":
		return tryVec(func() *fennel.CounterVec[L] { return fennel.NewCounterVec[L](name, help, in, labels, unit) })
	case "gauge":
		return tryVec(func() *fennel.GaugeVec[L] { return fennel.NewGaugeVec[L](name, help, in, labels, unit) })
	case "histogram":
		return tryVec(func() *fennel.HistogramVec[L] {
			return fennel.NewHistogramVec[L](name, help, in, labels, unit, s.buckets(m.t))
		})
	case "summary":
		return tryVec(func() *fennel.SummaryVec[L] { return fennel.NewSummaryVec[L](name, help, in, labels, unit) })
	case "enum":
		return tryVec(func() *fennel.StateSetVec[L, string] {
			return fennel.NewStateSetVec[L](name, help, s.States, in, labels)
		})
	case "info":
		return tryVec(func() *fennel.InfoVec[L, versionInfo] {
			return fennel.NewInfoVec[L, versionInfo](name, help, in, labels)
		})
	}
	m.t.Fatalf("type %q", s.Type)
	return nil, nil
}

func try[H any](declare func() *H) (any, error) { return fennel.Try(declare) }

func tryVec[L, H any](declare func() *fennel.Vec[L, H]) (any, error) {
	vec, err := fennel.Try(declare)
	return vecOf[L, H]{vec}, err
}

// labelled is a vec whose label set type is not known.
type labelled interface {
	child(values []string) any
	remove(values []string) (there, removed bool)
	DeletePartial(...fennel.Label) int
	Clear() int
}

type vecOf[L, H any] struct{ *fennel.Vec[L, H] }

func (v vecOf[L, H]) child(values []string) any { return v.With(labelSet[L](values)) }

func (v vecOf[L, H]) remove(values []string) (there, removed bool) {
	labels := labelSet[L](values)
	_, there = v.Get(labels)
	return there, v.Delete(labels)
}

func labelSet[L any](values []string) (labels L) {
	switch p := any(&labels).(type) {
	case *string:
		*p = values[0]
	case *[2]string:
		copy(p[:], values)
	case *[3]string:
		copy(p[:], values)
	case *int:
		*p, _ = strconv.Atoi(values[0])
	case *bool:
		*p = values[0] == "true"
	}
	return labels
}

// handle returns what a step is for: a metric, the child of a vec, or a vec.
func (m *pythonMachine) handle(s *pythonStep) (any, error) {
	h := m.handles[s.Var]
	if h == nil {
		m.t.Fatalf("%s: there is no %q", s.Op, s.Var)
	}
	switch {
	case s.WithKW != nil:
		return m.byName(h, s)
	case s.With != nil:
		vec, values, err := m.typed(h, s.Var, s.With)
		if err != nil {
			return nil, err
		}
		return vec.child(values), nil
	}
	return h, nil
}

// byName puts labels that are given by name into the order of the declaration,
// as the fields of a struct would be.
func (m *pythonMachine) byName(h any, s *pythonStep) (any, error) {
	vec, ok := h.(labelled)
	names := m.declared[s.Var].labelNames(m.t)
	if !ok || len(s.WithKW) != len(names) {
		return nil, errCompiler
	}
	values := make([]string, len(names))
	for _, l := range s.WithKW {
		i := slices.Index(names, l[0])
		if i < 0 {
			return nil, errCompiler
		}
		values[i] = l[1]
	}
	return vec.child(values), nil
}

// typed returns the vec for label values, which in Fennel are of a type: the
// same metric is declared again with label sets of ints or bools. Other types
// are refused.
func (m *pythonMachine) typed(h any, name string, list []any) (vec labelled, values []string, err error) {
	vec, ok := h.(labelled)
	if !ok {
		return nil, nil, errCompiler
	}
	declared := m.declared[name]
	if len(list) != len(declared.labelNames(m.t)) {
		return nil, nil, errCompiler // an array has a length
	}
	for _, v := range list {
		values = append(values, fmt.Sprint(v))
		switch v := v.(type) {
		case string:
			continue
		case json.Number:
			if _, err = v.Int64(); err == nil {
				h, err = declareVec[int](m, declared)
			} else {
				h, err = declareVec[float64](m, declared)
			}
		case bool:
			h, err = declareVec[bool](m, declared)
		case nil:
			h, err = declareVec[*string](m, declared)
		}
		if vec = h.(labelled); err != nil {
			return nil, nil, err
		}
	}
	return vec, values, nil
}

func (m *pythonMachine) remove(vec labelled, s *pythonStep) error {
	vec, values, err := m.typed(vec, s.Var, s.Values)
	if err != nil {
		return err
	}
	// What isn't there can be removed, in Python, too: false is no refusal.
	if there, removed := vec.remove(values); there != removed {
		m.t.Errorf("Delete(%q) = %v, but Get says %v", values, removed, there)
	}
	return nil
}

type (
	versionInfo struct {
		V string `label:"v"`
	}
	moduleInfo struct {
		Mod string `label:"mod"`
	}
)

// lateInfo is an info that has said nothing yet. In Fennel an info is declared
// with what it says, since its labels are a type.
type lateInfo struct{ name, help string }

// info says something: the version, or what is refused.
func (m *pythonMachine) info(h any, labels []pythonLabel) error {
	if len(labels) != 1 || labels[0].value == nil {
		return errCompiler // a string is never nil
	}
	value := versionInfo{*labels[0].value}
	switch h := h.(type) {
	case *lateInfo:
		m.infos = slices.DeleteFunc(m.infos, func(i *lateInfo) bool { return i == h })
		_, err := fennel.Try(func() any { return fennel.NewInfo(h.name, h.help, value, fennel.In(m.reg)) })
		return err
	case *fennel.Info[versionInfo]:
		if labels[0].name == "v" {
			h.Set(value)
			return nil
		}
		// What an info says can't be a label that it has: declaring it is refused.
		_, err := fennel.Try(func() any {
			return fennel.NewInfoVec[string, moduleInfo]("overlap_info", "", fennel.In(m.reg), fennel.LabelNames("mod"))
		})
		return err
	}
	return errCompiler
}

// finish declares the infos that said nothing, as what they are: a name alone.
func (m *pythonMachine) finish() {
	for _, i := range m.infos {
		fennel.NewInfo(i.name, i.help, struct{}{}, fennel.In(m.reg))
	}
	m.infos = nil
}

// sample reads one value back.
func (m *pythonMachine) sample(name string, labels []pythonLabel) []string {
	var all []fennel.Label
	for _, l := range labels {
		all = append(all, label(l.name, *l.value))
	}
	value, ok := fennel.SampleValue(m.t.Context(), m.reg, name, all...)
	if !ok {
		return []string{"none"}
	}
	return []string{canonical(value)}
}

// dropped returns how many updates the registry has dropped, by metric and
// reason.
func (m *pythonMachine) dropped() map[string]float64 {
	const name = "fennel_dropped_updates_total"
	n := make(map[string]float64)
	for _, f := range gather(m.t, fennel.Only(m.reg, name)) { // which asks no function
		for _, s := range f.Samples {
			n[s.Label("metric")+" "+s.Label("reason")] = s.Value
		}
	}
	return n
}

// sleepUntil lets the bubble's clock run to a time in seconds since 1970.
// created reports whether OpenMetrics is to have _created series.
func (m *pythonMachine) created() bool { return !m.withoutCreated && !m.overridden }

func (m *pythonMachine) sleepUntil(now string) {
	time.Sleep(time.Until(time.Unix(0, 0).Add(seconds(m.t, now))))
}

func seconds(t *testing.T, s string) time.Duration {
	// To the millisecond: a float64 of this size has no nanoseconds.
	return time.Duration(number(t, s) * float64(time.Second)).Round(time.Millisecond)
}

// collect writes families, which are gauges without labels.
func (s *pythonStep) collect(t *testing.T) func(*fennel.Writer) error {
	return func(w *fennel.Writer) error {
		for _, f := range s.Families {
			if f.Type != "gauge" || f.Unit != "" {
				t.Errorf("a family of type %s with unit %q", f.Type, f.Unit)
			}
			for _, sample := range f.Samples {
				w.Gauge(sample.Name, f.Help).Write(number(t, sample.Value))
			}
		}
		return nil
	}
}

// canonical spells a number in one way; -0 is another number than 0.
func canonical(v float64) string {
	if v == 0 && math.Signbit(v) {
		return "-0"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
