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
	named := prepared
	named.Prepared = &campaign.Prepared{Digest: "d1", Given: 10300, Sent: 10247, Malformed: 50, Duplicate: 3, Version: campaign.Version{
		Name: "customers", Digest: "c1", Size: 400_000, Chunks: 2, Format: campaign.CSV, AsOf: friday.Add(-time.Hour)}}
	others := prepared
	others.Prepared = &campaign.Prepared{Digest: "d2", Given: 10300, Sent: 10246, Malformed: 50, Duplicate: 3, Suppressed: 1}
	made, found, right, few, many, room, full := ok(campaign.OpList), ok(campaign.OpFind), ok(campaign.OpCount), ok(campaign.OpCount), ok(campaign.OpCount), ok(campaign.OpQuota), ok(campaign.OpQuota)
	made.ListID, found.Lists = 91, []int64{90, 91}
	claimed, another, behind, queued := ok(campaign.OpClaim), ok(campaign.OpClaim), campaign.Outcome{Op: campaign.OpClaim, Kind: campaign.Refused}, campaign.Outcome{Op: campaign.OpClaim, Kind: campaign.Refused}
	claimed.Claim, another.Claim = 7, 8
	behind.Behind = &campaign.Behind{Key: campaign.Key{Source: "shop-italia", RequestID: "codes"}, State: campaign.Sending, From: friday, Recipients: 9831}
	queued.Behind = &campaign.Behind{Key: campaign.Key{Source: "acqua-luce", RequestID: "dues"}, State: campaign.Requested, Waits: true}
	right.Contacts, few.Contacts, many.Contacts, room.Contacts, full.Contacts = 10247, 10000, 10248, 5000, 12
	list := []input{
		{"prepare ok", prepared},
		{"prepare ok, of a named list", named},
		{"prepare ok, others than before", others},
		{"prepare ok, nobody is left", nobody},
		{"find ok", ok(campaign.OpFind)},
		{"find ok, two lists", found},
		{"unlist ok", ok(campaign.OpUnlist)},
		{"list ok", made},
		{"claim ok", claimed},
		{"claim ok, another one", another},
		{"claim refused, behind another", behind},
		{"claim refused, behind one that waits", queued},
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
		{campaign.OpPrepare, ""}, {campaign.OpPrepare, campaign.Incomplete}, {campaign.OpPrepare, campaign.Stale}, {campaign.OpPrepare, campaign.Full}, {campaign.OpFind, campaign.NotFound}, {campaign.OpUnlist, ""}, {campaign.OpList, ""},
		{campaign.OpUpload, ""}, {campaign.OpUpload, campaign.NotFound}, {campaign.OpUpload, campaign.Changed}, {campaign.OpCount, campaign.NotFound}, {campaign.OpCount, ""}, {campaign.OpQuota, campaign.NotFound},
	} {
		name := string(no.op) + " refused"
		if no.cause != "" {
			name += ", " + strings.ReplaceAll(string(no.cause), "_", " ")
		}
		list = append(list, input{name, campaign.Outcome{Op: no.op, Kind: campaign.Refused, Cause: no.cause, Words: "no, in words"}})
	}
	for _, op := range []campaign.Op{campaign.OpPrepare, campaign.OpFind, campaign.OpUnlist, campaign.OpList, campaign.OpClaim, campaign.OpUpload, campaign.OpCount, campaign.OpQuota, campaign.OpDiscard} {
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

// toNamed is a request to the newest list under a name.
func toNamed() campaign.Request {
	r := blackFriday()
	r.ListID, r.Audience = 0, &campaign.Audience{Name: "customers", MaxAge: 48 * time.Hour}
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
	named, later, windowed := toNamed(), toNamed(), toNamed()
	later.At = friday.Add(48 * time.Hour)
	windowed.Limits.Window = "night"
	taken := plus([]string{"asked", "look ok"}, "prepare ok, of a named list")
	prepared := []string{"asked", "look ok", "prepare ok"}
	made := plus(prepared, "list ok")
	uploaded := plus(made, "upload ok")
	counted := plus(uploaded, "count ok")
	quoted := plus(counted, "create ok", "configure ok", "calculate ok", "price ok")
	confirmed := plus(quoted, "admit ok", "confirm ok")
	completed := plus(confirmed, "due", "woken", "stats COMPLETED", "delivered", "reload")
	each, far, asked := toEach(), toEach(), toEach()
	far.At, asked.Limits.Approval = friday.Add(48*time.Hour), true
	held := plus(made, "claim ok")
	eachQuoted := plus(held, "upload ok", "count ok", "create ok", "configure ok", "calculate ok", "price ok")
	agreed := plus(eachQuoted, "reload", "approve its quote", "reload", "due", "woken", "status by id UNCONFIRMED")
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
		{"quoted, with people of its own, waits for an approval", approved, plus(quoted, "reload")},
		{"requested, with texts of their own, own, claim under way", each, made},
		{"requested, with texts of their own, behind another, due", each, plus(made, "claim refused, behind another", "reload", "due")},
		{"requested, with texts of their own, own, upload under way", each, held},
		{"requested, with texts of their own, of another run, upload unanswered, due", each, plus(held, "upload unavailable", "reload", "due")},
		{"requested, with texts of their own, held for 4 hours, claim under way again", each, plus(held, "upload ok", "count ok, too few", "reload", "due", "held", "woken", "look ok", "reload", "in 4 hours", "released", "woken", "look ok")},
		{"drafted, with texts of their own, own, a look at its claim under way", each, eachQuoted},
		{"drafted, with texts of their own, own, waiting for leave to confirm", each, plus(eachQuoted, "claim ok")},
		{"quoted, with texts of their own, waits for an approval", asked, plus(eachQuoted, "reload")},
		{"requested, with the newest list of a name, prepare under way", named, []string{"asked", "look ok"}},
		{"requested, with the newest list of a name, too old, due", named, []string{"asked", "look ok", "prepare refused, stale", "reload", "due"}},
		{"requested, with the newest list of a name, too old for 4 hours, prepare under way", named, []string{"asked", "look ok", "prepare refused, stale", "reload", "in 4 hours", "woken", "look ok"}},
		{"requested, with the newest list of a name, for later, waits for its instant", later, []string{"asked", "look ok", "reload"}},
		{"requested, with the newest list of a name, at its instant, due", later, []string{"asked", "look ok", "reload", "due"}},
		{"requested, with the newest list of a name, outside its window", windowed, []string{"asked", "look ok", "reload"}},
		{"requested, with a list that it took, list under way", named, taken},
		{"requested, with a list that it took, others than before, prepare under way", named, plus(taken, "list ok", "upload refused, changed")},
		{"abandoning, with texts of their own, approved, delete under way", asked, agreed},
		{"requested, with texts of their own, approved, claim under way again", asked, plus(agreed, "delete ok", "look ok")},
		{"drafted, with texts of their own, for later, own, price under way", far, plus(held, "upload ok", "count ok", "create ok", "configure ok", "calculate ok")},
		{"quoted, with texts of their own, waits for its instant, due", far, plus(eachQuoted, "reload", "due")},
		{"sending, with texts of their own, statistics under way", each, plus(eachQuoted, "claim ok", "admit ok", "confirm ok", "due", "woken")},
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
