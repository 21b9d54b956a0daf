package ops

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// withoutEmpty leaves out labels that are empty: the account's, where there is only one. To
// Prometheus a label that is empty and one that is not there are the same.
func withoutEmpty(g prometheus.Gatherer) prometheus.Gatherer {
	empty := func(l *dto.LabelPair) bool { return l.GetValue() == "" }
	return prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		families, err := g.Gather()
		for _, f := range families {
			for _, m := range f.Metric {
				if slices.ContainsFunc(m.Label, empty) {
					m.Label = slices.DeleteFunc(slices.Clone(m.Label), empty) // the metric keeps its own
				}
			}
		}
		return families, err
	})
}
