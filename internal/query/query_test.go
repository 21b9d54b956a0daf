package query_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/why"
)

// reader answers as the test tells it. What real streams answer is tested in package
// app, with the contract of [query.Reader].
type reader struct {
	query.Reader
	list func(context.Context, query.ListAsk) (query.Campaigns, error)
	why  func(context.Context, query.WhyAsk) (why.Story, error)
}

func (r reader) List(ctx context.Context, a query.ListAsk) (query.Campaigns, error) {
	return r.list(ctx, a)
}
func (r reader) Why(ctx context.Context, a query.WhyAsk) (why.Story, error) { return r.why(ctx, a) }

// serve answers with a reader, and returns a connection for the asker.
func serve(t *testing.T, r query.Reader) (*query.Service, *nats.Conn) {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoLog: true, NoSigs: true, MaxPayload: 512 << 10})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	connect := func() *nats.Conn {
		nc, err := nats.Connect(s.ClientURL())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		return nc
	}
	service, err := query.Serve(connect(), query.Options{Reader: r, Health: func() query.Health { return query.Health{Ready: true} }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := service.Stop(); err != nil {
			t.Error(err)
		}
	})
	return service, connect()
}

// via is an asker on a connection.
type via struct{ *nats.Conn }

func (v via) Ask(ctx context.Context, subject string, data []byte) (*nats.Msg, error) {
	return v.RequestWithContext(ctx, subject, data)
}

func refusal(t *testing.T, nc *nats.Conn, subject, question string) query.Error {
	t.Helper()
	m, err := nc.Request(subject, []byte(question), 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	var said struct{ Error query.Error }
	if err := json.Unmarshal(m.Data, &said); err != nil {
		t.Fatalf("%s: %v", m.Data, err)
	}
	return said.Error
}

// The answer to a bad question names the field at fault, and what to do.
func TestBadQuestions(t *testing.T) {
	t.Parallel()
	_, nc := serve(t, reader{})
	for question, want := range map[string]query.Error{
		`why {"kye":"shop-italia.bf"}`:                 {Field: "kye", Text: `"kye" is no field of this question: it has key, zone`},
		`why {"key":17}`:                               {Field: "key", Text: "key is 17: want a text"},
		`why {"key":"shop-italia"}`:                    {Field: "key", Text: `key "shop-italia": want <source>.<request id>, for example shop-italia.bf-2026`},
		`why {"key":"shop-italia.bf","zone":"Local"}`:  {Field: "zone", Text: `zone "Local" is none: want UTC, or a name as Europe/Rome`},
		`why shop-italia.bf`:                           {Text: `the question is no JSON object: want one JSON object, as {"key":"shop-italia.black-friday-2026"}`},
		`why {"key":"shop-italia.bf"} {}`:              {Text: `the question goes on behind its end: want one JSON object, as {"key":"shop-italia.black-friday-2026"}`},
		`why `:                                         {Field: "key", Text: `key "": want <source>.<request id>, for example shop-italia.bf-2026`},
		`list {"older_than":"a week"}`:                 {Field: "older_than", Text: `older_than is "a week": want a duration, as 90s, 15m or 24h`},
		`list {"since":"yesterday"}`:                   {Field: "since", Text: `since is "yesterday": want an instant, as 2026-11-27T08:00:00+01:00`},
		`list {"limit":1.5}`:                           {Field: "limit", Text: "limit is 1.5: want a whole number"},
		`list {"states":["open",7]}`:                   {Field: "states", Text: `states is ["open",7]: want a list of texts`},
		`list ["open"]`:                                {Text: `the question is no JSON object: want one JSON object, as {"key":"shop-italia.black-friday-2026"}`},
		`budget {"sorce":"acqua-luce"}`:                {Field: "sorce", Text: `"sorce" is no field of this question, did you mean "source"? it has source, on, after, limit`},
		`list null`:                                    {Text: `the question is no JSON object: want one JSON object, as {"key":"shop-italia.black-friday-2026"}`},
		`list {"limit":-1}`:                            {Field: "limit", Text: "limit -1: want 1 to 2500"},
		`list {"waiting":"yes"}`:                       {Field: "waiting", Text: `waiting is "yes": want true or false`},
		`list {"states":"open"}`:                       {Field: "states", Text: `states is "open": want a list of texts`},
		`list {"after":"x"}`:                           {Field: "after", Text: `after "x": want what the page before said is next`},
		`check {}`:                                     {Field: "request", Text: "request: want a CampaignRequested in JSON"},
		`check {"price":"yes"}`:                        {Field: "price", Text: `price is "yes": want true or false`},
		`check {"key":"x"}`:                            {Field: "key", Text: `"key" is no field of this question: it has request, price`},
		`health {"please":true}`:                       {Field: "please", Text: `"please" is no field of this question: it has none`},
		`budget {"on":"27/11/2026"}`:                   {Field: "on", Text: `on "27/11/2026" is no day: write 2026-11-27`},
		`schedules {"key":"monday"}`:                   {Field: "key", Text: `schedule "monday": want <source>.<schedule id>, for example studio-bianchi.monday-reminder`},
		`list.shop-italia {"source":"shop-italia.bf"}`: {Field: "source", Text: `source "shop-italia.bf": want a source alone, as shop-italia`},
		`list.é {}`:                                    {Field: "source", Text: `source "é": want a source alone, as shop-italia`},
	} {
		verb, data, _ := strings.Cut(question, " ")
		want.Code = query.BadQuestion
		if got := refusal(t, nc, "staffetta.query."+verb, data); got != want {
			t.Errorf("%s\n got %+v\nwant %+v", question, got, want)
		}
	}
}

// An error of the streams is an answer too, with a code for programs.
func TestWhatCannotBeAnswered(t *testing.T) {
	t.Parallel()
	_, nc := serve(t, reader{
		list: func(context.Context, query.ListAsk) (query.Campaigns, error) {
			return query.Campaigns{Campaigns: []query.Campaign{{Waiting: strings.Repeat("x", 600<<10)}}}, nil
		},
		why: func(context.Context, query.WhyAsk) (why.Story, error) {
			return why.Story{}, errors.New("read KV_campaigns:\nno leader")
		},
	})
	if got := refusal(t, nc, "staffetta.query.list", ""); got.Code != query.TooLarge || !strings.Contains(got.Text, "raise its max_payload") {
		t.Errorf("too large: %+v", got)
	}
	if got := refusal(t, nc, "staffetta.query.why", `{"key":"shop-italia.bf"}`); got.Code != query.Failed || got.Text != "read KV_campaigns:\nno leader" {
		t.Errorf("failed: %+v", got)
	}
}

// A source that asks too much is told to wait, and does not slow down others. The
// asking program waits and asks again by itself.
func TestNobodyCrowdsOutOthers(t *testing.T) {
	t.Parallel()
	begun, answer := make(chan struct{}, 100), make(chan struct{})
	_, nc := serve(t, reader{list: func(ctx context.Context, a query.ListAsk) (query.Campaigns, error) {
		begun <- struct{}{}
		select {
		case <-answer:
		case <-ctx.Done():
		}
		return query.Campaigns{}, ctx.Err()
	}})
	var asked sync.WaitGroup
	defer asked.Wait()
	answered := sync.OnceFunc(func() { close(answer) })
	defer answered()
	hold := func(subject string, n int) {
		for range n {
			asked.Go(func() {
				if m, err := nc.Request(subject, nil, 20*time.Second); err != nil || strings.Contains(string(m.Data), "error") {
					t.Errorf("%s: %v, %v", subject, m, err)
				}
			})
		}
		for range n {
			select {
			case <-begun:
			case <-time.After(20 * time.Second):
				t.Fatalf("not all of %d questions to %s are in hand", n, subject)
			}
		}
	}
	hold("staffetta.query.list.shop-italia", 4)
	if got := refusal(t, nc, "staffetta.query.list.shop-italia", ""); got.Code != query.TooMany {
		t.Errorf("the fifth of one source: %+v", got)
	}
	hold("staffetta.query.list.acqualuce-billing", 4)
	hold("staffetta.query.list.studio-bianchi", 4)
	if got := refusal(t, nc, "staffetta.query.list.palestra", ""); got.Code != query.TooMany {
		t.Errorf("the thirteenth of all sources: %+v", got)
	}
	hold("staffetta.query.list", 12)
	if got := refusal(t, nc, "staffetta.query.list", ""); got.Code != query.TooMany {
		t.Errorf("the thirteenth of people: %+v", got)
	}
	// There is room again while the program waits.
	told := make(chan struct{}, 10)
	asked.Go(func() {
		_, err := query.Asking(counting{via{nc}, told}).List(t.Context(), query.ListAsk{})
		if err != nil {
			t.Errorf("asked again: %v", err)
		}
	})
	<-told
	answered()
}

// counting reports each question.
type counting struct {
	query.Asker
	told chan<- struct{}
}

func (c counting) Ask(ctx context.Context, subject string, data []byte) (*nats.Msg, error) {
	m, err := c.Asker.Ask(ctx, subject, data)
	c.told <- struct{}{}
	return m, err
}

// A question that is being answered when the service ends gets its answer, and another
// service may be asked.
func TestStopAnswersWhatIsInHand(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{})
	service, nc := serve(t, reader{list: func(ctx context.Context, a query.ListAsk) (query.Campaigns, error) {
		close(begun)
		<-ctx.Done()
		return query.Campaigns{}, ctx.Err()
	}})
	var asked sync.WaitGroup
	asked.Go(func() {
		if got := refusal(t, nc, "staffetta.query.list", ""); got.Code != query.Closing {
			t.Errorf("got %+v", got)
		}
	})
	<-begun
	if err := service.Stop(); err != nil {
		t.Error(err)
	}
	asked.Wait()
	if _, err := nc.Request("staffetta.query.list", nil, 20*time.Second); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("after it: %v", err)
	}
}

// If the service has no answer, the streams are read. If it has one, that counts.
func TestEither(t *testing.T) {
	t.Parallel()
	says := func(err error) (r reader, asked *int) {
		asked = new(int)
		return reader{list: func(context.Context, query.ListAsk) (query.Campaigns, error) {
			*asked++
			return query.Campaigns{Next: fmt.Sprint(err)}, err
		}}, asked
	}
	for _, code := range []query.Code{query.BadQuestion, query.NotYours, query.NotFound} {
		service, _ := says(&query.Error{Code: code, Text: "so it is"})
		streams, read := says(nil)
		if _, err := query.Either(service, streams).List(t.Context(), query.ListAsk{}); !query.Is(err, code) || *read != 0 {
			t.Errorf("%s: %v, and the streams were read %d times", code, err, *read)
		}
	}
	for _, code := range []query.Code{query.TooLarge, query.TooMany, query.Failed, query.TooSlow, query.Closing, query.NoAnswer} {
		service, asked := says(&query.Error{Code: code, Text: "no answer"})
		streams, _ := says(nil)
		either := query.Either(service, streams)
		for range 2 {
			if _, err := either.List(t.Context(), query.ListAsk{}); err != nil {
				t.Errorf("%s: %v", code, err)
			}
		}
		if want := map[bool]int{true: 1, false: 2}[code == query.NoAnswer]; *asked != want {
			t.Errorf("%s: the service was asked %d times, want %d", code, *asked, want)
		}
		denied, _ := says(errors.New("this user may not read"))
		if _, err := query.Either(service, denied).List(t.Context(), query.ListAsk{}); err == nil || err.Error() != "this user may not read; nor could the service be asked: no answer" {
			t.Errorf("%s, and no right: %v", code, err)
		}
	}
}

// A page ends when it would not fit into a message, or has looked at enough. The next
// one goes on from there.
func TestPager(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 100<<10)
	p := query.NewPager[string](query.Page{After: "3"}, query.OneMessage)
	for i := 4; p.Take(large, fmt.Sprint(i)); i++ {
	}
	if len(p.Items) != 3 || p.Next != "6" {
		t.Errorf("%d of 100 KiB, then %q; want 3 and 6", len(p.Items), p.Next)
	}
	p = query.NewPager[string](query.Page{}, query.OneMessage)
	if !p.Take(strings.Repeat(large, 6), "1") {
		t.Error("what no page has room for stops every page")
	}
	p = query.NewPager[string](query.Page{}, query.OneMessage)
	i := 1
	for ; p.Pass(fmt.Sprint(i)); i++ {
	}
	if i != 20_001 || p.Next != "20000" {
		t.Errorf("it looks at %d, then %q", i-1, p.Next)
	}
}

// A campaign that moves on while it is listed has been in its state since after the list
// was begun. It is listed all the same.
func TestWhatMovesOnMeanwhileIsTaken(t *testing.T) {
	t.Parallel()
	now := time.Now()
	moved := query.Campaign{State: campaign.Completed, Since: now.Add(time.Second)}
	if !(&query.ListAsk{}).Takes(moved, now) {
		t.Error("it is left out of a list of all")
	}
	if (&query.ListAsk{OlderThan: query.Duration(time.Minute)}).Takes(moved, now) {
		t.Error("it is listed among those that have been in their state for a minute")
	}
}

// The newest are one page of as many as are asked for.
func TestTheNewestAreOnePage(t *testing.T) {
	t.Parallel()
	for field, ask := range map[string]query.ListAsk{
		"limit": {Newest: true},
		"after": {Newest: true, Page: query.Page{Limit: 2, After: "7"}},
	} {
		var bad *query.Error
		if err := ask.Check(); !errors.As(err, &bad) || bad.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}
