package scenario_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	days "github.com/staffetta-io/staffetta/internal/calendar"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/schedule"
)

// appointment is a line of the practice's book.
type appointment struct{ phone, firstName, day, hour string }

// week is the file that the practice's program writes of a week's appointments.
func week(booked ...appointment) string {
	var file strings.Builder
	file.WriteString("Cellulare;Nome;First Name;day;hour\n")
	for _, a := range booked {
		fmt.Fprintf(&file, "%s;%s;%s;%s;%s\n", a.phone, a.firstName, a.firstName, a.day, a.hour)
	}
	return file.String()
}

// Studio Bianchi reminds the patients who are booked this week, every Monday at nine by the
// clock on the wall, also in the week in which the clocks go back. Its program publishes the
// week's list on Sunday evening. Once it does not, and nobody is reminded of last week's
// appointments. Every request comes twice, as after a crash, and is one campaign.
func TestBianchi(t *testing.T) {
	live(t, "2026-10-12 12:00", campaign.Rules{}, func(c *company) {
		const source, anna, bruno = "studio-bianchi", "+393331234501", "+393331234502"
		k := c.plan(schedule.Schedule{
			Key: schedule.Key{Source: source, ID: "monday-reminder"}, Zone: "Europe/Rome", At: 9 * 60, Weekdays: []days.Weekday{days.Weekday(time.Monday)},
			Request: json.RawMessage(`{"name": "Appointments of the week", "sender": "StBianchi", "defaultRegion": "IT",
				"text": "Studio Bianchi: {{firstName}}, la aspettiamo {{day}} alle {{hour}}.",
				"namedAudience": {"name": "this-week", "maxAge": "172800s"}}`),
		}, "Anna")
		publish := func(on string, booked ...appointment) {
			c.until(on + " 20:00")
			c.lists.publish(source, "this-week", week(booked...))
			c.notef("the practice's program publishes this week's list, %d lines", len(booked))
		}

		publish("2026-10-18",
			appointment{"333 1234501", "Anna", "martedì", "10:30"}, appointment{"+39 333 1234502", "Bruno", "giovedì", "9:00"},
			appointment{"333 1234503", "Carla", "venerdì", "15:00"}, appointment{"333-12", "Dario", "venerdì", "16:00"})
		c.until("2026-10-19 12:00")
		c.phone(anna)

		publish("2026-10-25", // the clocks have gone back this morning
			appointment{"333 1234501", "Anna", "lunedì", "17:00"}, appointment{"333 1234504", "Elena", "mercoledì", "11:00"},
			appointment{"3331234504", "Elena", "venerdì", "11:00"})
		c.until("2026-10-26 12:00")
		c.phone(anna)

		c.until("2026-11-01 20:00")
		c.notef("the practice's computer is off, and nothing is published")
		c.until("2026-11-02 12:00")

		c.until("2026-11-08 20:00")
		c.notef("the practice's computer is off again, until Monday morning")
		c.until("2026-11-09 09:04")
		c.lists.publish(source, "this-week", week(appointment{"333 1234502", "Bruno", "lunedì", "18:30"}))
		c.notef("it publishes this week's list late, 1 line")
		c.until("2026-11-09 12:00")
		c.phone(bruno)

		seen := c.sandbox.Seen()
		c.notef("four Mondays, %d campaigns, %d messages, %s", seen.Confirms, seen.Messages, c.charged())
		c.until("2026-11-15 12:00")
		c.notef("of the lists of these weeks, the service has %d, the newest; the gateway has %d", c.lists.kept(), len(c.sandbox.Lists()))
		if seen.Confirms != 3 || seen.Messages != 6 || len(k.told) != 1 || c.lists.kept() != 1 {
			c.t.Errorf("%d confirms, %d messages, %d Mondays left out, %d lists kept; want 3, 6, 1 and 1", seen.Confirms, seen.Messages, len(k.told), c.lists.kept())
		}
	})
}
