package campaign

import (
	"cmp"
	"fmt"
	"time"
)

// A campaign with recipients of its own needs a list at the gateway before it has a draft:
// they are read, the list is made, they are put into it, and it is counted. The rules
// never see a person, only how many there are and a digest of them.
//
// Every one of these calls may be repeated. A list costs nothing and sends nothing; to
// upload the same people again adds nobody. So a run goes on with another run's list. But
// a list of which it is not known whether it was made is never guessed at: it is looked
// for by its name, removed, and another one is made.

// misfitsAtMost is how many lists in a row may not hold what was uploaded.
const misfitsAtMost = 3

// enlist makes the next call on the way to a list that holds what is sent. Without a save
// in between, a crash repeats it.
func (t *transition) enlist() Decision {
	switch l := t.c.List; {
	case l == nil, l.Gateway != "" && t.atOtherGateway(Bound{Gateway: l.Gateway}):
		return t.nameList()
	case l.GivenUp, l.ID == 0:
		return t.dropList()
	case t.outdated() != "":
		return t.uploadOrClaim(false)
	}
	return t.call(OpCount)
}

// list changes what the record says of the list. It changes a copy, so the loaded record
// stays as it is.
func (t *transition) list(change func(*List)) {
	l := *t.c.List
	change(&l)
	t.c.List = &l
}

// nameList saves the name of a new list, and makes it. A crash after the save looks, to
// every other run, like a list whose creation lost its reply.
func (t *transition) nameList() Decision {
	next := List{N: 1, Gateway: t.gateway}
	if l := t.c.List; l != nil {
		next.N, next.Misfits, next.Landing = l.N+1, l.Misfits, l.Landing
	}
	t.c.List = &next
	t.busyFor(t.Lease, "its contact list is made at the gateway")
	return t.saveAndCall(OpList)
}

// busyFor says what is done now, and when another run takes over.
func (t *transition) busyFor(lease time.Duration, with string) {
	t.become(Requested)
	t.c.Wake, t.c.Waiting = t.now.Add(lease), with
}

// dropList gives up the list, and has it removed with those before it. That is saved first,
// so that no run goes on with it. A run that is held up after the save may find the next
// run's list, so it looks only for lists up to its own.
func (t *transition) dropList() Decision {
	t.list(func(l *List) { l.GivenUp = true })
	t.busyFor(t.Lease, "its contact list is given up, and another one made")
	return t.saveAndCall(OpFind)
}

// enlisted takes the answers on the way to a list.
func (t *transition) enlisted(o Outcome) Decision {
	if o.Op == OpUpload && (o.Kind == OK || o.Kind == Refused || o.neverLeft()) {
		t.landed()
	}
	switch {
	case o.Op == OpClaim:
		return t.claimed(o)
	case o.Kind == OK:
		t.answered(o.Op)
	case o.Kind == Refused:
		return t.enlistRefused(o)
	default:
		if o.Op == OpQuota {
			return t.withRoom() // nothing depends on it
		}
		if why := t.countUnanswered(o); why != nil {
			return t.end(Rejected, EventRejected, *why)
		}
		return t.wait(t.pause(o))
	}
	switch o.Op {
	case OpPrepare:
		return t.prepared(*o.Prepared)
	case OpFind:
		if t.c.run.lists = o.Lists; len(o.Lists) > 0 {
			return t.call(OpUnlist)
		}
		return t.nameList()
	case OpUnlist:
		return t.nameList()
	case OpList:
		t.list(func(l *List) { l.ID = o.ListID })
		return t.uploadOrClaim(true)
	case OpUpload:
		t.list(func(l *List) { l.Uploaded, l.Anew = t.now, "" })
		t.busyFor(t.Lease, "its contact list is counted")
		return t.saveAndCall(OpCount)
	case OpQuota:
		if missing := t.c.Prepared.Sent - t.c.List.Counted; o.Contacts < missing {
			return t.end(Rejected, EventRejected, Reason{Code: ReasonNoRoom, Step: OpUpload, Field: t.c.Request.Audience.Field(), Message: fmt.Sprintf(
				"the account has room for %d more contacts, and %d of %d are missing in the list: raise the limit of its plan, then ask again under a new request id", max(o.Contacts, 0), missing, t.c.Prepared.Sent)})
		}
		return t.withRoom()
	default: // OpCount
		return t.counts(o)
	}
}

// uploadLeases is how many leases an upload may take: a long file takes minutes.
const uploadLeases = 5

// prepared takes what became of the audience. It is told, also if nothing follows.
func (t *transition) prepared(p Prepared) Decision {
	if had := t.c.Prepared; had != nil {
		p.Version = had.Version // it keeps to the list that it took
	}
	t.c.Prepared, t.c.Partial = &p, time.Time{}
	t.c.PreparedN++
	t.emit(Event{Type: EventAudiencePrepared, N: t.c.PreparedN, Prepared: &p})
	switch {
	case p.Sent == 0:
		return t.end(Rejected, EventRejected, t.nobody(Goal{Total: p.Given}))
	case t.c.List != nil:
		return t.dropList() // it may hold people that are not sent to any more
	}
	return t.begin()
}

// counts takes the count of the list. A list that does not hold what was sent is never
// quoted: it is counted again, then given up.
func (t *transition) counts(o Outcome) Decision {
	if o.Contacts == t.c.Prepared.Sent {
		t.list(func(l *List) { l.Counted, l.Miscounted, l.Misfits = 0, time.Time{}, 0 })
		t.c.Tries = 0
		t.c.run.listed = true
		return t.begin() // the upload took its time
	}
	t.list(func(l *List) {
		l.Counted = o.Contacts
		if l.Miscounted.IsZero() {
			l.Miscounted = t.now
		}
	})
	l := *t.c.List
	lasted := t.now.Sub(l.Miscounted)
	if lasted < t.CountWithin {
		pause := max(t.BackoffMin, lasted/2)
		return t.wait(pause, fmt.Sprintf("contact list %d has %d contacts, and %d were uploaded: it is counted again", l.ID, l.Counted, t.c.Prepared.Sent))
	}
	if l.Counted < t.c.Prepared.Sent {
		return t.call(OpQuota) // perhaps the account has no room for more
	}
	return t.giveUpCount()
}

// withRoom goes on with what made us ask for the quota, if that does not explain it.
func (t *transition) withRoom() Decision {
	if why := t.c.run.refusal; why != nil {
		return t.end(Rejected, EventRejected, *why)
	}
	return t.giveUpCount()
}

// giveUpCount gives up a list that does not hold what was uploaded. The third one in a row
// ends the campaign.
func (t *transition) giveUpCount() Decision {
	t.list(func(l *List) { l.Misfits++ })
	if l := *t.c.List; l.Misfits >= misfitsAtMost {
		return t.end(Rejected, EventRejected, Reason{Code: ReasonDiffers, Step: OpCount, Message: fmt.Sprintf(
			"the gateway counts %d contacts in the list, and %d were uploaded, with %d lists in a row; nothing was sent: ask its support why", l.Counted, t.c.Prepared.Sent, l.Misfits)})
	}
	return t.dropList()
}

// enlistRefused takes a no on the way to a list.
func (t *transition) enlistRefused(o Outcome) Decision {
	switch {
	case o.Op == OpPrepare && (o.Cause == Incomplete || o.Cause == Stale || o.Cause == Full):
		return t.awaitAudience(o)
	case o.Op == OpPrepare:
		return t.end(Rejected, EventRejected, Reason{Code: ReasonAudience, Step: o.Op, Field: o.Field, Message: cmp.Or(o.Words, o.Err) +
			"; nothing was sent: ask again under a new request id"})
	case o.Op == OpQuota:
		return t.withRoom()
	case o.Op == OpFind && t.c.List.ID != 0:
		t.c.run.lists = []int64{t.c.List.ID} // a gateway without that search
		return t.call(OpUnlist)
	case o.Op == OpFind, o.Op == OpUnlist:
		return t.nameList()
	case o.Op == OpUpload && o.Cause == Changed:
		return t.call(OpPrepare)
	case (o.Op == OpUpload || o.Op == OpCount) && o.Cause == NotFound:
		return t.giveUpCount() // somebody removed the list
	case o.Op == OpUpload:
		why := reasonOf(o)
		t.c.run.refusal = &why
		return t.call(OpQuota) // perhaps the account has no room for more
	}
	return t.end(Rejected, EventRejected, reasonOf(o))
}

// awaitAudience waits for a part of the audience that is not there, for a list that is young
// enough, or for room. It may have been published after the request, or be on its way.
func (t *transition) awaitAudience(o Outcome) Decision {
	if t.c.Partial.IsZero() {
		t.c.Partial = t.now
	}
	waited := t.now.Sub(t.c.Partial)
	if waited >= t.RecipientsWithin {
		code, what := ReasonAudience, "publish all chunks before the request"
		switch o.Cause {
		case Stale:
			code, what = ReasonTooOld, "publish a new one (staffetta audience publish)"
		case Full:
			what = "wait until lists of earlier campaigns are removed (recipients.keep), or have recipients.quota raised"
		}
		return t.end(Rejected, EventRejected, Reason{Code: code, Step: o.Op, Field: o.Field, Message: fmt.Sprintf(
			"%s, and it was waited for %s: %s, then ask again under a new request id", cmp.Or(o.Words, o.Err), roundedDuration(waited), what)})
	}
	return t.wait(max(t.BackoffMin, waited/4), cmp.Or(o.Words, o.Err)+": it is waited for")
}

// refusedWithList takes the count of the list after a refusal of the draft. The refusal may
// be about a list that a run removed which had been held up, or a person.
func (t *transition) refusedWithList(o Outcome) Decision {
	switch why := *t.c.run.refusal; {
	case o.Kind == OK && o.Contacts == t.c.Prepared.Sent:
		return t.withdraw(Rejecting, &why)
	case !o.answered():
		return t.retreat(o)
	case t.c.List.Misfits+1 >= misfitsAtMost:
		return t.withdraw(Rejecting, &why)
	}
	t.list(func(l *List) { l.GivenUp, l.Misfits = true, l.Misfits+1 })
	return t.withdraw(Abandoning, nil)
}

// nobody says that there is no one to send to.
func (t *transition) nobody(goal Goal) Reason {
	if p := t.c.Prepared; p != nil {
		return Reason{Code: ReasonNobody, Step: OpPrepare, Field: t.c.Request.Audience.Field(), Message: fmt.Sprintf(
			"none of the %d recipients is left to send to (%d malformed, %d twice, %d suppressed, %d without a field; the gateway takes %d for valid): correct them, then ask again under a new request id",
			p.Given, p.Malformed, p.Duplicate, p.Suppressed, p.Lacking, goal.Valid)}
	}
	return Reason{Code: ReasonNobody, Step: OpCalculate, Field: "contact_list_id", Message: fmt.Sprintf(
		"contact list %d has no valid recipient (%d entries): fill the list, then ask again under a new request id", t.c.Request.ListID, goal.Total)}
}
