package campaign_test

import (
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// peopleOutcomes are the answers to the calls about recipients that came with a request.
// The first one of each call is what it answers if all goes well.
func peopleOutcomes() []input {
	ok := func(op campaign.Op) campaign.Outcome { return campaign.Outcome{Op: op, Kind: campaign.OK} }
	prepared, nobody := ok(campaign.OpPrepare), ok(campaign.OpPrepare)
	prepared.Prepared = &campaign.Prepared{Digest: "d1", Given: 10300, Sent: 10247, Malformed: 50, Duplicate: 3}
	nobody.Prepared = &campaign.Prepared{Digest: "d0", Given: 2, Malformed: 2}
	others := prepared
	others.Prepared = &campaign.Prepared{Digest: "d2", Given: 10300, Sent: 10246, Malformed: 50, Duplicate: 3, Suppressed: 1}
	made, found, right, few, many, room, full := ok(campaign.OpList), ok(campaign.OpFind), ok(campaign.OpCount), ok(campaign.OpCount), ok(campaign.OpCount), ok(campaign.OpQuota), ok(campaign.OpQuota)
	made.ListID, found.Lists = 91, []int64{90, 91}
	right.Contacts, few.Contacts, many.Contacts, room.Contacts, full.Contacts = 10247, 10000, 10248, 5000, 12
	list := []input{
		{"prepare ok", prepared},
		{"prepare ok, others than before", others},
		{"prepare ok, nobody is left", nobody},
		{"find ok", ok(campaign.OpFind)},
		{"find ok, two lists", found},
		{"unlist ok", ok(campaign.OpUnlist)},
		{"list ok", made},
		{"upload ok", ok(campaign.OpUpload)},
		{"count ok", right},
		{"count ok, too few", few},
		{"count ok, too many", many},
		{"quota ok", room},
		{"quota ok, no room", full},
		{"discard ok", ok(campaign.OpDiscard)},
	}
	for _, no := range []struct {
		op    campaign.Op
		cause campaign.Cause
	}{
		{campaign.OpPrepare, ""}, {campaign.OpPrepare, campaign.Incomplete}, {campaign.OpFind, campaign.NotFound}, {campaign.OpUnlist, ""}, {campaign.OpList, ""},
		{campaign.OpUpload, ""}, {campaign.OpUpload, campaign.NotFound}, {campaign.OpUpload, campaign.Changed}, {campaign.OpCount, campaign.NotFound}, {campaign.OpCount, ""}, {campaign.OpQuota, campaign.NotFound}, {campaign.OpAdmit, campaign.Changed},
	} {
		name := string(no.op) + " refused"
		if no.cause != "" {
			name += ", " + strings.ReplaceAll(string(no.cause), "_", " ")
		}
		list = append(list, input{name, campaign.Outcome{Op: no.op, Kind: campaign.Refused, Cause: no.cause, Words: "no, in words"}})
	}
	for _, op := range []campaign.Op{campaign.OpPrepare, campaign.OpFind, campaign.OpUnlist, campaign.OpList, campaign.OpUpload, campaign.OpCount, campaign.OpQuota, campaign.OpDiscard} {
		list = append(list, input{string(op) + " unavailable", campaign.Outcome{Op: op, Kind: campaign.Unavailable}})
	}
	return list
}

// toItsOwn is a request with recipients of its own.
func toItsOwn() campaign.Request {
	r := blackFriday()
	r.ListID, r.Audience = 0, &campaign.Audience{Digest: "ab"}
	return r
}

// toEach is a request with recipients of its own, each of whom gets a text of his own.
func toEach() campaign.Request {
	r := toItsOwn()
	r.Text = "Ciao {{firstName}}, il suo codice: {{code}}"
	return r
}

// peopleSituations are those of campaigns whose recipients came with the request.
func peopleSituations() []peopleSituation {
	approved := toItsOwn()
	approved.Limits.Approval = true
	own := toItsOwn()
	prepared := []string{"asked", "look ok", "prepare ok"}
	made := plus(prepared, "list ok")
	uploaded := plus(made, "upload ok")
	counted := plus(uploaded, "count ok")
	quoted := plus(counted, "create ok", "configure ok", "calculate ok", "price ok")
	confirmed := plus(quoted, "admit ok", "confirm ok")
	completed := plus(confirmed, "due", "woken", "stats COMPLETED", "delivered", "reload")
	each, far, asked := toEach(), toEach(), toEach()
	far.At, asked.Limits.Approval = friday.Add(48*time.Hour), true
	agreed := plus(quoted, "reload", "approve its quote", "reload", "due", "woken", "status by id UNCONFIRMED")
	miscounted := plus(uploaded, "count ok, too few", "reload", "in 4 hours", "woken", "upload ok")
	return []peopleSituation{
		{"requested, with people of its own, prepare under way", own, []string{"asked", "look ok"}},
		{"requested, with people of its own, a part is missing, due", own, []string{"asked", "look ok", "prepare refused, incomplete", "reload", "due"}},
		{"requested, with people of its own, a part is missing for 4 hours, prepare under way", own, []string{"asked", "look ok", "prepare refused, incomplete", "reload", "in 4 hours", "woken", "look ok"}},
		{"requested, with people of its own, own, list under way", own, prepared},
		{"requested, with people of its own, of another run, list may have been made, due", own, plus(prepared, "reload", "due")},
		{"requested, with people of its own, list may have been made, find under way", own, plus(prepared, "list unavailable", "reload", "due", "woken", "look ok")},
		{"requested, with people of its own, unlist under way", own, plus(prepared, "list unavailable", "reload", "due", "woken", "find ok, two lists")},
		{"requested, with people of its own, own, upload under way", own, made},
		{"requested, with people of its own, of another run, upload unanswered, due", own, plus(made, "upload unavailable", "reload", "due")},
		{"requested, with people of its own, others than before, prepare under way", own, plus(made, "upload refused, changed")},
		{"requested, with people of its own, upload refused, quota under way", own, plus(made, "upload refused")},
		{"requested, with people of its own, own, count under way", own, uploaded},
		{"requested, with people of its own, counted wrong, due", own, plus(uploaded, "count ok, too few", "reload", "due")},
		{"requested, with people of its own, counted wrong for 4 hours, count under way", own, miscounted},
		{"requested, with people of its own, counted wrong for 4 hours, quota under way", own, plus(miscounted, "count ok, too few")},
		{"requested, with people of its own, own, create under way", own, counted},
		{"requested, with people of its own, at another gateway, due", own, plus(uploaded, "count unavailable", "reload", "another gateway is configured", "due")},
		{"drafted, with people of its own, own, calculate under way", own, plus(counted, "create ok", "configure ok")},
		{"drafted, with people of its own, own, admit under way", own, quoted},
		{"quoted, with people of its own, waits for an approval", approved, plus(quoted, "reload")},
		{"quoted, with texts of their own, waits for an approval", asked, plus(quoted, "reload")},
		{"abandoning, with texts of their own, approved, delete under way", asked, agreed},
		{"requested, with texts of their own, approved, upload under way again", asked, plus(agreed, "delete ok", "look ok")},
		{"drafted, with texts of their own, for later, own, price under way", far, plus(counted, "create ok", "configure ok", "calculate ok")},
		{"quoted, with texts of their own, waits for its instant, due", far, plus(quoted, "reload", "due")},
		{"requested, with texts of their own, held for 4 hours, upload under way again", each, plus(uploaded, "held", "count ok", "reload", "in 4 hours", "released", "woken", "look ok")},
		{"completed, with people of its own, due", own, plus(completed, "due")},
		{"completed, with people of its own, find under way", own, plus(completed, "due", "woken")},
		{"completed, with people of its own, unlist under way", own, plus(completed, "due", "woken", "find ok, two lists")},
		{"completed, with people of its own, discard under way", own, plus(completed, "due", "woken", "find ok")},
		{"completed, with people of its own, its list is at another gateway, due", own, plus(completed, "another gateway is configured", "due")},
		{"completed, with people of its own, cleared", own, plus(completed, "due", "woken", "find ok", "discard ok", "reload")},
	}
}

type peopleSituation struct {
	name  string
	r     campaign.Request
	steps []string
}
