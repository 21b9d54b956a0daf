package browser

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// repeats lays down a schedule: every Monday at nine in Rome.
func (h *house) repeats() {
	h.Helper()
	file := filepath.Join(h.TempDir(), "reminder.json")
	if err := os.WriteFile(file, []byte(`{"source":"studio-bianchi","name":"Promemoria del lunedì","sender":"StBianchi","text":"Gentile cliente, Le ricordiamo l'appuntamento.","contactListId":87,"immediately":true}`), 0o600); err != nil {
		h.Fatal(err)
	}
	if said := h.staffetta("schedule", "add", "studio-bianchi.monday-reminder", "-f", file, "--weekdays", "monday", "--at", "09:00", "--zone", "Europe/Rome", "--by", "carla"); !strings.Contains(said, "comes next") {
		h.Fatal(said)
	}
}

// publishes puts bytes where requests go.
func (h *house) publishes(key, payload string) {
	h.Helper()
	nc, err := nats.Connect(h.nats)
	if err != nil {
		h.Fatal(err)
	}
	defer nc.Close()
	m := nats.NewMsg("campaign.v1.request." + key)
	m.Header.Set("content-type", "application/json")
	m.Data = []byte(payload)
	if _, err := nc.RequestMsg(m, 10*time.Second); err != nil {
		h.Fatal(err)
	}
}

// Every page but the first two, in one house: what is there is shown, and what a button
// does comes true.
func TestTheOtherPages(t *testing.T) {
	t.Parallel()
	h := open(t, "--policy", "demo", "--speed", "2000")
	for page, empty := range map[string]string{
		"/schedules": "Nothing comes again and again", "/letters": "There is none", "/calendar": "Nothing is to be sent", "/campaigns": "Nobody has asked",
	} {
		h.goTo(page)
		h.sees(empty)
	}
	h.goTo("/health")
	h.sees("ready", "One of the services has answered")

	h.repeats()
	h.goTo("/calendar")
	h.sees("Monday", "Promemoria del lunedì", "by a schedule")
	h.goTo("/schedules")
	h.sees("studio-bianchi.monday-reminder", "every monday at 09:00 Europe/Rome")
	h.clicks("Pause")
	h.sees("asks for nothing until it is resumed")
	h.types("by", "anna")
	h.clicks("Pause")
	h.sees("Done: the service has carried it out", "paused by anna")
	h.clicks("Resume")
	h.types("by", "anna")
	h.clicks("Resume")
	h.sees("Done: the service has carried it out")
	h.lacks("paused by")

	h.publishes("shop-italia.broken", "{")
	h.goTo("/")
	h.sees("Messages that nobody could act on", "shop-italia.broken", "not_json")
	h.clicks("shop-italia.broken")
	h.sees("Dead letter 1", "What it says", "not_json")

	h.staffetta("budget", "set", "shop-italia", "--day", "1000", "--month", "5000", "--by", "carla")
	h.asks(nil)
	h.goTo("/")
	h.sees("Approve 344.09 EUR")
	h.goTo(waiting + "/approve")
	h.types("by", "anna")
	h.clicks("Approve")
	h.sees("It was sent")
	h.goTo("/money")
	h.sees("655.91 EUR left of 1,000.00 EUR", "4,655.91 EUR left of 5,000.00 EUR", "shop-italia 1 344.09 EUR", "Month by month")
	got, err := http.Get(h.page + "/money.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	rows, err := io.ReadAll(got.Body)
	if err != nil || !strings.Contains(string(rows), "shop-italia.black-friday-2026,Black Friday 2026,shop-italia,completed,") || !strings.Contains(string(rows), ",9831,9542,344.09,EUR\n") {
		t.Errorf("the file says (%v):\n%s", err, rows)
	}
}

// The red button: nothing is confirmed until it is released.
func TestHoldEverything(t *testing.T) {
	t.Parallel()
	h := waits(t, nil)
	h.goTo("/health")
	h.clicks("Hold everything")
	h.sees("Nothing new is begun or confirmed")
	h.types("by", "anna")
	h.types("reason", "wrong prices")
	h.clicks("Hold everything")
	h.sees("Done: the service has carried it out")
	h.asks(map[string]any{"requestId": "second"})
	h.goTo("/campaigns/shop-italia.second")
	h.sees("wrong prices")
	h.goTo("/button/release")
	h.types("by", "anna")
	h.types("reason", "right again")
	h.clicks("Release what is held")
	h.sees("Done: the service has carried it out")
}
