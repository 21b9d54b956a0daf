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
	// An *Unusable says why there is none, and a person has to correct it. Any other error:
	// unknown.
	Prepare(ctx context.Context, key campaign.Key, r campaign.Request) (campaign.Prepared, error)

	// Open returns the file to upload. It stands for
	// exactly the people of that digest: if others would be written now, the error is
	// ErrChanged, and nothing is written.
	Open(ctx context.Context, key campaign.Key, r campaign.Request, digest string) (campaign.File, error)

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
		o.Kind, o.Err = campaign.Unavailable, err.Error()
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
		o.Kind, o.Err = campaign.Unavailable, err.Error()
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
