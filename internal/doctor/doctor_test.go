package doctor_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/staffetta-io/staffetta/internal/doctor"
	"github.com/staffetta-io/staffetta/internal/sandbox"
)

// testGateway is a sandbox with one list of three people, in a time of its own: a pause
// moves the clock.
type testGateway struct {
	*sandbox.Sandbox
	list  int64
	calls []time.Time
}

func open(t testing.TB, v sandbox.Variants) *testGateway {
	t.Helper()
	at := time.Date(2026, 4, 9, 9, 0, 0, 0, time.UTC)
	s, err := sandbox.New(sandbox.Options{Variants: v, Every: 20 * time.Second, Clock: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.FillDemo(sandbox.DemoList{Contacts: 3})
	if err != nil {
		t.Fatal(err)
	}
	return &testGateway{Sandbox: s, list: int64(list)}
}

// wired takes requests to the sandbox without a socket.
type wired struct{ *testGateway }

func (k wired) RoundTrip(r *http.Request) (_ *http.Response, err error) {
	k.calls = append(k.calls, k.Now())
	defer func() {
		if recover() != nil {
			err = errors.New("connection reset by peer")
		}
	}()
	in := httptest.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), nil)
	if r.Body != nil {
		in.Body, in.ContentLength = r.Body, r.ContentLength
	}
	in.Header = r.Header
	w := httptest.NewRecorder()
	k.ServeHTTP(w, in)
	return w.Result(), nil
}

func (c *testGateway) options(simulate bool) doctor.Options {
	return doctor.Options{
		URL: "http://gateway.example/api/partner-gateway/v1", Key: sandbox.DefaultKey, List: c.list, Simulate: simulate,
		Agree: func(doctor.Stake) bool { return true }, Transport: wired{c}, Now: c.Now,
		Sleep: func(_ context.Context, d time.Duration) error { return c.Advance(d) },
	}
}

// truth is what a sandbox with these variants is, in the doctor's words.
func truth(v sandbox.Variants) doctor.Variant {
	if v.UC006 {
		v.NoRead, v.NoSearch, v.StatsOnceSending = true, true, true
	}
	pick := func(is bool, yes, no string) string {
		if is {
			return yes
		}
		return no
	}
	var shown []string
	if !v.CreateNoDescription {
		shown = append(shown, "create")
	}
	if !v.NoDescription && !v.NoRead {
		shown = append(shown, "read")
	}
	if !v.NoDescription && !v.NoSearch {
		shown = append(shown, "search")
	}
	is := doctor.Variant{
		"read":                pick(v.NoRead, "no", "yes"),
		"read_confirmed":      pick(v.NoRead || v.ReadDraftsOnly, "no", "yes"),
		"search":              pick(v.NoSearch, "no", "yes"),
		"delete":              pick(v.NoDelete, "no", "yes"),
		"mark":                pick(len(shown) == 0, "none", strings.Join(shown, "+")),
		"states":              pick(v.NumericStatus, "numbers", "names"),
		"stats":               pick(v.StatsOnceSending, "later", "draft"),
		"stats_dates":         pick(v.StatsNeedDates, "needed", "no"),
		"unicode":             pick(v.ReplaceUnicode, "replaced", "refused"),
		"configure":           pick(v.ConfigureOnce && !v.ConfigureBlind, "once", "again"),
		"configure_sent":      pick(v.ConfigureBlind, "accepted", "refused"),
		"configure_scheduled": pick(v.ConfigureUnconfirm, "undone", pick(v.ConfigureBlind, "blind", pick(v.ConfigureKeeps, "kept", "refused"))),
		"confirm":             pick(v.ConfirmIs202, "202", "200"),
		"confirm_body":        pick(v.ConfirmNoBody, "no", "yes"),
		"ready":               pick(v.ReadyToSend, "needed", "no"),
		"simulation":          pick(v.SimulationIn == "", "create", pick(v.SimulationIn == "nowhere", "ignored", v.SimulationIn)),
		"envelope":            "jsend",
		"upload":              pick(v.UploadTwoSteps, "two", "one"),
	}
	if v.SimulationIn == "confirm" && v.ConfirmNoBody {
		is["simulation"] = "unsaid"
	}
	switch v.Envelope {
	case sandbox.Spring, sandbox.Problem:
		is["envelope"] = string(v.Envelope)
	case sandbox.Own:
		is["envelope"] = "explanation+reason"
	case sandbox.HTML, sandbox.Empty:
		is["envelope"] = "none"
	}
	return is
}

// wrong are the ways that were called another than they are.
func wrong(got, is doctor.Variant) (all []string) {
	for name, value := range got {
		if is[name] != value {
			all = append(all, fmt.Sprintf("%s=%s, and it is %s", name, value, is[name]))
		}
	}
	return all
}

// invisible are variants that no probe without risk can show.
var invisible = map[string]string{
	"creditIs400":   "the account would have to be empty",
	"secondConfirm": "a campaign would have to be confirmed twice",
}

// each calls with every single variant switched on.
func each(call func(name string, v sandbox.Variants)) {
	call("", sandbox.Variants{})
	of := reflect.TypeFor[sandbox.Variants]()
	for field := range of.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		values := []string{"true"}
		switch name {
		case "simulationIn":
			values = []string{`"create"`, `"configure"`, `"confirm"`, `"nowhere"`}
		case "envelope":
			values = []string{`"spring"`, `"problem"`, `"own"`, `"html"`, `"empty"`}
		}
		for _, value := range values {
			var v sandbox.Variants
			if err := json.Unmarshal([]byte(fmt.Sprintf(`{%q:%s}`, name, value)), &v); err != nil {
				panic(err)
			}
			call(name+" "+value, v)
		}
	}
}

func TestEveryVariantIsNamed(t *testing.T) {
	t.Parallel()
	each(func(name string, v sandbox.Variants) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, v)
			report, err := doctor.Examine(t.Context(), c.options(true))
			if err != nil {
				t.Fatal(err)
			}
			is := truth(v)
			for _, w := range wrong(report.Variant, is) {
				t.Error(w)
			}
			variant, _, _ := strings.Cut(name, " ")
			if invisible[variant] != "" {
				return
			}
			// What makes this variant what it is has been seen, unless it hides behind
			// what it takes away.
			for way, value := range is {
				if value != truth(sandbox.Variants{})[way] && report.Variant[way] == "" {
					t.Errorf("%s is not known, and it is what makes %s", way, name)
				}
			}
			t.Logf("%s\n%s", report.Variant, report.Variant.Verdict().Judgement)
		})
	})
}

// No combination is called another.
func TestRandomCombinations(t *testing.T) {
	t.Parallel()
	n := 400
	if testing.Short() {
		n = 200
	}
	random := rand.New(rand.NewPCG(9, 2026))
	known := 0
	for i := range n {
		var v sandbox.Variants
		each(func(_ string, one sandbox.Variants) {
			if random.IntN(5) == 0 {
				merge(&v, one)
			}
		})
		simulate := i%2 == 0
		c := open(t, v)
		report, err := doctor.Examine(t.Context(), c.options(simulate))
		if err != nil {
			t.Fatalf("%+v: %v", v, err)
		}
		if all := wrong(report.Variant, truth(v)); len(all) > 0 {
			t.Fatalf("%+v, simulate %v:\n%s\n%v", v, simulate, strings.Join(all, "\n"), report.Findings)
		}
		known += len(report.Variant)
		if parsed, err := doctor.ParseVariant(report.Variant.String()); err != nil || cmp.Diff(parsed, report.Variant) != "" {
			t.Fatalf("%s is read as %s, %v", report.Variant, parsed, err)
		}
	}
	if share := known * 100 / (n * len(doctor.Ways())); share < 65 {
		t.Errorf("only %d %% of all ways were known: who always says unknown says nothing", share)
	}
}

func merge(into *sandbox.Variants, one sandbox.Variants) {
	to, from := reflect.ValueOf(into).Elem(), reflect.ValueOf(one)
	for i := range from.NumField() {
		if !from.Field(i).IsZero() {
			to.Field(i).Set(from.Field(i))
		}
	}
}

// Nothing is confirmed that is no simulation, nothing of others is touched, nothing
// stays, and a tenth of the rate is enough.
func TestItDoesNoHarm(t *testing.T) {
	t.Parallel()
	for _, simulate := range []bool{false, true} {
		t.Run(fmt.Sprint("simulate ", simulate), func(t *testing.T) {
			t.Parallel()
			c := open(t, sandbox.Variants{})
			strangers, err := c.FillStrangers(20)
			if err != nil {
				t.Fatal(err)
			}
			credit, lists := c.Balance(), c.Lists()
			if _, err := doctor.Examine(t.Context(), c.options(simulate)); err != nil {
				t.Fatal(err)
			}
			seen := c.Seen()
			for _, k := range seen.Campaigns[len(strangers):] {
				if k.Confirms > 0 && len(k.Simulation) == 0 {
					t.Errorf("campaign %d was confirmed and is no simulation", k.ID)
				}
				if k.Confirms > 1 {
					t.Errorf("campaign %d was confirmed %d times", k.ID, k.Confirms)
				}
				if k.Confirms == 0 && !k.Deleted {
					t.Errorf("draft %d is left", k.ID)
				}
				if !strings.HasPrefix(k.Description, "[staffetta doctor ") {
					t.Errorf("campaign %d bears no mark: %q", k.ID, k.Description)
				}
			}
			for _, k := range seen.Campaigns[:len(strangers)] {
				if len(k.Calls) > 0 {
					t.Errorf("the stranger's %d was touched: %v", k.ID, k.Calls)
				}
			}
			if d := cmp.Diff(lists, c.Lists()); d != "" {
				t.Errorf("the account's lists, and how many contacts each has (-before +after):\n%s", d)
			}
			if seen.Messages != 0 || !c.Balance().Credit.Equal(credit.Credit) {
				t.Errorf("%d messages, credit %s", seen.Messages, c.Balance().Credit)
			}
			if want := map[bool]int{false: 0, true: 2}[simulate]; seen.Confirms != want {
				t.Errorf("%d confirms, want %d", seen.Confirms, want)
			}
			for i := 10; i < len(c.calls); i++ { // a trial may make 100 a minute
				if in := c.calls[i].Sub(c.calls[i-10]); in < time.Minute {
					t.Fatalf("11 calls within %v", in)
				}
			}
		})
	}
}

// What cannot be removed is named, all of it and nothing else.
func TestWhatStaysIsNamed(t *testing.T) {
	t.Parallel()
	each(func(name string, v sandbox.Variants) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v.NoDelete = true
			c := open(t, v)
			report, err := doctor.Examine(t.Context(), c.options(true))
			if err != nil {
				t.Fatal(err)
			}
			var stay []string
			for _, k := range c.Seen().Campaigns {
				if !k.Deleted && k.Confirms == 0 {
					stay = append(stay, fmt.Sprint(k.ID))
				}
			}
			if diff := cmp.Diff(stay, report.Left); diff != "" {
				t.Errorf("what stays is not what is named (-stays +named):\n%s", diff)
			}
		})
	})
}

func TestSimulationIsRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		contacts int
		price    string
		agree    bool
		says     string
	}{
		"TooMany":      {6, "", true, "has 6 recipients"},
		"Nobody":       {0, "", true, "no recipients"},
		"TooDear":      {3, `{"totalPrice":1.01}`, true, "more than 1 EUR"},
		"MoreAtPrice":  {3, `{"totalRecipients":6}`, true, "has 6 recipients"},
		"OtherMoney":   {3, `{"currency":"XYZ"}`, true, `in "XYZ"`},
		"NotAgreed":    {3, "", false, "not agreed"},
		"NegativeCost": {3, `{"totalPrice":-1}`, true, "more than 1 EUR"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, sandbox.Variants{})
			list, err := c.FillDemo(sandbox.DemoList{Contacts: tt.contacts})
			if err != nil {
				t.Fatal(err)
			}
			if tt.price != "" {
				var say map[string]json.RawMessage
				if err := json.Unmarshal([]byte(tt.price), &say); err != nil {
					t.Fatal(err)
				}
				if _, err := c.AddFault(sandbox.Fault{Operation: sandbox.Price, Say: say, Times: -1}); err != nil {
					t.Fatal(err)
				}
			}
			o := c.options(true)
			o.List, o.Agree = int64(list), func(doctor.Stake) bool { return tt.agree }
			report, err := doctor.Examine(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want %q in it", err, tt.says)
			}
			if report.Simulated || c.Seen().Confirms != 0 {
				t.Errorf("%d confirms", c.Seen().Confirms)
			}
			for _, k := range c.Seen().Campaigns {
				if !k.Deleted {
					t.Errorf("draft %d is left", k.ID)
				}
			}
		})
	}
}

// A confirm without an answer is not made again.
func TestTheSimulationIsConfirmedOnce(t *testing.T) {
	t.Parallel()
	for _, rule := range []string{`{"operation":"confirm","cut":true,"when":"after"}`, `{"operation":"confirm","cut":true}`,
		`{"operation":"confirm","status":503}`, `{"operation":"confirm","status":429,"when":"after"}`, `{"operation":"confirm","status":200,"answer":"{\"id\":$id,\"status\":\"FAILED\"}"}`, `{"operation":"confirm","status":200,"body":"empty"}`} {
		c := open(t, sandbox.Variants{SecondConfirm: true})
		var f sandbox.Fault
		if err := json.Unmarshal([]byte(rule), &f); err != nil {
			t.Fatal(err)
		}
		if _, err := c.AddFault(f); err != nil {
			t.Fatal(err)
		}
		report, err := doctor.Examine(t.Context(), c.options(true))
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range c.Seen().Campaigns {
			if k.Calls[sandbox.Confirm] > 1 {
				t.Errorf("%s: campaign %d was confirmed %d times", rule, k.ID, k.Calls[sandbox.Confirm])
			}
		}
		if report.Variant["confirm_body"] == "yes" {
			t.Errorf("%s: its body is said to say what happened", rule)
		}
	}
}

// Refusals of a shape that no page has are told by what they have in common.
func TestTheGatewaysOwnEnvelope(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ first, second, want string }{
		{`{"code":1,"text":"no","field":"list"}`, `{"code":2,"text":"no"}`, "code+text"},
		{`{"code":1}`, `{"text":"no"}`, ""},
		{`{"code":1}`, `{"status":"fail","data":{"a":"b"}}`, ""},
		{`{"status":"fail","data":"no"}`, `{"status":"fail","data":"no"}`, "data+status"},
		{`{}`, `{}`, "none"},
		{`[]`, `[]`, "none"},
		{`{"odd name":1,"code":1}`, `{"code":1}`, "code"},
	} {
		c := open(t, sandbox.Variants{})
		for op, body := range map[sandbox.Operation]string{sandbox.Calculate: tt.first, sandbox.Price: tt.second} {
			if _, err := c.AddFault(sandbox.Fault{Operation: op, Status: 400, Answer: body, Times: -1}); err != nil {
				t.Fatal(err)
			}
		}
		report, err := doctor.Examine(t.Context(), c.options(false))
		if err != nil {
			t.Fatal(err)
		}
		if got := report.Variant["envelope"]; got != tt.want {
			t.Errorf("%s and %s: %q, want %q", tt.first, tt.second, got, tt.want)
		}
		if setting := "envelope: code,text"; tt.want == "code+text" && !strings.Contains(report.Configuration(), setting) {
			t.Errorf("the configuration lacks %q:\n%s", setting, report.Configuration())
		}
	}
}
