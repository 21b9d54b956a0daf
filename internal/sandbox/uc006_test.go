package sandbox_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/sandbox"
)

// The bodies of UC-006, word for word.
const (
	seedCreate = `{
"name": "Black Friday 2026",
"channel": "SMS",
"description": "Promozione Black Friday - sconto 30% su tutto il catalogo"
}`
	seedCreated = `{
"id": 1542,
"name": "Black Friday 2026",
"channel": "SMS",
"description": "Promozione Black Friday - sconto 30% su tutto il catalogo",
"status": "DRAFT",
"createdAt": "2026-04-09T09:00:00Z"
}`
	seedConfigure = `{
"sender": "ShopItalia",
"text": "Black Friday! Solo per te: -30% su tutto con il codice BF2026. Valido fino al 30/11. Scopri di più: https://shop.example.it/bf",
"contactListId": 87,
"unicode": false
}`
	seedConfigured = `{
"id": 1542,
"name": "Black Friday 2026",
"channel": "SMS",
"status": "CONFIGURED",
"sender": "ShopItalia",
"text": "Black Friday! Solo per te: -30% su tutto con il codice BF2026. Valido fino al 30/11. Scopri di più: https://shop.example.it/bf",
"contactListId": 87,
"unicode": false,
"updatedAt": "2026-04-09T09:02:00Z"
}`
	seedCalculated = `{
"id": 1542,
"status": "COST_CALCULATED",
"totalRecipients": 10247,
"validRecipients": 9831,
"invalidRecipients": 416,
"estimatedParts": 9831,
"calculatedAt": "2026-04-09T09:03:00Z"
}`
	seedPrice = `{
"id": 1542,
"totalRecipients": 9831,
"pricePerMessage": 0.035,
"totalPrice": 344.09,
"currency": "EUR",
"availableCredit": 1500.00,
"sufficient": true
}`
	seedConfirmed = `{
"id": 1542,
"status": "CONFIRMED",
"sendImmediately": true,
"confirmedAt": "2026-04-09T09:05:00Z"
}`
	seedStats = `{
"campaignId": 1542,
"name": "Black Friday 2026",
"status": "COMPLETED",
"stats": {
"total": 9831,
"sent": 9831,
"delivered": 9542,
"undelivered": 289,
"pending": 0,
"deliveryRate": 97.06
},
"cost": {
"totalCredits": 344.09,
"currency": "EUR"
},
"completedAt": "2026-04-09T09:47:00Z"
}`
	seedNoList = `{
"status": "fail",
"data": {
"contactListId": "Contact list is required before calculating cost"
}
}`
	seedNoCredit = `{
"status": "fail",
"data": {
"credit": "Insufficient credit. Required: 344.09, available: 120.00"
}
}`
)

// shopItalia is a sandbox with the list of UC-006.
func shopItalia(t *testing.T) *client {
	t.Helper()
	g := setup(t, sandbox.Options{})
	list, err := g.FillDemo(sandbox.ShopItalia())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "list id", list, 87)
	return g
}

func TestUC006(t *testing.T) {
	t.Parallel()

	t.Run("EveryStepAnswersAsTheSeedShows", func(t *testing.T) {
		t.Parallel()
		g := shopItalia(t)
		at := func(minute int) { g.clock.Set(seedStart.Add(time.Duration(minute) * time.Minute)) }

		g.wants(200, seedCreated, "POST", base+"/campaigns", seedCreate)
		at(2)
		g.wants(200, seedConfigured, "PUT", campaign(1542, ""), seedConfigure)
		at(3)
		g.wants(200, seedCalculated, "POST", campaign(1542, "/calculateGoal"), "")
		at(4)
		g.wants(200, seedPrice, "GET", campaign(1542, "/price"), "")
		at(5)
		g.wants(200, seedConfirmed, "PUT", campaign(1542, "/confirm"), `{
"sendImmediately": true
}`)
		at(46)
		equal(t, "status a minute before the end", g.status(1542), "SENDING")
		at(48)
		g.wants(200, seedStats, "GET", base+"/campaigns/stats?campaignId=1542", "")
		g.wants(200, `{"credit":1155.91,"frozenCredit":0.00,"availableCredit":1155.91}`, "GET", credit, "")
	})

	t.Run("CalculatingADraftIsRefusedForItsList", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		g.wants(200, seedCreated, "POST", base+"/campaigns", seedCreate)
		g.wants(400, seedNoList, "POST", campaign(1542, "/calculateGoal"), "")
		// The message alone is not enough.
		g.get(200, "PUT", campaign(1542, ""), `{"sender":"ShopItalia","text":"Ciao"}`)
		g.wants(400, seedNoList, "POST", campaign(1542, "/calculateGoal"), "")
	})

	t.Run("ConfirmingWithoutCreditIsRefusedWithBothAmounts", func(t *testing.T) {
		t.Parallel()
		g := shopItalia(t)
		if err := g.SetCredit(decimal.New(12000, -2)); err != nil {
			t.Fatal(err)
		}
		g.get(200, "POST", base+"/campaigns", seedCreate)
		g.get(200, "PUT", campaign(1542, ""), seedConfigure)
		g.get(200, "POST", campaign(1542, "/calculateGoal"), "")
		price := g.get(200, "GET", campaign(1542, "/price"), "")
		equal(t, "sufficient", price["sufficient"], any(false))
		g.wants(402, seedNoCredit, "PUT", campaign(1542, "/confirm"), immediately)
		equal(t, "status", g.status(1542), "COST_CALCULATED")
		equal(t, "credit", g.Balance().Available.StringFixed(2), "120.00")
		equal(t, "confirms", g.Seen().Confirms, 0)

		// "Top up your credit … before confirming."
		if err := g.SetCredit(decimal.New(34409, -2)); err != nil {
			t.Fatal(err)
		}
		g.get(200, "PUT", campaign(1542, "/confirm"), immediately)
		equal(t, "credit", g.Balance().Available.StringFixed(2), "0.00")
	})

	t.Run("TheScheduledFormIsConfirmedAndWaits", func(t *testing.T) {
		t.Parallel()
		g := shopItalia(t)
		g.get(200, "POST", base+"/campaigns", seedCreate)
		g.get(200, "PUT", campaign(1542, ""), seedConfigure)
		g.get(200, "POST", campaign(1542, "/calculateGoal"), "")
		g.wants(200, `{"id":1542,"status":"CONFIRMED","sendImmediately":false,
			"scheduledDate":"2026-11-29T08:00:00.000+0000","confirmedAt":"2026-04-09T09:00:00Z"}`,
			"PUT", campaign(1542, "/confirm"), `{
"scheduledDate": "2026-11-29T08:00:00.000+0000"
}`)
		g.wants(200, `{"credit":1500.00,"frozenCredit":344.09,"availableCredit":1155.91}`, "GET", credit, "")
		g.clock.Set(time.Date(2026, 11, 29, 7, 59, 59, 0, time.UTC))
		equal(t, "figures", g.figures(1542), "CONFIRMED: 9831 total, 0 sent, 0 delivered, 0 undelivered, 9831 pending, 0.00 %")
		g.clock.Set(time.Date(2026, 11, 29, 8, 0, 0, 0, time.UTC))
		g.wants(200, `{"credit":1155.91,"frozenCredit":0.00,"availableCredit":1155.91}`, "GET", credit, "")
		g.clock.Add(10 * time.Second)
		equal(t, "status", g.status(1542), "SENDING")
		g.clock.Set(time.Date(2026, 11, 29, 8, 42, 1, 0, time.UTC))
		equal(t, "completed", g.stats(1542)["completedAt"], any("2026-11-29T08:42:00Z"))
	})
}

func TestAnotherListGivesOtherFigures(t *testing.T) {
	t.Parallel()
	g := setup(t, sandbox.Options{})
	list, err := g.FillDemo(sandbox.DemoList{
		Name: "AcquaLuce", Contacts: 1200, Duplicates: 70, Malformed: 20, OptedOut: 10, Unreachable: 33,
	})
	if err != nil {
		t.Fatal(err)
	}
	id := g.created("Bolletta")
	g.configure(id, list, "Gentile {{firstName}} {{lastName}}, la bolletta {{code}} scade il 30/11.")
	goal := g.get(200, "POST", campaign(id, "/calculateGoal"), "")
	delete(goal, "calculatedAt")
	equal(t, "goal", goal, parse(t, `{"id":1542,"status":"COST_CALCULATED","totalRecipients":1200,
		"validRecipients":1100,"invalidRecipients":100,"estimatedParts":1100}`))
	equal(t, "price", g.get(200, "GET", campaign(id, "/price"), "")["totalPrice"].(interface{ String() string }).String(), "38.50")
	g.get(200, "PUT", campaign(id, "/confirm"), immediately)
	g.clock.Add(time.Hour)
	equal(t, "figures", g.figures(id), "COMPLETED: 1100 total, 1100 sent, 1067 delivered, 33 undelivered, 0 pending, 97.00 %")
}
