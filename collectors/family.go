package collectors

import "github.com/fennelmetrics/fennel"

// family is a metric family that a collector writes, with the options made once
// and not at each scrape.
type family struct {
	fennel.Desc
	opts []fennel.WriterOption
}

func newFamily(typ fennel.Type, name, help, unit string, labels ...string) family {
	f := family{Desc: fennel.Desc{Name: name, Help: help, Unit: unit, Type: typ, Labels: labels}}
	if unit != "" {
		f.opts = append(f.opts, fennel.Unit(unit))
	}
	if len(labels) > 0 {
		f.opts = append(f.opts, fennel.LabelNames(labels...))
	}
	return f
}

// number writes the one sample of a counter, a gauge or an unknown.
func (f *family) number(w *fennel.Writer, value float64) {
	switch f.Type {
	case fennel.TypeCounter:
		w.Counter(f.Name, f.Help, f.opts...).Write(value)
	case fennel.TypeGauge:
		w.Gauge(f.Name, f.Help, f.opts...).Write(value)
	default:
		w.Unknown(f.Name, f.Help, f.opts...).Write(value)
	}
}

// info writes the one sample of an info.
func (f *family) info(w *fennel.Writer, values ...string) {
	w.Info(f.Name, f.Help, f.opts...).Write(values...)
}
