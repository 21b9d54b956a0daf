package staffettatest

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/staffetta-io/staffetta/proto/staffetta"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
	"github.com/staffetta-io/staffetta/proto/staffetta/internal/wire"
)

// Subjects of the contract.
const (
	requestPrefix  = "campaign.v1.request."
	audiencePrefix = "campaign.v1.audience."
	eventPrefix    = "campaign.v1.event."
	queryPrefix    = "staffetta.query."
)

// Service is the service and its streams in memory. It is safe for concurrent use, and in
// a bubble of testing/synctest its times are the bubble's.
type Service struct {
	mu        sync.Mutex // guards what follows
	changed   chan struct{}
	down      bool
	ends      Ending
	endsOf    map[string]Ending // by key
	answers   map[string]any    // by verb
	stored    uint64            // how many requests and chunks were stored
	chunks    map[string]bool   // of recipients, by subject
	waiting   []wire.Msg        // requests that came while it was down
	campaigns map[string]*asked // by key
	events    []wire.Msg        // the stream: the sequence of each is its place, from 1
	letters   []letter
	readers   map[string]*reader // by name
}

// asked is a campaign that was asked for.
type asked struct {
	request *campaignv1.CampaignRequested
	events  []wire.Msg
	ended   Ending
}

// letter is a dead letter.
type letter struct {
	staffetta.Letter
	key string
}

// New returns a service at which every campaign ends as [Completed].
func New() *Service {
	return &Service{
		changed: make(chan struct{}), ends: Completed, endsOf: map[string]Ending{}, answers: map[string]any{},
		campaigns: map[string]*asked{}, chunks: map[string]bool{}, readers: map[string]*reader{},
	}
}

// Client is a client of this service: the real one, over no network.
func (s *Service) Client() *staffetta.Client { return staffetta.Over(ConnOf(s)) }

// ConnOf is a connection to a service, for tests of the client itself.
func ConnOf(s *Service) wire.Conn { return conn{s} }

// Ends makes the campaigns that are asked for from now on end in this way.
func (s *Service) Ends(e Ending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends = e
}

// EndsFor makes one campaign end in this way, once it is asked for.
func (s *Service) EndsFor(source, requestID string, e Ending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endsOf[source+"."+requestID] = e
}

// Answer sets what a question that this package does not answer by itself is answered, by
// its verb: why, budget …. The value is written as JSON.
func (s *Service) Answer(verb string, answer any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[verb] = answer
}

// Stop has the service answer and tell nothing, until [Service.Start]. What is asked for
// meanwhile is stored.
func (s *Service) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = true
}

// Start has a stopped service go on.
func (s *Service) Start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = false
	for _, m := range s.waiting {
		s.handle(m)
	}
	s.waiting = nil
	s.tell()
}

// Repeat hands every event to every durable reader once more, as NATS does when it did not
// hear the acknowledgements: a handler that is right does nothing twice.
func (s *Service) Repeat() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.readers {
		r.next, r.again = 0, nil
		r.round++
	}
	s.tell()
}

// tell wakes whoever waits.
func (s *Service) tell() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// handle acts on a request that was stored.
func (s *Service) handle(m wire.Msg) {
	key := strings.TrimPrefix(m.Subject, requestPrefix)
	var request campaignv1.CampaignRequested
	switch err := proto.Unmarshal(m.Data, &request); {
	case err != nil:
		s.bury(key, "not_protobuf", nil, err.Error())
		return
	case request.GetSource()+"."+request.GetRequestId() != key:
		s.bury(key, "mismatch", []string{"source", "request_id"}, "subject and message name two campaigns")
		return
	}
	if err := staffetta.Validate(&request); err != nil {
		s.bury(key, "invalid", nil, err.Error())
		return
	}
	if before := s.campaigns[key]; before != nil {
		if fields := differs(before.request, &request); len(fields) > 0 {
			s.bury(key, "conflict", fields, "another request of this name was accepted before, and stands")
		}
		return
	}
	e, set := s.endsOf[key]
	if !set {
		e = s.ends
	}
	if e == DeadLetter {
		s.bury(key, "invalid", []string{"text"}, "a rule of the service that the sender did not know")
		return
	}
	events, err := e.tell(&request, m.Header, time.Now().UTC())
	if err != nil {
		panic("staffettatest: " + err.Error()) // the ending is none
	}
	for i := range events {
		events[i].Sequence = uint64(len(s.events) + i + 1)
	}
	s.events = append(s.events, events...)
	s.campaigns[key] = &asked{&request, events, e}
}

func (s *Service) bury(key, reason string, fields []string, note string) {
	s.letters = append(s.letters, letter{staffetta.Letter{
		ID: uint64(len(s.letters) + 1), Buried: time.Now().UTC(), Reason: reason, Fields: fields, Note: note,
	}, key})
}

// differs are the fields in which a request is another one, in the order of the contract.
func differs(one, other *campaignv1.CampaignRequested) (fields []string) {
	a, b := one.ProtoReflect(), other.ProtoReflect()
	for i := range a.Descriptor().Fields().Len() {
		f := a.Descriptor().Fields().Get(i)
		if f.Name() == "immediately" || same(f, a, b) { // at says it
			continue
		}
		fields = append(fields, string(f.Name()))
	}
	return fields
}

func same(f protoreflect.FieldDescriptor, a, b protoreflect.Message) bool {
	va, vb := a.Get(f), b.Get(f)
	switch {
	case f.Enum() != nil:
		return max(va.Enum(), 1) == max(vb.Enum(), 1) // not to say it is to take the first
	case f.Message() != nil && f.Message().Name() == "Audience" && a.Has(f) && b.Has(f):
		ma, mb := va.Message().Interface().(*campaignv1.Audience), vb.Message().Interface().(*campaignv1.Audience)
		return ma.GetSha256() == mb.GetSha256() && ma.GetSize() == mb.GetSize() && ma.GetChunks() == mb.GetChunks() &&
			max(ma.GetFormat(), campaignv1.Audience_FORMAT_CSV) == max(mb.GetFormat(), campaignv1.Audience_FORMAT_CSV)
	case f.Message() != nil && f.Message().Name() == "Money" && a.Has(f) && b.Has(f):
		ma, mb := va.Message().Interface().(*campaignv1.Money), vb.Message().Interface().(*campaignv1.Money)
		ra, _ := new(big.Rat).SetString(ma.GetAmount())
		rb, _ := new(big.Rat).SetString(mb.GetAmount())
		return ra.Cmp(rb) == 0 && ma.GetCurrency() == mb.GetCurrency()
	}
	return a.Has(f) == b.Has(f) && va.Equal(vb)
}

// conn is a connection to the service.
type conn struct{ s *Service }

func (c conn) Store(_ context.Context, subject string, h wire.Header, data []byte) (uint64, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.HasPrefix(subject, audiencePrefix) {
		if s.chunks[subject] {
			return 0, wire.ErrExists
		}
		s.chunks[subject] = true
		s.stored++
		return s.stored, nil
	}
	if !strings.HasPrefix(subject, requestPrefix) {
		return 0, fmt.Errorf("no stream takes %s", subject)
	}
	s.stored++
	m := wire.Msg{Subject: subject, Header: h, Data: data, Sequence: s.stored}
	if s.down {
		s.waiting = append(s.waiting, m)
		return s.stored, nil
	}
	s.handle(m)
	s.tell()
	return s.stored, nil
}

func (c conn) Ask(_ context.Context, subject string, question []byte) (wire.Header, []byte, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return nil, nil, wire.ErrNobody
	}
	var q struct {
		Key     string          `json:"key"`
		Request json.RawMessage `json:"request"`
	}
	if err := json.Unmarshal(question, &q); err != nil {
		return refused("bad_question", "", err.Error())
	}
	verb := strings.TrimPrefix(subject, queryPrefix)
	if answer, set := s.answers[verb]; set {
		return answered(answer)
	}
	switch verb {
	case "get":
		return s.get(q.Key, q.Request)
	case "events":
		return s.told(q.Key)
	case "dlq":
		all := []staffetta.Letter{}
		for _, l := range s.letters {
			if l.key == q.Key {
				all = append(all, l.Letter)
			}
		}
		return answered(map[string]any{"letters": all})
	}
	return refused("failed", "", "the test has set no answer to "+verb+": set one with Service.Answer")
}

func (s *Service) get(key string, request []byte) (wire.Header, []byte, error) {
	c := s.campaigns[key]
	if c == nil {
		return refused("not_found", "key", key+": there is no record of this campaign")
	}
	answer := map[string]any{"key": key, "record": map[string]any{"state": state(c.events)}}
	if len(request) > 0 {
		var m campaignv1.CampaignRequested
		if err := protojson.Unmarshal(request, &m); err != nil {
			return refused("bad_question", "request", err.Error())
		}
		answer["state"], answer["known"] = state(c.events), "known"
		if fields := differs(c.request, &m); len(fields) > 0 {
			answer["known"], answer["differs"] = "conflict", fields
		}
	}
	return answered(answer)
}

func (s *Service) told(key string) (wire.Header, []byte, error) {
	all := []map[string]any{}
	for _, m := range s.events {
		if wire.Get(m.Header, "ce-subject") != key {
			continue
		}
		kind, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(wire.Get(m.Header, "ce-type")))
		if err != nil {
			return nil, nil, err
		}
		body := kind.New().Interface()
		if err := proto.Unmarshal(m.Data, body); err != nil {
			return nil, nil, err
		}
		data, err := protojson.Marshal(body)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, map[string]any{
			"id": wire.Get(m.Header, "ce-id"), "type": wire.Get(m.Header, "ce-type"), "time": wire.Get(m.Header, "ce-time"),
			"gateway": wire.Get(m.Header, "ce-gateway"), "traceparent": wire.Get(m.Header, "traceparent"), "tracestate": wire.Get(m.Header, "tracestate"),
			"sequence": m.Sequence, "data": json.RawMessage(data),
		})
	}
	return answered(map[string]any{"events": all})
}

func answered(v any) (wire.Header, []byte, error) {
	data, err := json.Marshal(v)
	return wire.Header{}, data, err
}

func refused(code, field, text string) (wire.Header, []byte, error) {
	_, data, err := answered(map[string]any{"error": staffetta.QueryError{Code: code, Field: field, Text: text}})
	return wire.Header{"Nats-Service-Error": {text}}, data, err
}

// matches says whether a subject is what a filter that ends in > chooses.
func matches(subject, filter string) bool {
	return strings.HasPrefix(subject, strings.TrimSuffix(filter, ">"))
}

// live hears what is told from now on.
type live struct {
	s      *Service
	filter string
	next   int // place in the stream
}

func (c conn) Listen(_ context.Context, subject string) (wire.Live, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return &live{c.s, subject, len(c.s.events)}, nil
}

func (l *live) Next(ctx context.Context) (wire.Msg, error) {
	for {
		l.s.mu.Lock()
		changed := l.s.changed
		for l.next < len(l.s.events) {
			m := l.s.events[l.next]
			l.next++
			if matches(m.Subject, l.filter) {
				l.s.mu.Unlock()
				m.Sequence, m.Stored = 0, time.Time{}
				return m, nil
			}
		}
		l.s.mu.Unlock()
		select {
		case <-ctx.Done():
			return wire.Msg{}, ctx.Err()
		case <-changed:
		}
	}
}

func (l *live) Stop() {}

// reader is what is remembered under a durable name. It is guarded by the service's mu.
type reader struct {
	s      *Service
	filter string
	next   int   // place in the stream of what was never delivered
	again  []int // places that were given back
	tries  map[int]int
	open   map[int]int // places delivered and not acknowledged, and in which round
	round  int         // counts Repeat
}

func (c conn) Durable(_ context.Context, name, filter string) (wire.Durable, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.readers[name]
	if r == nil {
		r = &reader{s: s, filter: filter, tries: map[int]int{}, open: map[int]int{}}
		s.readers[name] = r
	}
	return &reading{reader: r}, nil
}

// reading is one program that reads under the name.
type reading struct {
	*reader
	stopped bool
	taken   []int // by this program; what it neither acknowledged nor gave back comes again
}

func (r *reading) Wait() time.Duration { return 30 * time.Second }

func (r *reading) Stop() {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.stopped = true
	for _, place := range r.taken {
		if _, open := r.open[place]; open {
			delete(r.open, place)
			r.again = append(r.again, place)
		}
	}
}

func (r *reading) Next(ctx context.Context) (wire.Delivery, error) {
	for {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		r.s.mu.Lock()
		changed := r.s.changed
		if r.stopped {
			r.s.mu.Unlock()
			return nil, wire.ErrEnded
		}
		if place, found := r.choose(); found {
			r.tries[place]++
			r.open[place] = r.round
			r.taken = append(r.taken, place)
			m := r.s.events[place]
			m.Tries = r.tries[place]
			r.s.mu.Unlock()
			return delivery{r.reader, place, r.round, m}, nil
		}
		r.s.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-changed:
		}
	}
}

// choose is the place of the next event: one that was given back first.
func (r *reading) choose() (int, bool) {
	if len(r.again) > 0 {
		place := r.again[0]
		r.again = r.again[1:]
		return place, true
	}
	for r.next < len(r.s.events) {
		r.next++
		if matches(r.s.events[r.next-1].Subject, r.filter) {
			return r.next - 1, true
		}
	}
	return 0, false
}

// delivery is one event on its way.
type delivery struct {
	r     *reader
	place int
	round int
	m     wire.Msg
}

func (d delivery) Msg() wire.Msg  { return d.m }
func (d delivery) Working() error { return nil }

func (d delivery) Ack() error {
	d.r.s.mu.Lock()
	defer d.r.s.mu.Unlock()
	if d.r.open[d.place] == d.round {
		delete(d.r.open, d.place)
	}
	return nil
}

func (d delivery) Back() error {
	d.r.s.mu.Lock()
	defer d.r.s.mu.Unlock()
	if round, open := d.r.open[d.place]; open && round == d.round {
		delete(d.r.open, d.place)
		d.r.again = append(d.r.again, d.place)
		d.r.s.tell()
	}
	return nil
}
