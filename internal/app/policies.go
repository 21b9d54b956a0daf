package app

import (
	"fmt"
	"strings"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// readPolicies puts together what the operator lays down by source. Each list
// reads "acqua-luce=500 EUR, *=2000 EUR"; "*" is for sources that are not in it.
func readPolicies(o Options) (map[string]campaign.Policy, error) {
	all := map[string]campaign.Policy{}
	above, err := bySource("approval.above", o.ApproveAbove)
	if err != nil {
		return nil, err
	}
	windows, err := bySource("send_window", o.SendWindow)
	if err != nil {
		return nil, err
	}
	for source, text := range above {
		m, err := campaign.ParseLimit(text)
		if err != nil {
			return nil, fmt.Errorf("approval.above: %s: %w", source, err)
		}
		p := all[source]
		p.ApproveAbove = m
		all[source] = p
	}
	for source, name := range windows {
		p := all[source]
		p.Window = name
		all[source] = p
	}
	// A source in one list only is, in the other, one of those not in it.
	for source, p := range all {
		if _, own := above[source]; !own {
			p.ApproveAbove = all["*"].ApproveAbove
		}
		if _, own := windows[source]; !own {
			p.Window = all["*"].Window
		}
		all[source] = p
	}
	return all, nil
}

// bySource reads "source=value, *=value".
func bySource(setting, text string) (map[string]string, error) {
	all := map[string]string{}
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		source, value, ok := strings.Cut(part, "=")
		source, value = strings.TrimSpace(source), strings.TrimSpace(value)
		if !ok || value == "" {
			return nil, fmt.Errorf("%s: %q: want source=value, or *=value for all others", setting, part)
		}
		if source != "*" {
			if err := (campaign.Key{Source: source, RequestID: "-"}).Validate(); err != nil {
				return nil, fmt.Errorf("%s: %w", setting, err)
			}
		}
		if _, twice := all[source]; twice {
			return nil, fmt.Errorf("%s: %s is there twice", setting, source)
		}
		all[source] = value
	}
	return all, nil
}
