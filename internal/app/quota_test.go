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
