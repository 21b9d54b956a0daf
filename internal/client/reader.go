package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/deadletter"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/schedule"
	"github.com/staffetta-io/staffetta/internal/why"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Reader answers questions: it asks the service, and reads the streams where that does
// not answer.
func (c *Client) Reader() query.Reader { return c.reader }

// FromService is a reader that only asks the service.
func (c *Client) FromService() query.Reader { return query.Asking(c) }

// FromStreams is a reader that only reads the streams, on pages within bounds. It is what
// the service itself answers with.
func (c *Client) FromStreams(b query.Bounds) query.Reader { return streamReader{c, b} }

// Look is the record of one campaign, as Reader has it; without one it is
// [ErrNoRecord].
func (c *Client) Look(ctx context.Context, key campaign.Key) (campaign.Campaign, error) {
	r, err := c.Reader().Get(ctx, query.GetAsk{Key: key.String()})
	if query.Is(err, query.NotFound) {
		err = fmt.Errorf("%s: %w", key, ErrNoRecord)
	}
	if err != nil {
		return campaign.Campaign{}, err
	}
	return ReadRecord(key, r)
}

// ReadRecord reads the record that an answer has.
func ReadRecord(key campaign.Key, r query.Record) (campaign.Campaign, error) {
	rec, err := journal.DecodeRecord(key, r.Record)
	if err != nil {
		err = fmt.Errorf("read %s: %w", key, err)
	}
	return rec, err
}

// Known looks whether a campaign that is to be asked for was asked for before: its
// record, and the fields in which that request is another one.
func (c *Client) Known(ctx context.Context, m *campaignv1.CampaignRequested) (campaign.Campaign, []string, error) {
	rec, err := c.Look(ctx, campaign.Key{Source: m.GetSource(), RequestID: m.GetRequestId()})
	if err != nil {
		return rec, nil, err
	}
	return rec, differs(m, rec), nil
}

// differs are the fields in which a request is another one than that of a record.
func differs(m *campaignv1.CampaignRequested, rec campaign.Campaign) []string {
	_, request := contract.FromProto(m)
	return rec.Request.Diff(request)
}

// streamReader is a reader of the streams, on pages within bounds.
type streamReader struct {
	*Client
	bounds query.Bounds
}

func (s streamReader) Get(ctx context.Context, a query.GetAsk) (r query.Record, err error) {
	if err := a.Check(); err != nil {
		return r, err
	}
	key, _ := campaign.ParseKey(a.Key) // it has been checked
	data, stored, err := s.Raw(ctx, key)
	if errors.Is(err, ErrNoRecord) {
		return r, notFound("key", err)
	}
	r = query.Record{Key: a.Key, Stored: stored, Record: data}
	if err == nil && len(a.Request) > 0 {
		err = s.compare(&r, key, a.Request)
	}
	return r, err
}

// compare says what a request is to the campaign that a record is of.
func (s streamReader) compare(r *query.Record, key campaign.Key, request []byte) error {
	no := func(format string, args ...any) error {
		return &query.Error{Code: query.BadQuestion, Field: "request", Text: fmt.Sprintf(format, args...)}
	}
	var m campaignv1.CampaignRequested
	if err := contract.ReadJSON(request, &m); err != nil {
		return no("request: %v", err)
	}
	if inside := (campaign.Key{Source: m.GetSource(), RequestID: m.GetRequestId()}); inside != key {
		return no("the request is for %s, the question about %s: ask about the same", inside, key)
	}
	if err := s.rules.Validate(&m); err != nil {
		return no("request: %v", err)
	}
	rec, err := journal.DecodeRecord(key, r.Record)
	if err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	r.Known, r.State = query.Known, rec.State
	early := rec.RequestedAt.IsZero() && rec.State == campaign.Cancelled
	if !early { // then there is nothing that it could differ from
		r.Differs = differs(&m, rec)
	}
	if early || len(r.Differs) > 0 {
		r.Known = query.Conflict
	}
	return nil
}

func (s streamReader) List(ctx context.Context, a query.ListAsk) (all query.Campaigns, err error) {
	if err := a.Check(); err != nil {
		return all, err
	}
	if a.Newest {
		return s.newest(ctx, a)
	}
	after, _ := a.Place()
	page, now := query.NewPager[query.Campaign](a.Page, s.bounds), time.Now()
	entries := s.Entries
	if a.OpenOnly() {
		entries = s.OpenEntries
	}
	for e, err := range entries(ctx, a.Source, after) {
		if err != nil {
			return all, err
		}
		c := rowOf(e)
		place := strconv.FormatUint(e.Sequence, 10)
		if a.Takes(c, now) && !page.Take(c, place) || !a.Takes(c, now) && !page.Pass(place) {
			break
		}
	}
	return query.Campaigns{Campaigns: page.Items, Next: page.Next}, nil
}

// rowOf is what a list says of a campaign.
func rowOf(e journal.Entry) query.Campaign {
	return query.Campaign{Key: e.Key.String(), State: e.State, Since: e.Since, Saved: e.Saved, Next: e.Wake, Waiting: e.Waiting, Summary: e.Summary}
}

func (s streamReader) Why(ctx context.Context, a query.WhyAsk) (why.Story, error) {
	if err := a.Check(); err != nil {
		return why.Story{}, err
	}
	key, _ := campaign.ParseKey(a.Key)
	zone, _ := a.Location()
	e, err := s.Evidence(ctx, key)
	if err != nil {
		return why.Story{}, err
	}
	return why.Tell(e, zone), nil
}

func (s streamReader) DLQ(ctx context.Context, a query.DLQAsk) (all query.Letters, err error) {
	if err := a.Check(); err != nil {
		return all, err
	}
	for _, r := range a.Reasons {
		if !slices.Contains(deadletter.Reasons(), deadletter.Reason(r)) {
			return all, &query.Error{Code: query.BadQuestion, Field: "reasons", Text: fmt.Sprintf("reason %q is no reason of a dead letter: want some of %q", r, deadletter.Reasons())}
		}
	}
	if a.ID != 0 {
		return s.letter(ctx, a)
	}
	filter := LetterFilter{Source: a.Source}
	if a.Key != "" {
		filter.Key, _ = campaign.ParseKey(a.Key)
	}
	filter.After, _ = a.Place()
	page, now := query.NewPager[query.Letter](a.Page, s.bounds), time.Now()
	var replays map[uint64]Placed
	for l, err := range s.Letters(ctx, filter) {
		if err != nil {
			return all, err
		}
		old, place := now.Sub(l.Buried), strconv.FormatUint(l.ID, 10)
		if len(a.Reasons) > 0 && !slices.Contains(a.Reasons, l.Reason) || old < time.Duration(a.OlderThan) || a.NewerThan > 0 && old > time.Duration(a.NewerThan) {
			if !page.Pass(place) {
				break
			}
			continue
		}
		if replays == nil { // no replay is older than the oldest letter
			if replays, err = s.replays(ctx, a.Source, l.Buried); err != nil {
				return all, err
			}
		}
		if !page.Take(letterAnswer(l, replays[l.ID]), place) {
			break
		}
	}
	return query.Letters{Letters: page.Items, Next: page.Next}, nil
}

// letter is one letter, whole. That it is another source's is not told from that there
// is none.
func (s streamReader) letter(ctx context.Context, a query.DLQAsk) (all query.Letters, err error) {
	l, err := s.Letter(ctx, a.ID)
	if err == nil && a.Source != "" && l.Key.Source != a.Source {
		err = fmt.Errorf("dead letter %d: %w", a.ID, ErrNoLetter)
	}
	if errors.Is(err, ErrNoLetter) {
		return all, notFound("id", err)
	}
	if err != nil {
		return all, err
	}
	replays, err := s.replays(ctx, a.Source, l.Buried)
	if err != nil {
		return all, err
	}
	answer := letterAnswer(l, replays[l.ID])
	answer.Raw = l.Data
	if payload, err := l.Payload(); err == nil {
		answer.Payload = payload
	} else {
		answer.Unreadable = err.Error()
	}
	return query.Letters{Letters: []query.Letter{answer}}, nil
}

func letterAnswer(l contract.Letter, replay Placed) query.Letter {
	answer := query.Letter{
		ID: l.ID, Kind: l.Kind(), Reason: l.Reason, Fields: l.Fields, Note: l.Note, PutAside: l.Buried, ReplayOf: l.Replay,
		Subject: l.Subject, Stream: l.Stream, Sequence: l.Sequence, Stored: l.Stored, Header: l.Header, Size: l.Size,
	}
	if l.Key != (campaign.Key{}) {
		answer.Key = l.Key.String()
	}
	if replay.Sequence != 0 {
		answer.Replayed = &replay.Stored
	}
	return answer
}

func (s streamReader) Events(ctx context.Context, a query.EventsAsk) (all query.Events, err error) {
	if err := a.Check(); err != nil {
		return all, err
	}
	o := WatchOptions{Key: campaign.Key{Source: a.Source}}
	if a.Key != "" {
		o.Key, _ = campaign.ParseKey(a.Key)
	}
	o.After, _ = a.Place()
	page := query.NewPager[query.Event](a.Page, s.bounds)
	for told, err := range s.Watch(ctx, o) {
		if err != nil {
			return all, err
		}
		e, err := CloudEvent(told)
		if err != nil {
			return all, err
		}
		if !page.Take(e, strconv.FormatUint(told.Sequence, 10)) {
			break
		}
	}
	return query.Events{Events: page.Items, Next: page.Next}, nil
}

// definitions are the budgets of a source and those of no single one, or all; ownOnly
// leaves out those of no single one.
func (s streamReader) definitions(ctx context.Context, source string, ownOnly bool) (*budget.Ledgers, []budget.Definition, error) {
	book, err := s.FindBudgets(ctx)
	var all []budget.Definition
	if err == nil {
		all, err = book.Definitions(ctx)
	}
	if err != nil && !errors.Is(err, budget.ErrNone) {
		return nil, nil, err
	}
	all = slices.DeleteFunc(all, func(d budget.Definition) bool {
		return source != "" && d.Scope != budget.Scope(source) && (ownOnly || d.Scope.IsSource())
	})
	if len(all) == 0 {
		return nil, nil, notFound("source", errors.New("nobody has set a budget"))
	}
	return book, all, nil
}

func (s streamReader) BudgetHistory(ctx context.Context, a query.BudgetHistoryAsk) (all query.BudgetHistory, err error) {
	if err := a.Check(); err != nil {
		return all, err
	}
	book, definitions, err := s.definitions(ctx, a.Source, a.OwnOnly)
	if err != nil {
		return all, err
	}
	page := query.NewPager[[]query.BudgetChange](a.Page, s.bounds)
	for _, d := range definitions {
		if a.After != "" && !behind(d.Scope, a.After) {
			continue
		}
		changes, err := book.History(ctx, d)
		if err != nil {
			return all, err
		}
		var lines []query.BudgetChange
		for _, c := range changes {
			lines = append(lines, query.BudgetChange{Budget: string(d.Scope), Change: c})
		}
		if !page.Take(lines, string(d.Scope)) {
			break
		}
	}
	return query.BudgetHistory{Changes: slices.Concat(page.Items...), Next: page.Next}, nil
}

func (s streamReader) Budget(ctx context.Context, a query.BudgetAsk) (all query.Budgets, err error) {
	if err := a.Check(); err != nil {
		return all, err
	}
	day, _ := a.Day()
	book, definitions, err := s.definitions(ctx, a.Source, a.OwnOnly)
	if err != nil {
		return all, err
	}
	page := query.NewPager[[]query.Budget](a.Page, s.bounds)
	for _, d := range definitions {
		if a.After != "" && !behind(d.Scope, a.After) {
			continue
		}
		used, err := book.Usage(ctx, d, noonOf(day, d.Current().Zone))
		if err != nil {
			return all, err
		}
		var lines []query.Budget
		for _, u := range used {
			lines = append(lines, query.Budget{Budget: string(u.Scope), Period: u.Period, Zone: u.Zone, Limit: u.Limit,
				Spent: u.Spent, Reserved: u.Reserved, Left: u.Left, UnderWay: u.Open, Foreign: u.Foreign})
		}
		if !page.Take(lines, string(d.Scope)) {
			break
		}
	}
	return query.Budgets{Budgets: slices.Concat(page.Items...), Next: page.Next}, nil
}

// behind says that a budget comes behind another one.
func behind(s budget.Scope, after string) bool { return s.Compare(budget.Scope(after)) > 0 }

// noonOf is a moment of a day where a budget is; now, if no day is said.
func noonOf(day time.Time, zone string) time.Time {
	if at, err := time.LoadLocation(zone); err == nil && !day.IsZero() {
		return time.Date(day.Year(), day.Month(), day.Day(), 12, 0, 0, 0, at)
	}
	return time.Now()
}

func (s streamReader) Schedules(ctx context.Context, a query.SchedulesAsk) (all query.Schedules, err error) {
	if err := a.Check(); err != nil {
		return all, err
	}
	if a.Key != "" {
		key, _ := schedule.ParseKey(a.Key)
		r, _, err := s.Schedule(ctx, key)
		if errors.Is(err, ErrNoSchedule) {
			return all, notFound("key", err)
		}
		if err != nil {
			return all, err
		}
		return query.Schedules{Schedules: []schedule.Record{r}}, nil
	}
	after, _ := a.Place()
	page := query.NewPager[schedule.Record](a.Page, s.bounds)
	for r, err := range s.Client.Schedules(ctx, a.Source, after) {
		if err != nil {
			return all, err
		}
		if !page.Take(r.Record, strconv.FormatUint(r.Sequence, 10)) {
			break
		}
	}
	return query.Schedules{Schedules: page.Items, Next: page.Next}, nil
}

// Outcome looks up what became of a standing order.
func (s streamReader) Outcome(ctx context.Context, a query.OutcomeAsk) (query.Outcome, error) {
	answer := query.Outcome{Sequence: a.Sequence, Outcome: query.OutcomeWaiting}
	if a.Sequence == 0 {
		return answer, nil
	}
	o, err := s.Client.Outcome(ctx, a.Sequence)
	if err == nil && a.Source != "" && !contract.OrderOf(o.Subject, a.Source) {
		err = fmt.Errorf("order %d: %w", a.Sequence, ErrNoOrder)
	}
	if errors.Is(err, ErrNoOrder) {
		return answer, notFound("sequence", err)
	}
	if err != nil {
		return answer, err
	}
	answer.Subject = o.Subject
	switch {
	case o.Answer != nil && o.Answer.Message != nil:
		answer.Outcome, answer.Type = query.OutcomeDone, o.Answer.Type
		answer.Event, err = proto.Marshal(o.Answer.Message)
	case o.Letter != nil:
		answer.Outcome, answer.Letter = query.OutcomeRefused, o.Letter.ID
		answer.Reason, answer.Fields, answer.Note = o.Letter.Reason, o.Letter.Fields, o.Letter.Note
	}
	return answer, err
}

func notFound(field string, err error) error {
	return &query.Error{Code: query.NotFound, Field: field, Text: err.Error()}
}
