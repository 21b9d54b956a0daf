package staffetta_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/staffetta-io/staffetta/proto/staffetta"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
	"github.com/staffetta-io/staffetta/proto/staffetta/internal/wire"
	"github.com/staffetta-io/staffetta/proto/staffetta/staffettatest"
)

// reader is a consumer of these tests.
func reader(workers int) staffetta.Consumer {
	return staffetta.Consumer{Name: "billing", Workers: workers, Log: slog.New(slog.DiscardHandler)}
}

// ask asks for campaigns by their request ids.
func ask(t *testing.T, client *staffetta.Client, ids ...string) {
	t.Helper()
	for _, id := range ids {
		m := blackFriday()
		m.RequestId = id
		if _, err := client.Request(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
}

var whole = []string{"cost_calculated", "confirmed", "stats", "stats"}

func TestAnEventThatFailsHoldsUpItsCampaignAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := staffettatest.New().Client()
		ask(t, client, "a", "b")
		ctx, stop := context.WithCancel(t.Context())
		began, failures := time.Now(), 0
		handled, ended := map[string][]string{}, map[string]time.Duration{}
		err := client.Consume(ctx, reader(0), staffetta.Handlers{Other: func(_ context.Context, e staffetta.Event) error {
			if e.RequestID == "a" && e.Type == "confirmed" && failures < 3 {
				failures++
				if e.Tries != failures {
					t.Errorf("try %d says %d", failures, e.Tries)
				}
				return errors.New("the database is away")
			}
			handled[e.RequestID] = append(handled[e.RequestID], e.Type)
			if e.Ends() {
				ended[e.RequestID] = time.Since(began)
			}
			if len(ended) == 2 {
				stop()
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"a", "b"} {
			if !slices.Equal(handled[id], whole) {
				t.Errorf("%s: %q", id, handled[id])
			}
		}
		if ended["b"] != 0 || ended["a"] != 7*time.Second { // 1 s, 2 s, 4 s
			t.Errorf("they ended after %s", ended)
		}
	})
}

func TestWhatWasNotHandledComesToTheNextRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := staffettatest.New()
		client := service.Client()
		ask(t, client, "a")
		run := func(until string, handle func(staffetta.Event) error) {
			t.Helper()
			ctx, stop := context.WithCancel(t.Context())
			err := client.Consume(ctx, reader(0), staffetta.Handlers{Other: func(_ context.Context, e staffetta.Event) error {
				err := handle(e)
				if e.ID == "shop-italia.a."+until {
					stop()
				}
				return err
			}})
			if err != nil {
				t.Fatal(err)
			}
		}
		run("confirmed.1", func(e staffetta.Event) error {
			if e.Type == "confirmed" {
				return errors.New("killed here")
			}
			return nil
		})
		var second []string
		run("stats.2", func(e staffetta.Event) error { second = append(second, e.Type); return nil })
		if !slices.Equal(second, whole[1:]) {
			t.Errorf("the second run handles %q", second)
		}
		service.Repeat()
		var ids []string
		run("stats.2", func(e staffetta.Event) error { ids = append(ids, fmt.Sprint(e.ID, " ", e.Tries > 1)); return nil })
		want := []string{"shop-italia.a.cost_calculated.1 true", "shop-italia.a.confirmed.1 true", "shop-italia.a.stats.1 true", "shop-italia.a.stats.2 true"}
		if !slices.Equal(ids, want) {
			t.Errorf("repeated: %q", ids)
		}
	})
}

func TestWorkersNeverHandleTwoEventsOfOneCampaign(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := staffettatest.New().Client()
		ask(t, client, "a", "b", "c", "d")
		ctx, stop := context.WithCancel(t.Context())
		var mu sync.Mutex
		busy, most, ended := map[string]int{}, 0, 0
		err := client.Consume(ctx, reader(3), staffetta.Handlers{Other: func(_ context.Context, e staffetta.Event) error {
			mu.Lock()
			busy[e.RequestID]++
			most = max(most, len(busy))
			if busy[e.RequestID] > 1 {
				t.Errorf("two events of %s at the same time", e.RequestID)
			}
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			defer mu.Unlock()
			delete(busy, e.RequestID)
			if e.Ends() {
				ended++
			}
			if ended == 4 {
				stop()
			}
			return nil
		}})
		if err != nil || most != 3 {
			t.Errorf("%d at the same time, want 3; %v", most, err)
		}
	})
}

// script is a connection that delivers what it is told to.
type script struct {
	wire.Conn
	deliveries []*scripted
}

type scripted struct {
	m                    wire.Msg
	after                time.Duration // how long it comes after the one before
	mu                   sync.Mutex
	acked, working, back int
}

func (s *script) Durable(context.Context, string, string) (wire.Durable, error) {
	return &scriptReader{left: s.deliveries}, nil
}

type scriptReader struct{ left []*scripted }

func (r *scriptReader) Wait() time.Duration { return 30 * time.Second }
func (r *scriptReader) Stop()               { r.left = nil }
func (r *scriptReader) Next(ctx context.Context) (wire.Delivery, error) {
	if len(r.left) == 0 {
		if ctx.Done() == nil {
			return nil, wire.ErrEnded
		}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	next := r.left[0]
	r.left = r.left[1:]
	time.Sleep(next.after)
	return next, nil
}

func (d *scripted) count(n *int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	*n++
	return nil
}

func (d *scripted) Msg() wire.Msg  { return d.m }
func (d *scripted) Ack() error     { return d.count(&d.acked) }
func (d *scripted) Working() error { return d.count(&d.working) }
func (d *scripted) Back() error    { return d.count(&d.back) }

// event is a delivery of an event of campaign a.
func event(t *testing.T, sequence uint64, id string, m proto.Message) *scripted {
	t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return &scripted{m: wire.Msg{
		Subject: "campaign.v1.event.shop-italia.a." + id, Data: data, Sequence: sequence, Tries: 1,
		Header: wire.Header{"Ce-Type": {string(m.ProtoReflect().Descriptor().FullName())}},
	}}
}

// play consumes what a script delivers until nothing happens any more.
func play(t *testing.T, handlers staffetta.Handlers, deliveries ...*scripted) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- staffetta.Over(&script{deliveries: deliveries}).Consume(ctx, reader(0), handlers) }()
	time.Sleep(time.Hour)
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestNATSIsToldThatALongHandlerIsAtWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, second := event(t, 1, "confirmed.1", &campaignv1.CampaignConfirmed{}), event(t, 2, "stats.1", &campaignv1.CampaignStats{})
		play(t, staffetta.Handlers{Confirmed: func(context.Context, staffetta.Event, *campaignv1.CampaignConfirmed) error {
			time.Sleep(95 * time.Second)
			return nil
		}}, first, second)
		for name, d := range map[string]*scripted{"the one that is handled": first, "the one that waits": second} {
			if d.working != 9 || d.acked != 1 { // every ten seconds of thirty
				t.Errorf("%s: told %d times, acknowledged %d times", name, d.working, d.acked)
			}
		}
	})
}

func TestAnEarlierEventThatComesLaterSaysSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got []string
		play(t, staffetta.Handlers{Other: func(_ context.Context, e staffetta.Event) error {
			got = append(got, fmt.Sprint(e.Type, " ", e.Late))
			time.Sleep(time.Second) // so that the others wait
			return nil
		}},
			event(t, 4, "confirmed.1", &campaignv1.CampaignConfirmed{}),
			event(t, 6, "stats.2", &campaignv1.CampaignStats{}),
			event(t, 5, "stats.1", &campaignv1.CampaignStats{}), // goes before the one that waits
			event(t, 3, "cost_calculated.1", &campaignv1.CampaignCostCalculated{}),
		)
		if want := []string{"confirmed false", "cost_calculated true", "stats false", "stats false"}; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

func TestAnEventWhoseAcknowledgementWasLostIsHandledOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		handled := 0
		first, again := event(t, 1, "confirmed.1", &campaignv1.CampaignConfirmed{}), event(t, 1, "confirmed.1", &campaignv1.CampaignConfirmed{})
		meanwhile := event(t, 1, "confirmed.1", &campaignv1.CampaignConfirmed{})
		last := event(t, 2, "stats.1", &campaignv1.CampaignStats{})
		play(t, staffetta.Handlers{
			Confirmed: func(context.Context, staffetta.Event, *campaignv1.CampaignConfirmed) error {
				handled++
				time.Sleep(time.Second)
				return nil
			},
		}, first, meanwhile, last)
		if handled != 1 || first.acked != 0 || meanwhile.acked != 1 {
			t.Errorf("handled %d times; acknowledged %d and %d times, want the last delivery", handled, first.acked, meanwhile.acked)
		}
		handled, again.after = 0, time.Minute
		play(t, staffetta.Handlers{
			Confirmed: func(context.Context, staffetta.Event, *campaignv1.CampaignConfirmed) error { handled++; return nil },
		}, first, last, again)
		if handled != 1 || again.acked != 1 {
			t.Errorf("handled %d times, the repetition acknowledged %d times", handled, again.acked)
		}
	})
}

func TestWhatNobodyKnowsGoesToOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		unknown := event(t, 1, "sent_by_pigeon.1", &campaignv1.CampaignConfirmed{})
		unknown.m.Header["Ce-Type"] = []string{"staffetta.campaign.v1.CampaignSentByPigeon"}
		broken := event(t, 2, "confirmed.1", &campaignv1.CampaignConfirmed{})
		broken.m.Data = []byte{0xff}
		var got []string
		play(t, staffetta.Handlers{Other: func(_ context.Context, e staffetta.Event) error {
			got = append(got, fmt.Sprint(e.Type, " ", e.Message == nil))
			return nil
		}}, unknown, broken)
		if !slices.Equal(got, []string{"sent_by_pigeon true"}) || unknown.acked != 1 || broken.acked != 1 {
			t.Errorf("%q; acknowledged %d and %d times", got, unknown.acked, broken.acked)
		}
	})
}

func TestWhatIsNotHandledIsGivenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, second := event(t, 1, "confirmed.1", &campaignv1.CampaignConfirmed{}), event(t, 2, "stats.1", &campaignv1.CampaignStats{})
		play(t, staffetta.Handlers{Confirmed: func(context.Context, staffetta.Event, *campaignv1.CampaignConfirmed) error {
			return errors.New("never")
		}}, first, second)
		if first.back != 1 || second.back != 1 || first.acked+second.acked != 0 {
			t.Errorf("given back %d and %d times, acknowledged %d and %d times", first.back, second.back, first.acked, second.acked)
		}
	})
}

// Every event of the contract about a campaign has a handler of its name, which is called.
func TestEveryEventHasItsHandler(t *testing.T) {
	t.Parallel()
	of := reflect.TypeFor[staffetta.Handlers]()
	files, seen := campaignv1.File_staffetta_campaign_v1_campaign_requested_proto.Package(), 0
	eachMessage(files, func(m protoreflect.MessageType) {
		name := string(m.Descriptor().Name())
		if m.Descriptor().Fields().ByName("campaign_id") == nil {
			return // a request, an order, an answer to one, a part of something
		}
		seen++
		name = strings.TrimPrefix(name, "Campaign")
		field, ok := of.FieldByName(name)
		if !ok {
			t.Errorf("no handler is called %s", name)
			return
		}
		synctest.Test(t, func(t *testing.T) {
			called := false
			var handlers staffetta.Handlers
			reflect.ValueOf(&handlers).Elem().FieldByIndex(field.Index).Set(reflect.MakeFunc(field.Type, func(args []reflect.Value) []reflect.Value {
				called = args[2].Type() == reflect.TypeOf(m.Zero().Interface())
				return []reflect.Value{reflect.Zero(reflect.TypeFor[error]())}
			}))
			play(t, handlers, event(t, 1, "it.1", m.New().Interface()))
			if !called {
				t.Errorf("%s is not called", name)
			}
		})
	})
	if seen < 10 || seen != of.NumField()-1 {
		t.Errorf("%d events, %d handlers and Other", seen, of.NumField()-1)
	}
}

func TestAConsumerNeedsAName(t *testing.T) {
	t.Parallel()
	if err := staffettatest.New().Client().Consume(t.Context(), staffetta.Consumer{}, staffetta.Handlers{}); err == nil || !strings.Contains(err.Error(), "Name") {
		t.Error(err)
	}
}
