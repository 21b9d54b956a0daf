package staffetta_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/staffetta-io/staffetta/proto/staffetta"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
	"github.com/staffetta-io/staffetta/proto/staffetta/internal/wire"
	"github.com/staffetta-io/staffetta/proto/staffetta/staffettatest"
)

// eachMessage calls do for each message of a package, not for those inside others.
func eachMessage(pkg protoreflect.FullName, do func(protoreflect.MessageType)) {
	protoregistry.GlobalFiles.RangeFilesByPackage(pkg, func(f protoreflect.FileDescriptor) bool {
		for i := range f.Messages().Len() {
			if m, err := protoregistry.GlobalTypes.FindMessageByName(f.Messages().Get(i).FullName()); err == nil {
				do(m)
			}
		}
		return true
	})
}

// Whoever asks while the service is down is told that nobody knows, and its request waits.
func TestARequestWaitsForTheService(t *testing.T) {
	t.Parallel()
	service := staffettatest.New()
	client := service.Client()
	service.Stop()
	placed, err := client.Request(t.Context(), blackFriday())
	if err != nil || placed.Known != staffetta.Unseen || !staffetta.IsCode(placed.Unasked, staffetta.NoAnswer) || placed.Sequence == 0 {
		t.Fatalf("%+v, %v", placed, err)
	}
	service.Start()
	placed, err = client.Request(t.Context(), blackFriday())
	if err != nil || placed.Known != staffetta.AskedBefore || placed.State != "completed" || placed.Unasked != nil {
		t.Errorf("%+v, %v", placed, err)
	}
}

// A request whose instant is over is refused if it is new, and harmless if it was made.
func TestOnlyANewRequestCanBeHopeless(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := staffettatest.New().Client()
		time.Sleep(30 * 365 * 24 * time.Hour) // a bubble begins in 2000
		m := blackFriday()
		m.Start = &campaignv1.CampaignRequested_At{At: timestamppb.New(time.Now().Add(time.Hour))}
		m.ExpiresAt = timestamppb.New(time.Now().Add(2 * time.Hour))
		if _, err := client.Request(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		time.Sleep(48 * time.Hour)
		if placed, err := client.Request(t.Context(), m); err != nil || placed.Known != staffetta.AskedBefore {
			t.Errorf("the same again: %+v, %v", placed, err)
		}
		m.RequestId = "another"
		var invalid *staffetta.Invalid
		if _, err := client.Request(t.Context(), m); !errors.As(err, &invalid) || len(invalid.Faults) != 2 || invalid.Faults[0].Field != "at" || invalid.Faults[1].Field != "expires_at" {
			t.Errorf("a new one: %v", err)
		}
		m.OnLate, m.ExpiresAt = campaignv1.OnLimit_ON_LIMIT_ASK, nil
		if _, err := client.Request(t.Context(), m); err != nil {
			t.Errorf("one that asks when it is late: %v", err)
		}
		m.RequestId, m.OnLate, m.MaxLateness = "third", campaignv1.OnLimit_ON_LIMIT_UNSPECIFIED, durationpb.New(72*time.Hour)
		if _, err := client.Request(t.Context(), m); err != nil {
			t.Errorf("one that may be late: %v", err)
		}
	})
}

func TestTheTraceIsInEveryEvent(t *testing.T) {
	t.Parallel()
	const trace, state = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "congo=t61rcWkgMzE"
	client := staffettatest.New().Client()
	if _, err := client.Request(t.Context(), blackFriday(), staffetta.TraceParent(trace), staffetta.TraceState(state)); err != nil {
		t.Fatal(err)
	}
	n := 0
	for e, err := range client.Watch(t.Context(), "shop-italia", "black-friday-2026") {
		if n++; err != nil || e.TraceParent != trace || e.TraceState != state {
			t.Errorf("%s: %q and %q, %v", e.ID, e.TraceParent, e.TraceState, err)
		}
	}
	if n != 4 {
		t.Errorf("%d events", n)
	}
}

// A watch may begin before there is a service, and before the campaign is asked for.
func TestAWatchWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := staffettatest.New()
		client := service.Client()
		service.Stop()
		var got []string
		done := make(chan error)
		go func() {
			for e, err := range client.Watch(t.Context(), "shop-italia", "black-friday-2026") {
				if err != nil {
					done <- err
					return
				}
				got = append(got, e.Type)
			}
			done <- nil
		}()
		time.Sleep(10 * time.Second)
		service.Start()
		time.Sleep(10 * time.Second)
		ask(t, client, "another", "black-friday-2026")
		if err := <-done; err != nil || !slices.Equal(got, whole) {
			t.Errorf("%q, %v", got, err)
		}
	})
}

func TestAWatchEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	for e, err := range staffettatest.New().Client().Watch(ctx, "shop-italia", "black-friday-2026") {
		t.Errorf("%v, %v", e, err)
	}
}

// deaf is a connection that loses what it hears, and says that it may have lost something.
type deaf struct{ wire.Conn }

type deafLive struct{ wire.Live }

func (c deaf) Listen(ctx context.Context, subject string) (wire.Live, error) {
	l, err := c.Conn.Listen(ctx, subject)
	return deafLive{l}, err
}

func (l deafLive) Next(ctx context.Context) (wire.Msg, error) {
	if _, err := l.Live.Next(ctx); err != nil {
		return wire.Msg{}, err
	}
	return wire.Msg{}, wire.ErrGap
}

func TestAWatchMissesNothingWhenItsConnectionIsLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := staffettatest.New()
		client := staffetta.Over(deaf{staffettatest.ConnOf(service)})
		var got []string
		done := make(chan error)
		go func() {
			for e, err := range client.Watch(t.Context(), "shop-italia", "black-friday-2026") {
				if err != nil {
					done <- err
					return
				}
				got = append(got, e.Type)
			}
			done <- nil
		}()
		synctest.Wait()
		ask(t, service.Client(), "black-friday-2026")
		if err := <-done; err != nil || !slices.Equal(got, whole) {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// early has a campaign asked for as soon as somebody listens.
type early struct {
	wire.Conn
	ask func()
}

func (c early) Listen(ctx context.Context, subject string) (wire.Live, error) {
	l, err := c.Conn.Listen(ctx, subject)
	c.ask()
	return l, err
}

// What is told between the listening and the question is heard and answered.
func TestAWatchYieldsEachEventOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := staffettatest.New()
		service.Ends(staffettatest.Unresolved)
		client := staffetta.Over(early{staffettatest.ConnOf(service), func() { ask(t, service.Client(), "black-friday-2026") }})
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		var got []string
		for e, err := range client.Watch(ctx, "shop-italia", "black-friday-2026") {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e.Type)
		}
		if want := []string{"cost_calculated", "unresolved"}; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

// busy has no room for the first questions.
type busy struct {
	wire.Conn
	left int
}

func (c *busy) Ask(ctx context.Context, subject string, question []byte) (wire.Header, []byte, error) {
	if c.left--; c.left >= 0 {
		return wire.Header{"Nats-Service-Error": {"full"}}, []byte(`{"error":{"code":"too_many","text":"too many questions"}}`), nil
	}
	return c.Conn.Ask(ctx, subject, question)
}

func TestAQuestionIsAskedAgainWhereThereIsNoRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := staffettatest.New()
		service.Answer("health", map[string]bool{"ready": true})
		var answer struct{ Ready bool }
		if err := staffetta.Over(&busy{staffettatest.ConnOf(service), 5}).Query(t.Context(), "health", nil, &answer); err != nil || !answer.Ready {
			t.Errorf("%+v, %v", answer, err)
		}
		if err := staffetta.Over(&busy{staffettatest.ConnOf(service), 6}).Query(t.Context(), "health", nil, &answer); !staffetta.IsCode(err, "too_many") || !strings.Contains(err.Error(), "too many questions") {
			t.Error(err)
		}
	})
}
