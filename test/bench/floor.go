package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
	"google.golang.org/protobuf/proto"
)

// floor is what the promise costs before any code of ours: the gateway calls of
// BARE with the messages that the service exchanges with NATS around them, its two
// looks included, their bytes copied from a campaign that the service has served.
// Nothing is decided, encoded, checked or counted.
type floor struct {
	*bare
	nc       *nats.Conn
	js       jetstream.JetStream
	record   []byte
	quoted   *nats.Msg
	done     *nats.Msg
	requests string // the subject of its requests, without the id
}

// newFloor copies what the service wrote for the campaign of key.
func newFloor(ctx context.Context, a *asker, calls *bare, key string) (*floor, error) {
	f := &floor{bare: calls, nc: a.nc, js: a.js, requests: "campaign.v1.request.floor."}
	copied := func(stream, subject string) (*nats.Msg, error) {
		s, err := a.js.Stream(ctx, stream)
		if err != nil {
			return nil, err
		}
		m, err := s.GetLastMsgForSubject(ctx, subject)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", stream, subject, err)
		}
		return &nats.Msg{Header: m.Header, Data: m.Data}, nil
	}
	record, err := copied("KV_campaigns", "$KV.campaigns."+key)
	if err != nil {
		return nil, err
	}
	f.record = record.Data
	var err1, err2 error
	f.quoted, err1 = copied("CAMPAIGN_EVENTS", "campaign.v1.event."+key+".cost_calculated.1")
	f.done, err2 = copied("CAMPAIGN_EVENTS", "campaign.v1.event."+key+".confirmed.1")
	return f, errors.Join(err1, err2)
}

// rate confirms n campaigns, so many at once, from requests that are there, and
// returns campaigns a second between the first tenth and the last.
func (f *floor) rate(ctx context.Context, n, inFlight int) (float64, error) {
	consumer, err := f.js.CreateConsumer(ctx, "CAMPAIGN_REQUESTS", jetstream.ConsumerConfig{
		FilterSubject: f.requests + "*", AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: -1, AckWait: time.Minute})
	if err != nil {
		return 0, err
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(2 * inFlight))
	if err != nil {
		return 0, err
	}
	defer messages.Stop()
	var mu sync.Mutex
	var at []time.Time
	var failed atomic.Pointer[error]
	var workers sync.WaitGroup
	work := make(chan jetstream.Msg)
	for range inFlight {
		workers.Go(func() {
			for m := range work {
				if err := f.serve(ctx, m); err != nil {
					failed.Store(&err)
					continue
				}
				mu.Lock()
				at = append(at, time.Now())
				mu.Unlock()
			}
		})
	}
	for range n {
		m, err := messages.Next()
		if err != nil {
			failed.Store(&err)
		}
		if failed.Load() != nil {
			break
		}
		work <- m
	}
	close(work)
	workers.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return steady(at), nil
}

// serve is one campaign: the look for a record and the one for events, the save after
// create, the saved intent with its event, the confirm, the saved outcome with its event,
// the timer, the acknowledgement.
func (f *floor) serve(ctx context.Context, m jetstream.Msg) error {
	id := strings.TrimPrefix(m.Subject(), f.requests)
	subject := "$KV.campaigns.floor." + id
	var asked campaignv1.CampaignRequested
	if err := proto.Unmarshal(m.Data(), &asked); err != nil {
		return err
	}
	if err := f.look("KV_campaigns", subject); err != nil {
		return err
	}
	if err := f.look("CAMPAIGN_EVENTS", "campaign.v1.event.floor."+id+".>"); err != nil {
		return err
	}
	var rev uint64
	save := func() (err error) {
		rev, err = f.store(subject, nats.Header{}, f.record, rev)
		return err
	}
	event := func(m *nats.Msg, what string) error {
		h := nats.Header{}
		maps.Copy(h, m.Header)
		_, err := f.store("campaign.v1.event.floor."+id+"."+what+".1", h, m.Data, 0)
		return err
	}
	made, err := f.create(ctx)
	if err != nil {
		return err
	}
	if err := save(); err != nil {
		return err
	}
	if err := f.quote(ctx, made); err != nil {
		return err
	}
	if err := save(); err != nil {
		return err
	}
	if err := event(f.quoted, "cost_calculated"); err != nil {
		return err
	}
	if err := f.confirm(ctx, made); err != nil {
		return err
	}
	if err := save(); err != nil {
		return err
	}
	if err := event(f.done, "confirmed"); err != nil {
		return err
	}
	at := time.Now().Add(time.Hour).UTC().Format(time.RFC3339Nano)
	if _, err := f.store("campaign.v1.timer.floor."+id+".1", nats.Header{
		"Nats-Schedule": {"@at " + at}, "Nats-Schedule-Target": {"campaign.v1.wakeup.floor." + id}, "Nats-Schedule-TTL": {"6h"},
	}, nil, 0); err != nil {
		return err
	}
	return m.Ack()
}

// look asks a stream's leader for the last message of a subject, which is not there.
func (f *floor) look(stream, subject string) error {
	ask, err := json.Marshal(map[string]string{"last_by_subj": subject})
	if err != nil {
		return err
	}
	_, err = f.nc.Request("$JS.API.STREAM.MSG.GET."+stream, ask, time.Minute)
	return err
}

// store writes one message if its subject's last has the sequence last.
func (f *floor) store(subject string, h nats.Header, data []byte, last uint64) (uint64, error) {
	h[jetstream.ExpectedLastSubjSeqHeader] = []string{strconv.FormatUint(last, 10)}
	reply, err := f.nc.RequestMsg(&nats.Msg{Subject: subject, Header: h, Data: data}, time.Minute)
	if err != nil {
		return 0, err
	}
	var ack struct {
		Seq   uint64
		Error *jetstream.APIError
	}
	if err := json.Unmarshal(reply.Data, &ack); err != nil {
		return 0, err
	}
	if ack.Error != nil {
		return 0, fmt.Errorf("store %s: %w", subject, ack.Error)
	}
	return ack.Seq, nil
}
