package check

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// draft is what a price has left at the gateway so far.
type draft struct {
	placed  bool  // a place for a price was taken
	id      int64 // the gateway's number; 0: none is known
	perhaps bool  // its create was not answered
	notOurs bool  // the gateway shows something else under the number
}

// NewKey is a key for the draft of one check. No campaign is ever asked for under it.
func NewKey(source string) campaign.Key {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return campaign.Key{Source: source, RequestID: "check-" + hex.EncodeToString(b[:])}
}

var ownID = regexp.MustCompile(`^check-[0-9a-f]{16}$`)

// IsKey says that a key is of a check's draft, and not of a campaign.
func IsKey(k campaign.Key) bool { return ownID.MatchString(k.RequestID) }

// markedName begins with the word check, for people who look at the gateway. It is not
// longer than the name that was asked for, so that no gateway refuses it for its length.
func markedName(name string) string {
	const mark = "check: "
	if len([]rune(name)) < len(mark) {
		return name
	}
	return string([]rune(mark + name)[:len([]rune(name))])
}

// deleteWithin limits the delete of a draft. It has a time of its own, so that a draft is
// deleted also where the question was given up.
const deleteWithin = 10 * time.Second

// cleanUp deletes the draft, and says what is left. A crash before it
// leaves a draft that is never sent, and bears a check's mark.
func (t *trial) cleanUp(ctx context.Context, own campaign.Key, err error) error {
	if !t.draft.placed {
		return err
	}
	defer t.prices.giveBack(t.key.Source)
	var why string
	switch {
	case t.draft.perhaps:
		why = "its create was not answered, so there may be a draft"
	case t.draft.id == 0:
		return err
	case t.draft.notOurs:
		why = "the gateway shows something else under its number, so it is not deleted"
	default:
		why = t.delete(ctx)
	}
	if why == "" {
		return err
	}
	t.out.Left = &query.LeftDraft{CampaignID: t.draft.id, Mark: campaign.Mark(own), Text: fmt.Sprintf(
		"%s: it is never sent; look for %s at the gateway, or with staffetta drafts", why, campaign.Mark(own))}
	if answer, is := errors.AsType[*query.Error](err); is {
		with := *answer
		with.Text += "; and " + t.out.Left.Text
		return &with
	}
	return err
}

// delete deletes the draft; if it was not deleted, it says why.
func (t *trial) delete(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteWithin)
	defer cancel()
	ctx = runner.WithSource(ctx, t.key.Source)
	permit, o := t.Gateway.Admit(ctx, campaign.OpDelete)
	if permit != nil {
		o = permit.Call(ctx, campaign.Call{Op: campaign.OpDelete, CampaignID: t.draft.id})
		o.Op = campaign.OpDelete
		t.Called(t.c, o)
	}
	if o.Kind == campaign.OK {
		return ""
	}
	return fmt.Sprintf("its draft, campaign %d, was not deleted: %s", t.draft.id, words(o))
}
