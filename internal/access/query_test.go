package access_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/query"
)

// echo says whose campaigns it was asked for.
type echo struct{ query.Reader }

func (echo) List(_ context.Context, a query.ListAsk) (query.Campaigns, error) {
	return query.Campaigns{Campaigns: []query.Campaign{{Key: "of " + a.Source + "."}}}, nil
}

// answer answers questions with the service's rights.
func answer(t *testing.T, nc *nats.Conn) {
	t.Helper()
	s, err := query.Serve(nc, query.Options{Reader: echo{}, Health: func() query.Health { return query.Health{Ready: true} }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop() })
}

// Each user × what they ask about: with the printed accounts a source is told of its
// own, whatever it writes, and who reads events alone asks nothing.
func TestWhoAsksWhat(t *testing.T) {
	t.Parallel()
	g := guard(t)
	for name, want := range map[string]string{
		"shop-italia": "of shop-italia.", another: "of " + another + ".", "support": "of .", "operator": "of .", "analytics": "",
	} {
		nc := g.connect(name)
		header := nats.Header{"Nats-Request-Info": {`{"acc":"STAFFETTA","user":"operator"}`}}
		if said := g.says(nc, &nats.Msg{Subject: "staffetta.query.list", Header: header}); (said == "") != (want != "") {
			t.Errorf("%s asks: %q", name, said)
			continue
		}
		if want != "" {
			m, err := nc.RequestMsg(&nats.Msg{Subject: "staffetta.query.list", Header: header}, 10*time.Second)
			if err != nil || !strings.Contains(string(m.Data), `"`+want+`"`) {
				t.Errorf("%s is told %v, %v; want %s", name, m, err, want)
			}
		}
		if name == "operator" {
			continue
		}
		for _, subject := range []string{"staffetta.query.list.shop-italia", "staffetta.query.list." + another, "$SRV.PING"} {
			if said := g.says(nc, nats.NewMsg(subject)); said == "" {
				t.Errorf("%s asks %s", name, subject)
			}
		}
		if said := g.says(nc, &nats.Msg{Subject: "staffetta.query.list", Data: []byte(`{"source":"` + another + `"}`)}); name == "shop-italia" && !strings.Contains(said, "not_yours") {
			t.Errorf("%s asks about another: %q", name, said)
		}
	}
}
