package budget_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

var morning = time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)

func eur(n int64) campaign.Money {
	return campaign.Money{Amount: decimal.NewFromInt(n), Currency: "EUR"}
}

func key(id string) campaign.Key { return campaign.Key{Source: "shop-italia", RequestID: id} }

func reserve(t *testing.T, b *budget.Ledgers, id string, amount int64) {
	t.Helper()
	if err := b.Reserve(t.Context(), key(id), eur(amount), morning); err != nil {
		t.Fatal(err)
	}
}

func over(err error) bool {
	var o *runner.OverBudget
	return errors.As(err, &o)
}

// used is a budget's figures, "spent + reserved of limit" for each period.
func used(t *testing.T, b *budget.Ledgers, scope budget.Scope) string {
	t.Helper()
	all, err := b.Definitions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var text []string
	for _, d := range all {
		if d.Scope != scope {
			continue
		}
		u, err := b.Usage(t.Context(), d, morning)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range u {
			text = append(text, fmt.Sprintf("%s: %s + %s of %s", u.Period, u.Spent.Amount, u.Reserved.Amount, u.Limit.Amount))
		}
	}
	return strings.Join(text, ", ")
}

// four sets all four budgets that a campaign can fall under.
func four(t *testing.T, b *budget.Ledgers) {
	t.Helper()
	set(t, b, "shop-italia", "Europe/Rome", eur(100), eur(1000))
	set(t, b, budget.Account, "Europe/Rome", eur(200), eur(2000))
}

// Every write of a reservation is lost, or its answer is. Nothing is exceeded,
// and a campaign that comes again gets its amount, once.
func TestReservationBrokenAnywhereIsMadeWholeByComingAgain(t *testing.T) {
	t.Parallel()
	for _, apply := range []bool{false, true} {
		for broken := 1; ; broken++ {
			s, puts := runnertest.NewMemoryStore(), 0
			b := budget.NewLedgers(s)
			four(t, b)
			a := budget.NewLedgers(s.Peer(func(op string) (bool, error) {
				if op == "put" {
					if puts++; puts == broken {
						return apply, errLost
					}
				}
				return true, nil
			}))
			err := a.Reserve(t.Context(), key("a"), eur(60), morning)
			if puts < broken {
				if broken != 9 {
					t.Errorf("a reservation in four ledgers takes %d writes, want 8", broken-1)
				}
				break
			}
			if over(err) || broken <= 4 && err == nil {
				t.Errorf("write %d was broken: got error %v", broken, err)
			}
			if err := b.Reserve(t.Context(), key("b"), eur(60), morning); err == nil && broken > 1 {
				t.Errorf("write %d was broken: 120 of 100 are reserved", broken)
			}
			if err := a.Reserve(t.Context(), key("a"), eur(60), morning); broken > 1 && err != nil {
				t.Errorf("write %d was broken: coming again: %v", broken, err)
			}
			if got := used(t, b, budget.Account); broken > 1 && got != "2026-11-27: 0 + 60 of 200, 2026-11: 0 + 60 of 2000" {
				t.Errorf("write %d was broken: the account is used %s", broken, got)
			}
		}
	}
}

// A campaign that has filed with one budget, and not yet with the other, may
// turn out not to fit. No other campaign is refused for good because of it.
func TestRoomThatMayComeBackIsNoReasonToRefuse(t *testing.T) {
	t.Parallel()
	s := runnertest.NewMemoryStore()
	b := budget.NewLedgers(s)
	four(t, b)
	puts := 0
	dies := budget.NewLedgers(s.Peer(func(op string) (bool, error) {
		if op == "put" {
			puts++
		}
		if puts > 1 {
			return false, errLost
		}
		return true, nil
	}))
	if err := dies.Reserve(t.Context(), key("a"), eur(60), morning); err == nil {
		t.Fatal("nothing went wrong")
	}
	if err := b.Reserve(t.Context(), key("b"), eur(60), morning); err == nil || over(err) {
		t.Errorf("got error %v, want to be asked to come again", err)
	}
	if err := b.Settle(t.Context(), key("a"), campaign.Money{}, morning); err != nil {
		t.Fatal(err)
	}
	reserve(t, b, "b", 60)
	if err := b.Reserve(t.Context(), key("c"), eur(60), morning); !over(err) {
		t.Errorf("got error %v for what is reserved for good, want OverBudget", err)
	}
}

// A run was held up half way. Meanwhile another run of the same campaign has
// reserved less, and is about to confirm; and others have taken the room.
func TestARefusedRunTakesBackOnlyWhatItFiledItself(t *testing.T) {
	t.Parallel()
	s := runnertest.NewMemoryStore()
	b := budget.NewLedgers(s)
	four(t, b)
	puts := 0
	slow := budget.NewLedgers(s.Peer(func(op string) (bool, error) {
		if op != "put" {
			return true, nil
		}
		if puts++; puts == 3 { // the account's day
			reserve(t, b, "a", 40)
			if err := b.Reserve(t.Context(), campaign.Key{Source: "acqua-luce", RequestID: "x"}, eur(140), morning); err != nil {
				t.Error(err)
			}
		}
		return true, nil
	}))
	if err := slow.Reserve(t.Context(), key("a"), eur(90), morning); !over(err) {
		t.Fatalf("got error %v, want OverBudget", err)
	}
	if err := b.Reserve(t.Context(), key("b"), eur(61), morning); !over(err) {
		t.Errorf("got error %v: the other run's reservation is gone", err)
	}
	if got := used(t, b, budget.Account); got != "2026-11-27: 0 + 180 of 200, 2026-11: 0 + 180 of 2000" {
		t.Errorf("the account is used %s", got)
	}
}

func TestAnotherZoneMovesNothingThatIsReserved(t *testing.T) {
	t.Parallel()
	b := budget.NewLedgers(runnertest.NewMemoryStore())
	late := time.Date(2026, 11, 27, 23, 30, 0, 0, time.UTC) // the 28th in Rome
	set(t, b, "shop-italia", "Europe/Rome", eur(100), eur(100))
	if err := b.Reserve(t.Context(), key("a"), eur(60), late); err != nil {
		t.Fatal(err)
	}
	set(t, b, "shop-italia", "UTC", eur(100), eur(100))
	for range 2 {
		if err := b.Settle(t.Context(), key("a"), eur(50), late); err != nil {
			t.Fatal(err)
		}
	}
	if got := used(t, b, "shop-italia"); got != "2026-11-27: 0 + 0 of 100, 2026-11: 50 + 0 of 100" {
		t.Errorf("it is used %s", got)
	}
	set(t, b, "shop-italia", "Europe/Rome", eur(100), eur(100))
	if err := b.Reserve(t.Context(), key("b"), eur(51), late); !over(err) {
		t.Errorf("got error %v, want OverBudget: 50 were settled on the 28th in Rome", err)
	}
}

// A ledger with all the campaigns it can hold still fits into a message, and
// asks the next one to come again.
func TestAFullLedgerFitsAndAsksToComeAgain(t *testing.T) {
	t.Parallel()
	s := runnertest.NewMemoryStore()
	b := budget.NewLedgers(s)
	set(t, b, "shop-italia", "UTC", eur(1_000_000_000), campaign.Money{})
	const name = "ledger.source.shop-italia.2026-11-27"
	long := strings.Repeat("x", 60)
	full := budget.Ledger{Schema: 1, Currency: "EUR", Open: map[string]budget.Reservation{}}
	for range budget.MaxCounted - 1 {
		full.Counted = append(full.Counted, "AAAAAAAAAAA")
	}
	for i := range budget.MaxOpen - 1 {
		full.Open[key(fmt.Sprintf("%s%04d", long, i)).String()] = budget.Reservation{Amount: decimal.New(1234567, -2), At: morning.Add(123456789), Pending: true}
	}
	data, err := json.Marshal(full)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), name, data, true, loop.Revision{}); err != nil {
		t.Fatal(err)
	}
	if err := b.Settle(t.Context(), key("settled"), eur(1), morning); err != nil {
		t.Fatal(err)
	}
	reserve(t, b, "the-last", 1)
	if size := len(s.Record(name)); size > 500<<10 {
		t.Errorf("a full ledger has %d bytes", size)
	}
	if err := b.Reserve(t.Context(), key("one-more"), eur(1), morning); err == nil || over(err) {
		t.Errorf("got error %v, want to be asked to come again", err)
	}
	reserve(t, b, long+"0000", 12_346) // who is in stays in
	if err := b.Settle(t.Context(), key(long+"0000"), eur(1), morning); err != nil {
		t.Fatal(err)
	}
	reserve(t, b, "one-more", 1)
}

// The gateway charges in another currency than it has quoted. What was reserved
// is spent all the same, and whoever looks is told.
func TestACostInAnotherCurrencyCountsAsWhatWasReserved(t *testing.T) {
	t.Parallel()
	b := budget.NewLedgers(runnertest.NewMemoryStore())
	set(t, b, "shop-italia", "Europe/Rome", eur(100), campaign.Money{})
	reserve(t, b, "a", 60)
	dollars := campaign.Money{Amount: decimal.NewFromInt(1), Currency: "USD"}
	for _, id := range []string{"a", "a", "b", "b"} { // the other one had nothing reserved
		if err := b.Settle(t.Context(), key(id), dollars, morning); err != nil {
			t.Fatal(err)
		}
	}
	if got := used(t, b, "shop-italia"); got != "2026-11-27: 60 + 0 of 100" {
		t.Errorf("it is used %s", got)
	}
	all, err := b.UsageOfAll(t.Context(), morning, 10)
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	if f := all[0].Foreign; f == nil || f.Campaigns != 2 || f.Uncounted != 1 || f.Last != "shop-italia.b" || !f.Cost.Equal(dollars) {
		t.Errorf("told of it is %+v", f)
	}
}

// Somebody has mistyped the currency. Nothing is spent in it, so it is put right.
func TestACurrencyIsPutRightWhileNothingIsSpentInIt(t *testing.T) {
	t.Parallel()
	b := budget.NewLedgers(runnertest.NewMemoryStore())
	usd := func(n int64) campaign.Money { return campaign.Money{Amount: decimal.NewFromInt(n), Currency: "USD"} }
	month := func(m campaign.Money) error {
		_, err := b.Set(t.Context(), budget.Account, budget.Edit{By: "anna", Zone: "Europe/Rome", Month: &m})
		return err
	}
	if err := month(usd(20_000)); err != nil {
		t.Fatal(err)
	}
	err := b.Reserve(t.Context(), key("a"), eur(60), time.Now())
	if !over(err) || !strings.Contains(err.Error(), "is kept in USD: set it in EUR") {
		t.Errorf("euros under a budget in dollars: got error %v", err)
	}
	if err := b.Reserve(t.Context(), key("long-ago"), usd(5), time.Now().AddDate(0, -2, 0)); err != nil {
		t.Fatal(err)
	}
	if err := month(eur(20_000)); err != nil {
		t.Fatalf("nothing is spent in dollars, but long ago: %v", err)
	}
	if err := b.Reserve(t.Context(), key("a"), eur(60), time.Now()); err != nil {
		t.Fatal(err)
	}
	said := func(err error) bool {
		return err != nil && strings.Contains(err.Error(), "kept in EUR, and 60.00 EUR of ")
	}
	if err := month(usd(20_000)); !said(err) {
		t.Errorf("60 EUR are reserved: got error %v", err)
	}
	if err := month(campaign.Money{}); err != nil {
		t.Fatal(err)
	}
	if err := month(usd(20_000)); !said(err) {
		t.Errorf("60 EUR are reserved, without a limit: got error %v", err)
	}
	if err := b.Settle(t.Context(), key("a"), campaign.Money{}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := month(usd(20_000)); err != nil {
		t.Fatalf("they were given back: %v", err)
	}
	if err := b.Reserve(t.Context(), key("b"), usd(5), time.Now().AddDate(0, 2, 0)); err != nil {
		t.Fatal(err)
	}
	if err := b.Reserve(t.Context(), key("c"), usd(5), time.Now()); err != nil {
		t.Errorf("dollars, where euros were given back: %v", err)
	}
	if err := b.Settle(t.Context(), key("c"), campaign.Money{}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := month(eur(20_000)); err == nil || !strings.Contains(err.Error(), "kept in USD, and 5.00 USD of ") {
		t.Errorf("5 USD are reserved in two months: got error %v", err)
	}
}

// No change is ever forgotten, and what is read for each campaign does not
// grow with them. A crash between two writes of a change loses none, and tells
// none twice.
func TestSetRemembersWhoAndWhen(t *testing.T) {
	t.Parallel()
	// In simulated time every moment is written with as many digits as any other, so that
	// only what is kept longer makes the definition grow.
	synctest.Test(t, setRemembersWhoAndWhen)
}

func setRemembersWhoAndWhen(t *testing.T) {
	s := runnertest.NewMemoryStore()
	puts, lose := 0, 0
	b := budget.NewLedgers(s.Peer(func(op string) (bool, error) {
		if op == "put" {
			if puts++; puts == lose {
				return false, errLost
			}
		}
		return true, nil
	}))
	var size int
	for i := range 50 {
		day := eur(int64(100 + i))
		e := budget.Edit{By: fmt.Sprintf("anna %d", i), Day: &day}
		if i == 0 {
			e.Zone = "Europe/Rome"
		}
		if i == 30 || i == 31 { // the first write of a change, or the second
			puts, lose = 0, i-29
			if _, err := b.Set(t.Context(), "shop-italia", e); err == nil {
				t.Fatal("nothing went wrong")
			}
			all, err := b.Definitions(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if c, err := b.History(t.Context(), all[0]); err != nil || len(c) != i {
				t.Errorf("%d changes after one that was lost, %v; want %d", len(c), err, i)
			}
		}
		if _, err := b.Set(t.Context(), "shop-italia", e); err != nil {
			t.Fatal(err)
		}
		if i == 25 {
			size = len(s.Record("definition.source.shop-italia"))
		}
	}
	set(t, b, "shop", "UTC", eur(1), eur(1)) // somebody whose name begins the same
	all, err := b.Definitions(t.Context())
	if err != nil || len(all) != 2 {
		t.Fatalf("%d definitions, %v", len(all), err)
	}
	d := all[1]
	if c := d.Current(); !c.Day.Equal(eur(149)) || c.Zone != "Europe/Rome" {
		t.Errorf("in force is %+v", c)
	}
	c, err := b.History(t.Context(), d)
	if err != nil || len(c) != 50 {
		t.Fatalf("%d changes, %v", len(c), err)
	}
	for i, c := range c {
		if c.By != fmt.Sprintf("anna %d", i) || !c.Day.Equal(eur(int64(100+i))) || c.At.IsZero() {
			t.Errorf("change %d is %+v", i, c)
		}
	}
	if grown := len(s.Record("definition.source.shop-italia")) - size; grown > 5 {
		t.Errorf("the definition has grown by %d bytes with 24 changes", grown)
	}
}

// Where something is reserved is known however often the zone has changed since.
func TestManyZonesMoveNothingThatIsReserved(t *testing.T) {
	t.Parallel()
	b := budget.NewLedgers(runnertest.NewMemoryStore())
	late := time.Date(2026, 11, 27, 23, 30, 0, 0, time.UTC) // the 28th in Rome
	set(t, b, "shop-italia", "Europe/Rome", eur(100), campaign.Money{})
	if err := b.Reserve(t.Context(), key("a"), eur(60), late); err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		set(t, b, "shop-italia", []string{"UTC", "Europe/London"}[i%2], eur(100), campaign.Money{})
	}
	for range 2 {
		if err := b.Settle(t.Context(), key("a"), eur(50), late); err != nil {
			t.Fatal(err)
		}
	}
	set(t, b, "shop-italia", "Europe/Rome", eur(100), campaign.Money{})
	if err := b.Reserve(t.Context(), key("b"), eur(51), late); !over(err) {
		t.Errorf("got error %v, want OverBudget: 50 were settled on the 28th in Rome", err)
	}
	reserve(t, b, "c", 100) // on the 27th, of which nothing is spent
}

func TestSetRefuses(t *testing.T) {
	t.Parallel()
	hundred, dollars, debt := eur(100), campaign.Money{Amount: decimal.NewFromInt(1), Currency: "USD"}, eur(-1)
	for _, test := range []struct {
		name  string
		scope budget.Scope
		edit  budget.Edit
		want  string
	}{
		{"NobodysName", "shop-italia", budget.Edit{Zone: "UTC", Day: &hundred}, "say who"},
		{"NoZone", "acqua-luce", budget.Edit{By: "anna", Day: &hundred}, "time zone"},
		{"AZoneNobodyKnows", "shop-italia", budget.Edit{By: "anna", Zone: "Europe/Atlantis"}, "no time zone"},
		{"TheMachinesOwnZone", "shop-italia", budget.Edit{By: "anna", Zone: "Local"}, "time zone"},
		{"LessThanNothing", "shop-italia", budget.Edit{By: "anna", Day: &debt}, "below zero"},
		{"TwoCurrencies", "shop-italia", budget.Edit{By: "anna", Month: &dollars}, "100.00 EUR a day and 1.00 USD a month: set both in one currency"},
		{"ASourceThatCannotBe", "shop italia", budget.Edit{By: "anna", Zone: "UTC", Day: &hundred}, "not allowed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := budget.NewLedgers(runnertest.NewMemoryStore())
			set(t, b, "shop-italia", "UTC", hundred, campaign.Money{})
			if _, err := b.Set(t.Context(), test.scope, test.edit); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want one that says %q", err, test.want)
			}
		})
	}
}
