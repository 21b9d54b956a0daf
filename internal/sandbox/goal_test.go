package sandbox_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/staffetta-io/staffetta/internal/sandbox"
)

func phones(numbers ...string) []sandbox.Contact {
	contacts := make([]sandbox.Contact, len(numbers))
	for i, n := range numbers {
		contacts[i].PhoneNumber = n
	}
	return contacts
}

// goal calculates and returns the figures in one line.
func (g *client) goal(id int) string {
	g.t.Helper()
	m := g.get(200, "POST", campaign(id, "/calculateGoal"), "")
	return fmt.Sprintf("%v total, %v valid, %v invalid, %v parts", m["totalRecipients"], m["validRecipients"], m["invalidRecipients"], m["estimatedParts"])
}

func TestCalculate(t *testing.T) {
	t.Parallel()
	draft := func(t *testing.T, text string, contacts ...sandbox.Contact) (g *client, id int) {
		t.Helper()
		g = setup(t, sandbox.Options{})
		list := g.NewList("list")
		if err := g.AddContacts(list, contacts...); err != nil {
			t.Fatal(err)
		}
		id = g.created("campaign")
		g.get(200, "PUT", campaign(id, ""), fmt.Sprintf(`{"sender":"ShopItalia","text":%q,"contactListId":%d}`, text, list))
		return g, id
	}

	t.Run("TakesOutDuplicatesMalformedAndOptedOut", func(t *testing.T) {
		t.Parallel()
		g, id := draft(t, "Ciao", append(phones(
			"+393331111111", "+39 333 1111111", "00393331111111", // one number, three spellings
			"+393332222222", "+393333333333",
			"3334444444", "+39333", "none", // malformed
		), sandbox.Contact{Email: "anna@example.it"})...)
		equal(t, "goal", g.goal(id), "9 total, 3 valid, 6 invalid, 3 parts")
		if err := g.OptOut("0039 333 3333333", "+393339999999"); err != nil {
			t.Fatal(err)
		}
		equal(t, "goal after an opt-out", g.goal(id), "9 total, 2 valid, 7 invalid, 2 parts")
		if err := g.OptIn("+393333333333"); err != nil {
			t.Fatal(err)
		}
		equal(t, "goal after an opt-in", g.goal(id), "9 total, 3 valid, 6 invalid, 3 parts")
		if err := g.OptOut("333"); err == nil {
			t.Error("a malformed number opted out")
		}
	})

	t.Run("CountsThePartsOfEachRecipientsOwnText", func(t *testing.T) {
		t.Parallel()
		contacts := phones("+393331111111", "+393332222222", "+393333333333", "+393334444444")
		contacts[0].FirstName = "Anna"
		contacts[1].FirstName = strings.Repeat("x", 21)
		contacts[2].CustomFields = map[string]string{"code": strings.Repeat("€", 11)}
		contacts[3].FirstName = "Łukasz" // outside GSM-7, and unicode is false: replaced
		g, id := draft(t, strings.Repeat("a", 140)+"{{firstName}}{{code}}", contacts...)
		equal(t, "goal", g.goal(id), "4 total, 4 valid, 0 invalid, 6 parts")
		g.get(200, "PUT", campaign(id, ""), `{"unicode":true}`)
		equal(t, "goal in unicode: the 146 characters of Łukasz take three", g.goal(id), "4 total, 4 valid, 0 invalid, 8 parts")
		g.get(200, "PUT", campaign(id, ""), `{"text":"{{firstName}}{{lastName}}{{email}}{{phoneNumber}}{{gender}}{{nobody}}"}`)
		equal(t, "goal of short texts", g.goal(id), "4 total, 4 valid, 0 invalid, 4 parts")
	})

	t.Run("SeesEveryChangeOfTheList", func(t *testing.T) {
		t.Parallel()
		g, id := draft(t, "Ciao {{firstName}}", phones("+393331111111")...)
		equal(t, "goal", g.goal(id), "1 total, 1 valid, 0 invalid, 1 parts")
		if err := g.AddContacts(87, phones("+393332222222")...); err != nil {
			t.Fatal(err)
		}
		equal(t, "goal after adding", g.goal(id), "2 total, 2 valid, 0 invalid, 2 parts")
		g.get(200, "PUT", base+"/contacts/2", fmt.Sprintf(`{"firstName":%q}`, strings.Repeat("x", 200)))
		equal(t, "goal after a longer name", g.goal(id), "2 total, 2 valid, 0 invalid, 3 parts")
		g.get(200, "PUT", base+"/contacts/2", `{"phoneNumber":"wrong"}`)
		equal(t, "goal after a wrong number", g.goal(id), "2 total, 1 valid, 1 invalid, 1 parts")
		g.get(200, "DELETE", base+"/contacts?ids=2", "")
		equal(t, "goal after deleting", g.goal(id), "1 total, 1 valid, 0 invalid, 1 parts")
		g.get(200, "DELETE", base+"/contacts/list/contacts", `{"listIds":[87],"contactIds":[1]}`)
		equal(t, "goal after leaving", g.goal(id), "0 total, 0 valid, 0 invalid, 0 parts")
		g.get(200, "DELETE", base+"/contacts/list?ids=87", "")
		g.wants(400, refusal("contactListId", "Contact list 87 does not exist"), "POST", campaign(id, "/calculateGoal"), "")
	})

	t.Run("HoldsUntilTheConfirmWhateverBecomesOfTheList", func(t *testing.T) {
		t.Parallel()
		g, id := draft(t, "Ciao", phones("+393331111111", "+393332222222")...)
		g.goal(id)
		g.get(200, "DELETE", base+"/contacts?ids=1", "")
		equal(t, "price", fmt.Sprint(g.get(200, "GET", campaign(id, "/price"), "")["totalPrice"]), "0.07")
		g.get(200, "PUT", campaign(id, "/confirm"), immediately)
		g.clock.Add(time.Hour)
		equal(t, "messages", g.Seen().Messages, 2)
	})

	t.Run("FindsOutWhoCannotBeReached", func(t *testing.T) {
		t.Parallel()
		g, id := draft(t, "Ciao", phones("+393331111111", "+393332222222", "+393333333333", "+44777123456")...)
		g.UnreachablePrefix("+44")
		if err := g.Unreachable("+39 333 2222222"); err != nil {
			t.Fatal(err)
		}
		g.goal(id)
		g.get(200, "PUT", campaign(id, "/confirm"), immediately)
		g.clock.Add(time.Hour)
		equal(t, "figures", g.figures(id), "COMPLETED: 4 total, 4 sent, 2 delivered, 2 undelivered, 0 pending, 50.00 %")
	})
}

func TestPriceIsExactAndRoundedHalfUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		recipients := rapid.IntRange(1, 40).Draw(rt, "recipients")
		mills := rapid.Int64Range(1, 9999).Draw(rt, "price in tenths of a mill")
		s, err := sandbox.New(sandbox.Options{Price: decimal.New(mills, -4)})
		if err != nil {
			rt.Fatal(err)
		}
		g := &client{Sandbox: s, t: t}
		list := g.list(recipients)
		g.direct("POST", base+"/campaigns", seedCreate)
		g.direct("PUT", campaign(1542, ""), fmt.Sprintf(`{"sender":"ShopItalia","text":"Ciao","contactListId":%d}`, list))
		g.direct("POST", campaign(1542, "/calculateGoal"), "")
		// In whole numbers: cents = round half up of mills × recipients / 100.
		cents := (mills*int64(recipients) + 50) / 100
		want := fmt.Sprintf(`"totalPrice":%d.%02d,`, cents/100, cents%100)
		if got := g.direct("GET", campaign(1542, "/price"), ""); !strings.Contains(got, want) {
			rt.Fatalf("%d recipients at %d: %s, want %s", recipients, mills, got, want)
		}
	})
}
