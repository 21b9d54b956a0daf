package doctor

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

const (
	// mostRecipients and mostTotal bound what a simulation may cost if the gateway
	// does not heed the flag.
	mostRecipients = 5
	mostTotal      = 1
	// scheduledForm is how UC-006 writes an instant.
	scheduledForm = "2006-01-02T15:04:05.000-0700"
)

// simulate takes a simulated campaign from create to completed. Nothing else
// shows whether a configure is refused for a campaign that was sent. Once a
// simulation was seen to cost nothing, a second one is scheduled and taken back.
func (e *examination) simulate(ctx context.Context) error {
	id, stake, err := e.simulated(ctx)
	if err != nil {
		return err
	}
	if e.o.Agree == nil || !e.o.Agree(stake) {
		return trouble("the simulation was not agreed to: nothing was confirmed")
	}
	before, beforeKnown := e.credit(ctx, id)
	if !e.confirmNow(ctx, id) {
		return nil
	}
	e.draftGone(id) // it is no draft any more, as far as is known
	e.watch(ctx, id)
	after, afterKnown := e.credit(ctx, id)
	spent := before.Sub(after)
	switch {
	case !beforeKnown || !afterKnown:
		e.note("the credit, before and after", "it could not be read", "UC-006: a simulation consumes none", "nothing is concluded")
		return nil
	case !e.confirmed && !spent.IsPositive():
		e.note("the credit, before and after", before.String()+", "+after.String(), "UC-006: a simulation consumes none",
			"nothing is concluded: the campaign was not seen to be confirmed")
		return nil
	case spent.IsPositive():
		e.report.Spent = spent.String() + " " + stake.Currency
		e.report.Variant[simulation] = "ignored"
		e.note("the credit, before and after", before.String()+", "+after.String(), "UC-006: a simulation consumes none",
			"it was paid, by this campaign or by another one meanwhile: simulations are not to be relied on")
		return nil
	case e.variant(simulation) == "":
		e.learn(simulation, "unsaid")
	}
	e.note("the credit, before and after", before.String()+", "+after.String(), "UC-006: a simulation consumes none", "the flag was heeded")
	if e.variant(deletes) == "yes" { // or it would stay
		e.scheduled(ctx)
	}
	return nil
}

// simulated makes a campaign that asks in every body for a simulation, up to its
// price, and refuses what could cost more than little.
func (e *examination) simulated(ctx context.Context) (id string, stake Stake, err error) {
	if e.o.List == 0 {
		return "", stake, trouble("a simulation needs a list: name one with --list, of at most %d people who know of it", mostRecipients)
	}
	a := e.ask(ctx, http.MethodPost, "/campaigns", map[string]any{
		"name": "staffetta doctor, simulated", "channel": "SMS", "description": e.mark, "simulation": true,
	})
	if id = a.text("id"); !a.ok() || id == "" {
		return "", stake, trouble("a draft to simulate could not be made: %s", a.summary())
	}
	e.drafts = append(e.drafts, id)
	e.repeated("create", a)
	a = e.ask(ctx, http.MethodPut, path(id, ""), e.content("Staffetta: prova", true))
	if !a.ok() {
		return "", stake, trouble("the simulated draft could not be configured: %s", a.summary())
	}
	e.repeated("configure", a)
	a = e.ask(ctx, http.MethodPost, path(id, "/calculateGoal"), nil)
	valid, err := strconv.ParseInt(a.text("validRecipients"), 10, 64)
	if !a.ok() || err != nil || a.text("id") != id {
		return "", stake, trouble("the simulated draft could not be calculated: %s", a.summary())
	}
	price := e.ask(ctx, http.MethodGet, path(id, "/price"), nil)
	total, err := decimal.NewFromString(price.text("totalPrice"))
	if !price.ok() || err != nil || price.text("id") != id {
		return "", stake, trouble("the simulated draft could not be priced: %s", price.summary())
	}
	stake = Stake{Recipients: valid, Total: total.String(), Currency: price.text("currency"), Repeated: e.variant(simulation) != ""}
	charged, err := strconv.ParseInt(price.text("totalRecipients"), 10, 64)
	switch {
	case err == nil:
		valid = max(valid, charged)
	}
	switch {
	case valid < 1:
		return "", stake, trouble("list %d has no recipients: name one of one to %d people", e.o.List, mostRecipients)
	case valid > mostRecipients:
		return "", stake, trouble("list %d has %d recipients, and the gateway may not heed the simulation: name one of at most %d", e.o.List, valid, mostRecipients)
	case stake.Currency != "EUR":
		return "", stake, trouble("the price is in %q, and the bound of a simulation is in EUR: nothing was confirmed", stake.Currency)
	case total.IsNegative() || total.GreaterThan(decimal.NewFromInt(mostTotal)):
		return "", stake, trouble("it would cost %s %s if the gateway did not heed the simulation, more than %d EUR: name a smaller list", total, stake.Currency, mostTotal)
	}
	return id, stake, nil
}

// repeated learns the first body whose answer repeats the flag.
func (e *examination) repeated(in string, a answer) {
	if e.variant(simulation) == "" && a.text("simulation") == "true" {
		e.learn(simulation, in)
	}
}

// credit is what the price says is available.
func (e *examination) credit(ctx context.Context, id string) (decimal.Decimal, bool) {
	a := e.ask(ctx, http.MethodGet, path(id, "/price"), nil)
	d, err := decimal.NewFromString(a.text("availableCredit"))
	if a.ok() && err == nil {
		return d, true
	}
	a = e.ask(ctx, http.MethodGet, "//api/v1/partner-gateway/subscription/credit", nil)
	d, err = decimal.NewFromString(a.text("availableCredit"))
	return d, a.ok() && err == nil
}

// confirmNow confirms, once, whatever becomes of it. It is false if the campaign was
// refused, so that there is nothing to watch.
func (e *examination) confirmNow(ctx context.Context, id string) bool {
	a := e.once(ctx, http.MethodPut, path(id, "/confirm"), map[string]any{"sendImmediately": true, "simulation": true})
	e.report.Simulated = true
	does := "its outcome is unknown: it is read back, and never confirmed again"
	switch {
	case a.ok():
		if a.is(http.StatusOK, http.StatusAccepted) {
			e.learn(confirm, strconv.Itoa(a.status))
		}
		e.learn(ready, "no")
		e.repeated("confirm", a)
		said := canonical(a.object["status"])
		e.learn(confirmBody, map[bool]string{true: "yes", false: "no"}[happened(said)])
		e.confirmed = happened(said)
		does = "it says what happened, and is believed"
		if !happened(said) {
			does = "it does not say what happened: the status is read, or the statistics are waited for"
		}
	case e.refused(a) && strings.Contains(string(a.body), "readyToSend"):
		e.learn(ready, "needed")
		does = "staffetta does not send readyToSend: no campaign can be confirmed here"
	case e.refused(a):
		does = "the status is read before a refusal is believed"
	}
	e.find("PUT …/confirm, the simulated campaign", a, "UC-006: the campaign, CONFIRMED; API reference: 202", does)
	if e.refused(a) {
		e.report.Simulated = false
		return false
	}
	return true
}

// canonical is a state as the API reference numbers it: 0 not confirmed, 1
// confirmed, 2 sending, 3 completed, 4 failed; -1 for none of them.
func canonical(raw []byte) int {
	switch strings.ToUpper(text(raw)) {
	case "0", "DRAFT", "CONFIGURED", "COST_CALCULATED":
		return 0
	case "1", "CONFIRMED":
		return 1
	case "2", "SENDING":
		return 2
	case "3", "COMPLETED":
		return 3
	case "4", "FAILED":
		return 4
	}
	return -1
}

// happened tells whether a state says that a confirm took effect.
func happened(state int) bool { return state >= 1 && state <= 3 }

// watch follows the campaign to its end and tries a configure on it once it was
// seen to be sent.
func (e *examination) watch(ctx context.Context, id string) {
	began := e.o.Now()
	last, pause := -1, 2*time.Second
	for e.o.Now().Sub(began) < e.o.Patience && ctx.Err() == nil {
		state := e.look(ctx, id)
		e.confirmed = e.confirmed || happened(state)
		if state > last {
			last = state
			e.note("the simulated campaign", fmt.Sprintf("after %s: %s", e.o.Now().Sub(began).Round(time.Second), [...]string{"not confirmed", "CONFIRMED", "SENDING", "COMPLETED", "FAILED"}[state]),
				"UC-006: CONFIRMED → SENDING → COMPLETED", "each state is told")
			if state == 2 || state == 3 {
				e.configureSent(ctx, id)
			}
		}
		if last >= 3 {
			e.report.Lasted = e.o.Now().Sub(began)
			return
		}
		if e.o.Sleep(ctx, pause) != nil {
			return
		}
		pause = min(pause*3/2, time.Minute)
	}
	e.note("the simulated campaign", "campaign "+id+" was not seen to end within "+e.o.Patience.String(), "UC-006: statistics while it sends", "it may have been confirmed or not: look for "+e.mark+" on the gateway's own page")
}

// look is the state that statistics show, or else the read by id.
func (e *examination) look(ctx context.Context, id string) int {
	dates := e.variant(statsDates) == "needed"
	a := e.ask(ctx, http.MethodGet, e.statsPath(id, dates), nil)
	if e.refused(a, http.StatusBadRequest) && !dates {
		if a = e.ask(ctx, http.MethodGet, e.statsPath(id, true), nil); a.ok() {
			e.learn(statsDates, "needed")
		}
	} else if a.ok() && !dates {
		e.learn(statsDates, "no")
	}
	state := -1
	if a.ok() {
		e.state(a)
		state = canonical(a.object["status"])
	}
	if e.variant(read) != "yes" {
		return state
	}
	r := e.ask(ctx, http.MethodGet, path(id, ""), nil)
	shown := canonical(r.object["status"])
	if e.variant(readConfirmed) == "" {
		switch {
		case r.ok() && shown >= 1:
			e.learn(readConfirmed, "yes")
		case e.refused(r, http.StatusNotFound) && state >= 1:
			e.learn(readConfirmed, "no")
		case r.ok() && shown == 0 && state >= 1:
			e.learn(readConfirmed, "old")
		}
	}
	if r.ok() {
		state = max(state, shown)
	}
	return state
}

func (e *examination) configureSent(ctx context.Context, id string) {
	a := e.ask(ctx, http.MethodPut, path(id, ""), e.content("Staffetta: prova", true))
	does := "nothing is concluded"
	switch {
	case a.ok():
		e.learn(configureSent, "accepted")
		does = "CONFIGURED proves nothing here: where nothing reads by id, a confirm that never arrived ends unresolved"
	case e.refused(a) && !a.is(http.StatusNotFound, http.StatusMethodNotAllowed):
		e.learn(configureSent, "refused")
		does = "CONFIGURED proves that a campaign was not sent"
	}
	e.find("PUT /campaigns/{id}, of what is being sent or was", a, "API reference: 400 for states 2, 3, 4", does)
}

// scheduled confirms a simulated campaign for the day after tomorrow, configures it,
// and takes it back. Only after a simulation was seen to cost nothing.
func (e *examination) scheduled(ctx context.Context) {
	id, _, err := e.simulated(ctx)
	if err != nil {
		e.note("a scheduled simulation", err.Error(), "UC-006: scheduledDate", "nothing is concluded")
		return
	}
	at := e.o.Now().UTC().Add(48 * time.Hour).Format(scheduledForm)
	a := e.once(ctx, http.MethodPut, path(id, "/confirm"), map[string]any{"scheduledDate": at, "simulation": true})
	e.find("PUT …/confirm with a scheduledDate, simulated", a, "UC-006: the form is shown, its answer is not", "the instant is kept here as well")
	if !a.ok() {
		return
	}
	a = e.ask(ctx, http.MethodPut, path(id, ""), e.content("Staffetta: prova", true))
	said := canonical(a.object["status"])
	now := -1 // what it is afterwards, if that can be seen
	if e.variant(read) == "yes" && e.variant(readConfirmed) == "yes" {
		now = canonical(e.ask(ctx, http.MethodGet, path(id, ""), nil).object["status"])
	} else if e.variant(stats) == "draft" {
		now = canonical(e.ask(ctx, http.MethodGet, e.statsPath(id, e.variant(statsDates) == "needed"), nil).object["status"])
	}
	does := "nothing is concluded"
	switch {
	case e.refused(a) && !a.is(http.StatusNotFound, http.StatusMethodNotAllowed):
		e.learn(configureScheduled, "refused")
		does = "a scheduled campaign stays as it was confirmed"
	case a.ok() && said == 1:
		e.learn(configureScheduled, "kept")
		does = "its CONFIRMED is believed"
	case a.ok() && said == 0 && now == 0:
		e.learn(configureScheduled, "undone")
		does = "what is scheduled can be disarmed by it"
	case a.ok() && said == 0 && now == 1:
		e.learn(configureScheduled, "blind")
		does = "it says so, and it is still scheduled"
	}
	e.find("PUT /campaigns/{id}, of what is scheduled", a, "API reference: accepted in state 1; guides: never once confirmed", does)
	a = e.ask(ctx, http.MethodDelete, path(id, ""), nil)
	there := ""
	if a.ok() {
		there = e.stillThere(ctx, id, e.variant(readConfirmed) == "yes")
	}
	does = "it may still be scheduled, as a simulation: remove it on the gateway's own page"
	if there == "no" {
		does = "what is scheduled can be cancelled, and seen to vanish"
		e.draftGone(id)
	}
	e.find("DELETE /campaigns/{id}, of what is scheduled", a, "API reference: the documented way to stop it", does)
}
