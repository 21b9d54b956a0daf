package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/schedule"
	"github.com/staffetta-io/staffetta/internal/why"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Reader answers questions about campaigns.
type Reader = query.Reader

// Reader asks the service, and reads the streams where that does not answer.
func (c *Client) Reader() Reader { return c.reader }

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
	return journal.ReadRecord(key, r.Record)
}

// Known looks whether a campaign that is to be asked for was asked for before: its
// record, and the fields in which that request is another one.
func (c *Client) Known(ctx context.Context, m *campaignv1.CampaignRequested) (campaign.Campaign, []string, error) {
	rec, err := c.Look(ctx, campaign.Key{Source: m.GetSource(), RequestID: m.GetRequestId()})
	if err != nil {
		return rec, nil, err
	}
	return rec, journal.Differs(m, rec), nil
}

// LetterOf is the dead letter that a message became, if it became one, as Reader has it.
func (c *Client) LetterOf(ctx context.Context, key campaign.Key, p Placed) (query.Letter, bool, error) {
	for l, err := range query.Each(func(after string) ([]query.Letter, string, error) {
		all, err := c.Reader().DLQ(ctx, query.DLQAsk{Key: key.String(), Page: query.Page{After: after}})
		return all.Letters, all.Next, err
	}) {
		if err != nil {
			return l, false, err
		}
		if l.Stream == p.Stream && l.Sequence == p.Sequence {
			return l, true, nil
		}
	}
	return query.Letter{}, false, nil
}

// FromService is a reader that only asks the service.
func (c *Client) FromService() Reader { return query.Asking(c.Client) }

// FromStreams is a reader that only reads the streams.
func (c *Client) FromStreams() Reader { return streams{c, query.InMemory} }

// streams is a reader, on pages within bounds.
type streams struct {
	*Client
	bounds query.Bounds
}

func (s streams) Get(ctx context.Context, a query.GetAsk) (r query.Record, err error) {
	if err := a.Check(); err != nil {
		return r, err
	}
	key, _ := campaign.ParseKey(a.Key) // it has been checked
	data, stored, err := s.Raw(ctx, key)
	if errors.Is(err, ErrNoRecord) {
		return r, notFound("key", err)
	}
	return query.Record{Key: a.Key, Stored: stored, Record: data}, err
}

func (s streams) List(ctx context.Context, a query.ListAsk) (all query.Campaigns, err error) {
	if err := a.Check(); err != nil {
		return all, err
	}
	after, _ := a.Place()
	page, now := query.NewPager[query.Campaign](a.Page, s.bounds), time.Now()
	for e, err := range s.Entries(ctx, a.Source, after) {
		if err != nil {
			return all, err
		}
		c := query.Campaign{Key: e.Key.String(), State: e.State, Since: e.Since, Saved: e.Saved, Next: e.Wake, Waiting: e.Waiting}
		place := strconv.FormatUint(e.Sequence, 10)
		if a.Takes(c, now) && !page.Take(c, place) || !a.Takes(c, now) && !page.Pass(place) {
			break
		}
	}
	return query.Campaigns{Campaigns: page.Items, Next: page.Next}, nil
}

func (s streams) Why(ctx context.Context, a query.WhyAsk) (why.Story, error) {
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

func (s streams) DLQ(ctx context.Context, a query.DLQAsk) (all query.Letters, err error) {
	if err := a.Check(); err != nil {
		return all, err
	}
	for _, r := range a.Reasons {
		if !slices.Contains(LetterReasons, r) {
			return all, &query.Error{Code: query.BadQuestion, Field: "reasons", Text: fmt.Sprintf("reason %q is no reason of a dead letter: want some of %q", r, LetterReasons)}
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
			if replays, err = s.Replays(ctx, a.Source, l.Buried); err != nil {
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
func (s streams) letter(ctx context.Context, a query.DLQAsk) (all query.Letters, err error) {
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
	replays, err := s.Replays(ctx, a.Source, l.Buried)
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

func letterAnswer(l Letter, replay Placed) query.Letter {
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

func (s streams) Budget(ctx context.Context, a query.BudgetAsk) (all query.Budgets, err error) {
	if err := a.Check(); err != nil {
		return all, err
	}
	day, _ := a.Day()
	ctx, done := s.HeedBudgets(ctx)
	defer done()
	book, err := s.FindBudgets(ctx)
	var definitions []budget.Definition
	if err == nil {
		definitions, err = book.Definitions(ctx)
	}
	if err != nil && !errors.Is(err, ErrNoBudgets) {
		return all, err
	}
	definitions = slices.DeleteFunc(definitions, func(d budget.Definition) bool {
		return a.Source != "" && d.Scope != budget.Scope(a.Source) && (a.OwnOnly || d.Scope != budget.Account)
	})
	if len(definitions) == 0 {
		return all, notFound("source", errors.New("nobody has set a budget"))
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

// behind says that a budget comes behind another one: the account's is the first.
func behind(s budget.Scope, after string) bool {
	return s != budget.Account && (after == string(budget.Account) || string(s) > after)
}

// noonOf is a moment of a day where a budget is; now, if no day is said.
func noonOf(day time.Time, zone string) time.Time {
	if at, err := time.LoadLocation(zone); err == nil && !day.IsZero() {
		return time.Date(day.Year(), day.Month(), day.Day(), 12, 0, 0, 0, at)
	}
	return time.Now()
}

func (s streams) Schedules(ctx context.Context, a query.SchedulesAsk) (all query.Schedules, err error) {
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
		return query.Schedules{Schedules: []ScheduleRecord{r}}, nil
	}
	after, _ := a.Place()
	page := query.NewPager[ScheduleRecord](a.Page, s.bounds)
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

func notFound(field string, err error) error {
	return &query.Error{Code: query.NotFound, Field: field, Text: err.Error()}
}
