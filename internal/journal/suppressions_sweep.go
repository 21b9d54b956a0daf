package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/streams"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// SweepSuppressions has the sweep of whoever has the turn look after the numbers that people
// lay down. It erases those of orders that were carried out so long ago that no power cut can
// take back what they became. And it carries out again what was answered and is not there: a
// power cut has taken the segment back, and left its answer. See [Journal.Sweep].
func (j *Journal) SweepSuppressions() {
	erased := map[string]bool{} // by order; only the sweep has it, and one runs at a time
	j.duties.add(duty{"suppressions", func(ctx context.Context, pause func() error) (done, error) {
		return done{}, j.sweepSuppressions(ctx, erased, pause)
	}, func(context.Context, done) error { return nil }})
}

func (j *Journal) sweepSuppressions(ctx context.Context, erased map[string]bool, pause func() error) error {
	segments, err := j.suppressed.Segments(ctx, "")
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, s := range segments {
		there[contract.AnswerTo(s.Order, s.Source, suppressionChanged)] = true
		if age := time.Since(s.Place.Stored); erased[s.Order] || age < j.options.PowerCut || age > streams.ChunkLife+j.options.PowerCut {
			continue
		}
		if err := j.eraseNumbers(ctx, s.Source, s.List); err != nil {
			return err
		}
		erased[s.Order] = true
		if err := pause(); err != nil {
			return err
		}
	}
	filter := contract.AnswerSubjects(suppressionChanged)
	for m, err := range streams.Walk(ctx, j.js, streams.Events, jetstream.ConsumerConfig{FilterSubject: filter}) {
		if err != nil {
			return err
		}
		if there[m.Subject()] {
			continue
		}
		var told campaignv1.SuppressionChanged
		if err := proto.Unmarshal(m.Data(), &told); err != nil {
			return fmt.Errorf("%s: %w", m.Subject(), err)
		}
		if err := j.suppressAgain(ctx, m.Subject(), &told); err != nil {
			j.options.Log.Error("numbers that were told to be suppressed, or allowed again, are not: a power cut has taken them back, and they are not there to do it again; say it once more with staffetta suppress",
				"source", contract.Scope(told.GetSource()), "at", told.GetAt().AsTime(), "by", told.GetBy(), "numbers", told.GetNumbers(), "order", told.GetCommand(), "error", err)
		}
	}
	return nil
}

// suppressionChanged is the type of what is told of orders about numbers.
var suppressionChanged = contract.AnswerType((*campaignv1.SuppressionChanged)(nil))

// suppressAgain carries out an order whose segment is lost, of the numbers as they were laid
// down.
func (j *Journal) suppressAgain(ctx context.Context, answer string, told *campaignv1.SuppressionChanged) error {
	m, err := streams.AskLeaderFor(ctx, j.nc, streams.Commands, told.GetCommand())
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return errors.New("the order is not in its stream any more")
	}
	if err != nil {
		return err
	}
	o, err := j.intake.ReadOrder(m.Subject, m.Header, m.Data)
	if err != nil {
		return err
	}
	o.Stream, o.Sequence, o.Stored = streams.Commands, m.Sequence, m.Time.UTC()
	if contract.AnswerSubject(o, suppressionChanged) != answer {
		return errors.New("another order is in its place")
	}
	_, err = j.ObeySuppression(ctx, o)
	if err == nil {
		j.options.Log.Warn("what was suppressed was lost, and is suppressed again", "source", contract.Scope(o.Source), "by", o.By, "order", o.Sequence)
	}
	return err
}
