package app

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

func TestQuotas(t *testing.T) {
	t.Parallel()
	q, err := newQuotas(Options{IntakePerHour: "shop-italia=3, *=5", Gateway: Gateway{Replicas: 1}})
	if err != nil {
		t.Fatal(err)
	}
	morning := time.Date(2026, 11, 27, 8, 10, 0, 0, time.UTC)
	taken := func(source string, at time.Time) (n int) {
		for i := range 10 {
			key := campaign.Key{Source: source, RequestID: fmt.Sprint("r-", i)}
			why := q.Takes(key, at)
			if q.Takes(key, at) != why {
				t.Errorf("%s is taken once, and not the next time", key)
			}
			if why == "" {
				n++
			} else if !strings.Contains(why, source) || !strings.Contains(why, "intake.per_hour") {
				t.Errorf("it says %q", why)
			}
		}
		return n
	}
	if n := taken("shop-italia", morning); n != 3 {
		t.Errorf("shop-italia: %d are taken, want 3", n)
	}
	if n := taken("acqua-luce", morning); n != 5 {
		t.Errorf("another source: %d are taken, want 5", n)
	}
	if n := taken("shop-italia", morning.Add(time.Hour)); n != 3 {
		t.Errorf("an hour later: %d are taken, want 3", n)
	}
	if q, _ = newQuotas(Options{IntakePerHour: "shop-italia=3"}); taken("acqua-luce", morning) != 10 {
		t.Error("a source without a quota is bound")
	}
	if q, _ = newQuotas(Options{IntakePerHour: "*=9", Gateway: Gateway{Replicas: 3}}); taken("acqua-luce", morning) != 3 {
		t.Error("a replica has more or less than its share")
	}
	for _, wrong := range []string{"shop-italia", "shop-italia=0", "*=many", "shop italia=3"} {
		if _, err := newQuotas(Options{IntakePerHour: wrong}); err == nil || !strings.Contains(err.Error(), "intake.per_hour") {
			t.Errorf("%q: got error %v", wrong, err)
		}
	}
}

func TestRecipientsQuotaIsBySource(t *testing.T) {
	t.Parallel()
	q, err := recipientsQuota("shop-italia=3, *=5")
	if err != nil || q("shop-italia") != 12 || q("acqua-luce") != 20 {
		t.Errorf("%d and %d chunks, %v; want 12 and 20", q("shop-italia"), q("acqua-luce"), err)
	}
	if q, err := recipientsQuota("shop-italia=3"); err != nil || q("acqua-luce") != 0 {
		t.Errorf("a source without a quota is bound: %v", err)
	}
	for _, wrong := range []string{"shop-italia", "shop-italia=0", "*=3GiB"} {
		o := Options{RecipientsQuota: wrong}
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), "recipients.quota") {
			t.Errorf("%q: got error %v", wrong, err)
		}
	}
}

// The share is that of now: as many services as were counted last.
func TestQuotasGoByHowManyServicesThereAre(t *testing.T) {
	t.Parallel()
	q, err := newQuotas(Options{IntakePerHour: "*=9"})
	if err != nil {
		t.Fatal(err)
	}
	morning := time.Date(2026, 11, 27, 8, 10, 0, 0, time.UTC)
	for services, want := range map[int64]int{1: 9, 3: 3, 4: 3} {
		q.services.n.Store(services)
		taken := 0
		for i := range 20 {
			if q.Takes(campaign.Key{Source: fmt.Sprint("s-", services), RequestID: fmt.Sprint(i)}, morning) == "" {
				taken++
			}
		}
		if taken != want {
			t.Errorf("one of %d services takes %d of 9, want %d", services, taken, want)
		}
	}
}

// A flood of cancels of what nobody asked for leaves so many records, and no more.
func TestQuotasOfStrays(t *testing.T) {
	t.Parallel()
	morning := time.Date(2026, 11, 27, 8, 10, 0, 0, time.UTC)
	// flood is how many of so many cancels leave a record, each of a source of the list in
	// turn, at replicas that share the cancels.
	flood := func(t *testing.T, setting string, replicas, n int, sources ...string) (taken int) {
		t.Helper()
		all := make([]quotas, replicas)
		for i := range all {
			o := Options{IntakeStrays: setting, Gateway: Gateway{Replicas: replicas}}.WithDefaults()
			q, err := newQuotas(o)
			if err != nil {
				t.Fatal(err)
			}
			all[i] = q
		}
		for i := range n {
			key := campaign.Key{Source: sources[i%len(sources)], RequestID: fmt.Sprint("r-", i)}
			q := all[i%replicas]
			why := q.TakesStray(key, morning)
			if q.TakesStray(key, morning) != why {
				t.Errorf("%s is taken once, and not the next time", key)
			}
			if why == "" {
				taken++
			} else if !strings.Contains(why, key.String()) || !strings.Contains(why, "intake.strays") {
				t.Errorf("it says %q", why)
			}
		}
		return taken
	}
	anybody := make([]string, 10_007) // a source of its own for nearly each
	for i := range anybody {
		anybody[i] = fmt.Sprint("s-", i)
	}
	for name, test := range map[string]struct {
		setting     string
		replicas, n int
		sources     []string
		want        int
	}{
		"OneSource":                        {"", 1, 5000, []string{"shop-italia"}, 1000},
		"ReplicasShareIt":                  {"", 3, 5000, []string{"shop-italia"}, 1002}, // 334 each
		"ASourceOfItsOwn":                  {"shop-italia=10", 1, 5000, []string{"shop-italia"}, 10},
		"TheOthersKeepTheDefault":          {"shop-italia=10", 1, 5000, []string{"acqua-luce"}, 1000},
		"SourcesThatThereAreNotToo":        {"", 1, 30_000, anybody, 10_000},
		"ASourceOfItsOwnHasAllThatItMay":   {"shop-italia=20000", 1, 30_000, []string{"shop-italia"}, 20_000},
		"WhatIsSetForAllIsForAllOfThemToo": {"*=1", 1, 1000, anybody, 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := flood(t, test.setting, test.replicas, test.n, test.sources...); got != test.want {
				t.Errorf("%d of %d leave a record, want %d", got, test.n, test.want)
			}
		})
	}
	if _, err := newQuotas(Options{IntakeStrays: "*=0"}); err == nil || !strings.Contains(err.Error(), "intake.strays") {
		t.Errorf("*=0: got error %v", err)
	}
}
