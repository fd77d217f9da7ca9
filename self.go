package fennel

// ownMetrics are what a registry exposes about itself, once there is something
// to say: each is empty, and so not exposed, until the first such event.
type ownMetrics struct {
	dropped    *CounterVec[selfDrop]
	mended     *CounterVec[selfMetric]
	failures   *CounterVec[selfCollector]
	duplicates *CounterVec[selfMetric]
}

type selfDrop struct {
	Metric string `label:"metric"`
	Reason string `label:"reason"`
}

type selfMetric struct {
	Metric string `label:"metric"`
}

type selfCollector struct {
	Collector string `label:"collector"`
}

func (o *ownMetrics) declare(r *Registry) {
	o.dropped = declareOwn[selfDrop](r, "fennel_dropped_updates_total", "Updates of a metric that were refused.")
	o.mended = declareOwn[selfMetric](r, "fennel_mended_labels_total", "Label sets with values that were not UTF-8 and were mended.")
	o.failures = declareOwn[selfCollector](r, "fennel_collector_errors_total", "Errors of collectors: failures, panics, families with samples that can't be exposed.")
	o.duplicates = declareOwn[selfMetric](r, "fennel_duplicate_samples_total", "Samples of collectors that were left out because their labels were there already.")
}

func declareOwn[L any](r *Registry, name, help string) *CounterVec[L] {
	return declareVec[L, Counter](r, counterDeclaration(name, help, options{}), nil)
}

// has reports whether name is one of the registry's own metrics.
func (o *ownMetrics) has(name string) bool {
	switch name {
	case "fennel_dropped_updates_total", "fennel_mended_labels_total", "fennel_collector_errors_total", "fennel_duplicate_samples_total":
		return true
	}
	return false
}
