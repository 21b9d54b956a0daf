package runner

import (
	"context"
	"errors"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/loop"
)

// People reads the recipients that came with a request, wherever they are. What it returns
// never says who they are, but for what it writes. It is safe for concurrent use, and holds
// no audience whole.
type People interface {
	// Prepare reads them all, and says what is sent to and what is left out. The same
	// request gives the same answer, unless people have been suppressed since. Of a named
	// audience without a digest the newest list is taken, and the answer says which it was.
	// An *Unusable says why there is none, and a person has to correct it. A *loop.Refusal
	// says that nobody can say who gets nothing, until an operator has put that right: nobody
	// is prepared meanwhile. Any other error: unknown.
	Prepare(ctx context.Context, key campaign.Key, r campaign.Request) (campaign.Prepared, error)

	// Open returns the file to upload. It stands for
	// exactly the people of that digest: if others would be written now, the error is
	// ErrChanged, and nothing is written.
	Open(ctx context.Context, key campaign.Key, r campaign.Request, digest string) (campaign.File, error)

	// Screen says that nobody of the prepared people was suppressed since: the answer is the
	// place of the last order about numbers that they have been held against. The error is
	// ErrChanged if others would be prepared now. It costs no look at the people as long as
	// nobody was suppressed, or allowed again, behind [campaign.Prepared.Screened].
	Screen(ctx context.Context, key campaign.Key, r campaign.Request, p campaign.Prepared) (screened uint64, err error)

	// Discard removes them from the streams for good, with the request if they are in it.
	// It returns nil only when none is left. To discard twice is the same as once. The list
	// that was published last under a name is not removed (ErrNewest).
	Discard(ctx context.Context, key campaign.Key, r campaign.Request) error
}

// ErrChanged means that other people would be uploaded than were prepared.
var ErrChanged = errors.New("the people have changed since they were prepared")

// ErrNewest means that a list is the one that was published last under its name: another
// campaign may take it until the next one is published, or its age is over.
var ErrNewest = errors.New("it is the newest list under its name, and is kept until it is replaced")

// newestFor is when it is looked at again whether a list was replaced.
const newestFor = 24 * time.Hour

// Unusable says why an audience cannot be used. Its words name no person, and no value.
type Unusable struct {
	Field   string // of the request
	Words   string
	Missing bool // a part is not there, or not as it was named: it may still come
	Full    bool // the source has laid down more than it may: there may be room later
	Stale   bool // under the name there is no list that is young enough: one may still come
}

func (e *Unusable) Error() string { return e.Words }

// callPeople asks for the people, in the shape of a call.
func (r *run) callPeople(ctx context.Context, call campaign.Call) (o campaign.Outcome) {
	o = campaign.Outcome{Kind: campaign.OK, Started: time.Now().UTC()}
	if r.people == nil {
		o.Kind, o.Err = campaign.NotAttempted, "this service reads no recipients"
		return o
	}
	var err error
	if call.Op == campaign.OpPrepare {
		defer loop.StepAside(ctx)() // a million people take a while
		var p campaign.Prepared
		if p, err = r.people.Prepare(ctx, r.wakeup.Key, r.c.Taken()); err == nil {
			o.Prepared = &p
		}
	} else {
		err = r.people.Discard(ctx, r.wakeup.Key, r.c.Taken())
	}
	o.Took = time.Since(o.Started)
	if no, is := errors.AsType[*Unusable](err); is {
		o.Kind, o.Field, o.Words = campaign.Refused, no.Field, no.Words
		switch {
		case no.Missing:
			o.Cause = campaign.Incomplete
		case no.Full:
			o.Cause = campaign.Full
		case no.Stale:
			o.Cause = campaign.Stale
		}
	} else if errors.Is(err, ErrNewest) {
		o.Kind, o.Err, o.RetryAfter = campaign.NotAttempted, err.Error(), newestFor
	} else if err != nil {
		unread(&o, err)
	}
	return o
}

// unread is a call of the people's port that gave no answer. What only an operator can put
// right is no attempt: the campaign waits for it, and looks again from time to time.
func unread(o *campaign.Outcome, err error) {
	o.Kind, o.Err = campaign.Unavailable, err.Error()
	if _, is := errors.AsType[*loop.Refusal](err); is {
		o.Kind, o.RetryAfter = campaign.NotAttempted, refusedAgain
	}
}

// refusedAgain is when it is looked again whether an operator has put it right.
const refusedAgain = 30 * time.Second

// admit takes the permit of the one confirm. Nobody who was suppressed by now is sent to: that
// is looked at before, and again after what may have been a long wait for the permit.
func (r *run) admit(ctx context.Context) campaign.Outcome {
	if o := r.screen(ctx); o.Kind != campaign.OK {
		return o
	}
	permit, no := r.account.Gateway.Admit(ctx, campaign.OpConfirm)
	if permit == nil {
		return no
	}
	if o := r.screen(ctx); o.Kind != campaign.OK {
		permit.Release()
		return o
	}
	r.permit = permit
	return campaign.Outcome{Kind: campaign.OK}
}

// screened is up to which order about numbers the people of a digest were held against.
type screened struct {
	digest string
	upTo   uint64
}

// screen looks whether anybody was suppressed since the people were prepared. A campaign
// without people of its own makes no call.
func (r *run) screen(ctx context.Context) campaign.Outcome {
	o := campaign.Outcome{Kind: campaign.OK, Started: time.Now().UTC()}
	if r.c.Request.Audience == nil || r.c.Prepared == nil {
		return o
	}
	if r.people == nil {
		o.Kind, o.Err = campaign.NotAttempted, "this service reads no recipients"
		return o
	}
	defer loop.StepAside(ctx)()
	p := *r.c.Prepared
	if r.screened.digest == p.Digest {
		p.Screened = r.screened.upTo
	}
	upTo, err := r.people.Screen(ctx, r.wakeup.Key, r.c.Taken(), p)
	o.Took = time.Since(o.Started)
	switch _, unusable := errors.AsType[*Unusable](err); {
	case err == nil:
		r.screened = screened{p.Digest, upTo}
	case errors.Is(err, ErrChanged), unusable: // the upload says what is wrong
		o.Kind, o.Cause = campaign.Refused, campaign.Changed
	default:
		unread(&o, err)
	}
	return o
}

// upload puts the people into the list. They are looked at before the call leaves: what is
// uploaded is what was prepared, or nothing.
func (r *run) upload(ctx context.Context, call campaign.Call) campaign.Outcome {
	o := campaign.Outcome{Started: time.Now().UTC()}
	if r.people == nil {
		o.Kind, o.Err = campaign.NotAttempted, "this service reads no recipients"
		return o
	}
	defer loop.StepAside(ctx)()
	var err error
	if call.File, err = r.people.Open(ctx, r.wakeup.Key, r.c.Taken(), r.c.Prepared.Digest); err != nil {
		o.Took = time.Since(o.Started)
		unread(&o, err)
		if no, is := errors.AsType[*Unusable](err); is {
			o.Kind, o.Field, o.Words, o.Err = campaign.Refused, no.Field, no.Words, ""
		}
		if errors.Is(err, ErrChanged) {
			o.Kind, o.Cause = campaign.Refused, campaign.Changed
		}
		return o
	}
	permit, no := r.account.Gateway.Admit(ctx, call.Op)
	if permit == nil {
		return no
	}
	if !r.c.MayUpload(r.now()) {
		permit.Release()
		o.Kind, o.Err = campaign.NotAttempted, "this worker was held up, and others may be told that nothing arrives of it any more"
		return o
	}
	return permit.Call(ctx, call)
}
