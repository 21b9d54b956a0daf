package doctor

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// unanswered is what follows from an answer that is none, or not the gateway's.
const unanswered = "nothing is concluded: it was no answer of the gateway's"

// checkReachable finds out whether the gateway is there and takes the key.
func (e *examination) checkReachable(ctx context.Context) error {
	a := e.ask(ctx, http.MethodGet, "/campaigns?page=0&limit=1", nil)
	if err := e.reach(a); err != nil {
		e.find("the gateway, its certificate and the key", a, "UC-006: X-Api-Key over HTTPS", "nothing")
		return err
	}
	rate := a.header.Get("X-RateLimit-Limit")
	if rate == "" {
		rate = "no X-RateLimit-Limit"
	}
	e.find("the gateway, its certificate and the key", a, "UC-006: X-Api-Key over HTTPS; rates are on another page ("+rate+")",
		"gateway.rate_per_minute and gateway.rate_per_second must not be more than the account's")
	return nil
}

// draft makes one under the doctor's mark.
func (e *examination) draft(ctx context.Context) (id string, err error) {
	a := e.ask(ctx, http.MethodPost, "/campaigns", map[string]any{
		"name": "staffetta doctor", "channel": "SMS", "description": e.mark,
	})
	id = a.text("id")
	switch {
	case a.ok() && id != "" && id != "null":
	case a.is(http.StatusNotFound, http.StatusMethodNotAllowed):
		return "", trouble("nothing takes a new campaign at %s/campaigns (%d): is the base path right? UC-006 has /api/partner-gateway/v1", e.base, a.status)
	default:
		if err := e.reach(a); err != nil && a.err == nil {
			return "", err
		}
		return "", trouble("a draft could not be made (%s): without one nothing can be learnt; if one was made after all, it bears %s and is never sent", a.summary(), e.mark)
	}
	e.drafts = append(e.drafts, id)
	e.state(a)
	shown := "the answer does not show the description"
	e.learnMarkShown("create", a)
	if strings.Contains(e.variant(markShown), "create") {
		shown = "the answer shows the description"
	}
	e.find("POST /campaigns, a draft of our own", a, "UC-006: 201 or 200 with id, description, status DRAFT", shown)
	return id, nil
}

// state learns whether states are names or numbers. The number in an envelope's
// status is none: only successes are asked.
func (e *examination) state(a answer) {
	raw, there := a.object["status"]
	if !a.ok() || !there {
		return
	}
	if strings.HasPrefix(string(raw), `"`) {
		e.learn(states, "names")
		return
	}
	e.learn(states, "numbers")
}

// learnMarkShown learns that an answer shows the mark.
func (e *examination) learnMarkShown(where string, a answer) {
	had := e.variant(markShown)
	switch {
	case strings.Contains(text(a.object["description"]), e.mark) && (had == "" || had == "none"):
		e.report.Variant[markShown] = where
	case strings.Contains(text(a.object["description"]), e.mark):
		e.report.Variant[markShown] = had + "+" + where
	case had == "":
		e.report.Variant[markShown] = "none"
	}
}

// reads asks for the draft by its id, by search, and for its statistics.
func (e *examination) reads(ctx context.Context, id string) {
	a := e.ask(ctx, http.MethodGet, path(id, ""), nil)
	does := unanswered
	switch {
	case a.ok() && a.text("id") == id:
		e.learn(read, "yes")
		e.state(a)
		e.learnMarkShown(read, a)
		does = "after a lost reply it is read, and believed where it shows something"
	case e.refused(a, http.StatusNotFound, http.StatusMethodNotAllowed):
		e.learn(read, "no")
		e.learn(readConfirmed, "no")
		does = "statistics are asked instead; a campaign whose reply was lost waits for them"
	}
	e.find("GET /campaigns/{id}, the draft", a, "API reference: it is there; UC-006 does not have it", does)

	a = e.ask(ctx, http.MethodGet, "/campaigns?page=0&limit=10&search="+url.QueryEscape(e.mark), nil)
	does = unanswered
	switch found := e.inSearch(a, id); {
	case found.object != nil:
		e.learn(search, "yes")
		e.learnMarkShown(search, found)
		does = "drafts of ours can be found by their mark"
	case e.refused(a, http.StatusNotFound, http.StatusMethodNotAllowed):
		e.learn(search, "no")
		does = "leaked drafts cannot be found; they cost nothing"
	case a.ok():
		does = "it did not find our draft: nothing is concluded"
	}
	e.find("GET /campaigns?search=, our mark", a, "API reference: in name and description; UC-006 does not have it", does)

	e.statistics(ctx, id)
}

// inSearch is our draft among what was found.
func (e *examination) inSearch(a answer, id string) answer {
	items := a.object["content"]
	if items == nil {
		items = a.body // an array by itself
	}
	var all []map[string]json.RawMessage
	if !a.ok() || json.Unmarshal(items, &all) != nil {
		return answer{}
	}
	for _, one := range all {
		if text(one["id"]) == id {
			return answer{status: a.status, object: one}
		}
	}
	return answer{}
}

func (e *examination) statistics(ctx context.Context, id string) {
	a := e.ask(ctx, http.MethodGet, e.statsPath(id, false), nil)
	asked, does := "GET /campaigns/stats?campaignId=, of a draft", unanswered
	switch {
	case a.ok():
		e.learn(statsDates, "no")
		e.learn(stats, "draft")
		e.state(a)
		does = "they are followed"
	case e.refused(a, http.StatusBadRequest, http.StatusUnprocessableEntity):
		a = e.ask(ctx, http.MethodGet, e.statsPath(id, true), nil)
		asked += ", with startDate and endDate"
		switch {
		case a.ok():
			e.learn(statsDates, "needed")
			e.learn(stats, "draft")
			e.state(a)
		case e.refused(a, http.StatusNotFound):
			e.learn(statsDates, "needed")
			e.learn(stats, "later")
		}
		does = "staffetta asks without dates: its reads have to be the status by id"
	case e.refused(a, http.StatusNotFound):
		e.learn(stats, "later")
		does = "a 404 of statistics is no news; they are asked until they are there"
	}
	e.find(asked, a, "UC-006: by campaignId alone; API reference: dates are required", does)
}

func (e *examination) statsPath(id string, dates bool) string {
	p := "/campaigns/stats?campaignId=" + url.QueryEscape(id)
	if dates {
		now := e.o.Now().UTC()
		p += "&startDate=" + now.AddDate(0, 0, -1).Format(time.DateOnly) + "&endDate=" + now.AddDate(0, 0, 1).Format(time.DateOnly)
	}
	return p
}

// refusals makes calls that must be refused: a calculation without a list, which
// UC-006 documents, and the price of a campaign that does not exist.
func (e *examination) refusals(ctx context.Context, id string) {
	a := e.ask(ctx, http.MethodPost, path(id, "/calculateGoal"), nil)
	does := "nothing is concluded"
	if a.refused() {
		e.shape(a)
		does = "this is what a refusal looks like, if it is the gateway's"
	}
	e.find("POST …/calculateGoal, without a list", a, `UC-006: 400 {"status":"fail","data":{"contactListId":…}}`, does)

	a = e.ask(ctx, http.MethodGet, path("999999999999", "/price"), nil)
	does = "nothing is concluded"
	if a.refused() {
		e.shape(a)
		does = "a 404 proves nothing to staffetta, whatever its shape"
		if e.variant(envelope) == none {
			does = "its refusals look like those of a proxy: they are repeated for an hour before one is believed, and nothing here is concluded from them"
		}
	}
	e.find("GET …/price, of an id that does not exist", a, "no page says", does)
}

// shape learns the envelope of refusals. One refusal shows a shape that the vendor's
// pages have; any other may be a stranger's, and takes two that agree.
func (e *examination) shape(a answer) {
	is := envelopeOf(a)
	switch first := e.firstShape; {
	case first != "":
		e.report.Variant[envelope] = agree(first, is)
	case known(is):
		e.report.Variant[envelope] = is
	}
	e.firstShape = is
}

// configures sets texts on the draft: one outside GSM-7, a plain one, and with a
// list the same again after its calculation.
func (e *examination) configures(ctx context.Context, id string) {
	odd := e.ask(ctx, http.MethodPut, path(id, ""), e.content("Staffetta ж", false))
	a := e.ask(ctx, http.MethodPut, path(id, ""), e.content("Staffetta", false))
	does := "nothing is concluded: name a list with --list"
	if a.ok() {
		switch {
		case odd.ok():
			e.learn(unicodeText, "replaced")
		case e.refused(odd):
			e.learn(unicodeText, "refused")
		}
		does = "what it echoes is compared with what was asked"
		if a.text("text") != "Staffetta" {
			does = "it echoes no text: what was confirmed is what was sent, and cannot be compared"
		}
		e.state(a)
	}
	e.find("PUT /campaigns/{id}, sender and text", a, "UC-006: the whole campaign, CONFIGURED", does)
	if e.o.List == 0 || !a.ok() {
		return
	}
	a = e.ask(ctx, http.MethodPost, path(id, "/calculateGoal"), nil)
	e.find("POST …/calculateGoal, with the list", a, "UC-006: totalRecipients, validRecipients, invalidRecipients, estimatedParts", "the quote is checked: valid and invalid must be the total")
	if !a.ok() {
		return
	}
	price := e.ask(ctx, http.MethodGet, path(id, "/price"), nil)
	e.find("GET …/price", price, "UC-006: totalPrice, currency, availableCredit, sufficient", "what is agreed is compared with it")
	a = e.ask(ctx, http.MethodPut, path(id, ""), e.content("Staffetta", false))
	switch {
	case a.ok():
		e.learn(configure, "again")
		does = "a draft whose confirm is unknown can be disarmed"
	case e.refused(a):
		e.learn(configure, "once")
		does = "a draft whose confirm is unknown cannot be disarmed: it has to be seen to vanish"
	default:
		does = "nothing is concluded"
	}
	e.find("PUT again, after its calculation", a, "API reference: states 0 and 1; guides: draft and configured only", does)
}

func (e *examination) content(words string, simulation bool) map[string]any {
	c := map[string]any{"sender": e.o.Sender, "text": words, "unicode": false}
	if e.o.List != 0 {
		c["contactListId"] = e.o.List
	}
	if simulation {
		c["simulation"] = true
	}
	return c
}

// account looks at what can be read beside campaigns.
func (e *examination) account(ctx context.Context) {
	a := e.ask(ctx, http.MethodGet, "//api/v1/partner-gateway/subscription/credit", nil)
	e.find("GET …/subscription/credit", a, "API reference: credit, frozenCredit, availableCredit", "nothing: the price says what is available")
	a = e.ask(ctx, http.MethodGet, "/contacts/list?page=0&limit=1", nil)
	e.find("GET /contacts/list", a, "API reference: pages of lists", "nothing: lists are named by those who ask")
}

// removal deletes the draft and looks whether it is gone. Where nothing reads it, a
// configure tells: it is ours, and was to be deleted.
func (e *examination) removal(ctx context.Context, id string) {
	a := e.ask(ctx, http.MethodDelete, path(id, ""), nil)
	does := "nothing is concluded"
	switch {
	case e.refused(a, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented):
		e.learn(deletes, "no")
		does = "drafts that are not needed stay; what is scheduled cannot be cancelled"
	case a.ok():
		if there := e.stillThere(ctx, id, e.variant(read) == "yes"); there == "" {
			does = "what became of it could not be seen"
		} else {
			e.learn(deletes, map[string]string{"no": "yes", "yes": "ignored"}[there])
			does = map[string]string{"no": "drafts that are not needed are removed", "yes": "it says so and the draft is still there: a DELETE counts for nothing here"}[there]
		}
	}
	if e.variant(deletes) == "yes" {
		e.draftGone(id)
	}
	e.find("DELETE /campaigns/{id}, the draft", a, "API reference: 204, and 404 for what cannot be deleted; UC-006 does not have it", does)
}

// stillThere says yes or no, or nothing.
func (e *examination) stillThere(ctx context.Context, id string, reads bool) string {
	var a answer
	if reads {
		a = e.ask(ctx, http.MethodGet, path(id, ""), nil)
	} else {
		a = e.ask(ctx, http.MethodPut, path(id, ""), e.content("Staffetta", false))
	}
	switch {
	case a.ok():
		return "yes"
	case e.refused(a, http.StatusNotFound, http.StatusGone):
		return "no"
	}
	return ""
}
