package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/staffetta-io/staffetta/internal/audience"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/suppression"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// suppressionOrder is what every order about numbers says.
type suppressionOrder interface {
	GetNumbers() *campaignv1.Audience
	GetDefaultRegion() string
	GetNote() string
}

// changes are the two things that an order can do to numbers.
var changes = map[suppression.Change]campaignv1.SuppressionChanged_Change{
	suppression.Suppressed: campaignv1.SuppressionChanged_CHANGE_SUPPRESSED,
	suppression.Allowed:    campaignv1.SuppressionChanged_CHANGE_ALLOWED,
}

// ObeySuppression carries out an order about numbers, once, however often it comes. What
// cannot be is a [*loop.Refusal], and then the numbers are erased at once. Those of an order
// that was carried out lie where they were laid down until no power cut can take back what
// they became: see [Journal.SweepSuppressions].
func (j *Journal) ObeySuppression(ctx context.Context, o contract.Order) (*campaignv1.SuppressionChanged, error) {
	asks, ok := o.Body.(suppressionOrder)
	if !ok {
		return nil, fmt.Errorf("%s is no order about numbers", o.Verb)
	}
	s := suppression.Segment{
		Order: o.ID(), Source: o.Source, Change: suppression.Suppressed, At: time.Now().UTC(), By: o.By, Actor: o.Actor,
		Note: asks.GetNote(), Command: o.Sequence, List: asks.GetNumbers().GetSha256(),
	}
	if o.Verb == contract.VerbAllow {
		s.Change = suppression.Allowed
	}
	s, err := j.suppressed.Obey(ctx, s, func(take func(string)) (int64, error) {
		return j.readNumbers(ctx, o.Source, asks, take)
	})
	if no := refused(err); no != nil {
		if err := j.eraseNumbers(ctx, o.Source, asks.GetNumbers().GetSha256()); err != nil {
			return nil, err
		}
		return nil, no
	}
	if err != nil {
		return nil, err
	}
	return &campaignv1.SuppressionChanged{
		Source: s.Source, Command: s.Command, At: contract.Stamp(s.At), By: s.By, Actor: s.Actor,
		Change: changes[s.Change], Numbers: s.Numbers, Malformed: s.Malformed, Note: s.Note,
	}, nil
}

// eraseNumbers erases what an order named. An order may name anything that was laid down: a
// list under a name, or one that a campaign reads, stays. That has its own end.
func (j *Journal) eraseNumbers(ctx context.Context, source, digest string) error {
	scope := contract.Scope(source)
	if newest, err := j.isNewest(ctx, scope, digest); err != nil || newest {
		return err
	}
	if err := j.ensurePeople(ctx); err != nil { // who reads what is written there
		return err
	}
	return people{j}.eraseUnread(ctx, campaign.Key{Source: scope}, digest)
}

// readNumbers hands over the numbers of an order in international format, and says how many
// lines are none.
func (j *Journal) readNumbers(ctx context.Context, source string, asks suppressionOrder, take func(string)) (malformed int64, err error) {
	a := asks.GetNumbers()
	in := j.Recipients(ctx, contract.Scope(source), audience.Sum{Digest: a.GetSha256(), Size: a.GetSize(), Chunks: int(a.GetChunks())})
	contacts := audience.FromList(in)
	if a.GetFormat() == campaignv1.Audience_FORMAT_PROTOBUF {
		contacts = audience.FromProtobuf(in, nil)
	}
	taken := 0
	for c, err := range contacts {
		if err != nil {
			return malformed, err
		}
		number, err := audience.Number(c.Number, asks.GetDefaultRegion())
		switch {
		case audience.Rounded(err):
			return malformed, &audience.Fault{Place: c.Place, What: err.Error()}
		case err != nil:
			malformed++
			continue
		}
		if taken++; taken > audience.Most {
			return malformed, &audience.Fault{What: fmt.Sprintf("it has more than %d numbers: lay them down in several lists", audience.Most)}
		}
		take(number)
	}
	return malformed, nil
}

// refused is why an order about numbers is never carried out; nil: something else is wrong,
// or nothing. Where the secret is lost the order is put aside too, but its numbers stay: it
// can be replayed once the secret is there again.
func refused(err error) *loop.Refusal {
	gap, isGap := errors.AsType[*audience.Gap](err)
	fault, isFault := errors.AsType[*audience.Fault](err)
	switch {
	case isGap:
		return &loop.Refusal{Field: "numbers", Note: gap.Error() + ": lay all of them down again, and then give the order"}
	case isFault:
		return &loop.Refusal{Field: "numbers", Note: fault.Error()}
	case errors.Is(err, suppression.ErrNoNumber):
		return &loop.Refusal{Field: "numbers", Note: "there is no phone number in it: write them in international form, as +393331234567, or say default_region"}
	}
	return nil
}
