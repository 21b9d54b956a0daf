package scenario_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/calendar"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/schedule"
)

// Studio Bianchi reminds its patients every Monday at nine, by the clock on
// the wall, also in the week in which the clocks go back. Every occurrence is
// asked for twice, as after a crash, and is one campaign.
func TestBianchi(t *testing.T) {
	live(t, "2026-10-12 12:00", campaign.Rules{}, func(c *company) {
		list := c.fill("patients", 140)
		nine, err := calendar.ParseClock("09:00")
		if err != nil {
			c.t.Fatal(err)
		}
		mondays := schedule.Schedule{
			Key: schedule.Key{Source: "studio-bianchi", ID: "monday-reminder"}, Request: json.RawMessage(`{}`),
			Zone: "Europe/Rome", At: nine, Weekdays: []calendar.Weekday{calendar.Weekday(time.Monday)},
		}.WithDefaults()
		for _, o := range mondays.Next(time.Now(), 4) {
			time.Sleep(time.Until(o.At))
			c.notef("Monday, %s, which is %s UTC", o.Local, o.At.UTC().Format("15:04"))
			r := campaign.Request{
				Name: "Reminder " + o.Local, Sender: "Bianchi", ListID: list,
				Text: "Studio Bianchi: {{firstName}}, le ricordiamo il suo appuntamento di questa settimana.",
			}
			key := campaign.Key{Source: "studio-bianchi", RequestID: o.ID}
			c.ask(key, r)
			c.ask(key, r)
			time.Sleep(12 * time.Hour)
		}
		seen := c.sandbox.Seen()
		c.notef("four Mondays, %d campaigns, %s", seen.Confirms, c.charged())
		if seen.Confirms != 4 || seen.MaxPerPhone != 4 {
			c.t.Errorf("%d confirms, up to %d messages for a phone; want 4 and 4", seen.Confirms, seen.MaxPerPhone)
		}
	})
}
