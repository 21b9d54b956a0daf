package doctor

import (
	"context"
	"crypto/rand"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Options of an examination. URL and Key are required.
type Options struct {
	URL string // the gateway's base URL
	Key string
	// List is a contact list of the account, for what needs one: a draft is configured
	// with it, calculated and priced. 0: that is left out.
	List int64
	// Sender of the drafts. Default "Staffetta".
	Sender string
	// Simulate confirms a simulated campaign to List, once Agree has agreed. The
	// gateway may ignore the flag, and really send.
	Simulate bool
	// Agree is asked with the highest possible cost of the simulation. Nil: it
	// does not agree.
	Agree func(Stake) bool

	// Tell gets every finding as it is made. Nil: findings are only in the
	// Report.
	Tell func(Finding)
	// Timeout of one call. Default 20 s. Patience is how long a simulated sending is
	// watched. Default 30 min.
	Timeout, Patience time.Duration
	// PerMinute is the account's rate, of which a tenth is used. Default 100, a
	// trial's, until the gateway says how many it allows.
	PerMinute int
	Version   string

	// Transport and Sleep are for tests. Default: one that follows no redirect, and a
	// pause that ctx ends.
	Transport http.RoundTripper
	Sleep     func(ctx context.Context, d time.Duration) error
	Now       func() time.Time
}

// A Stake is what a simulation may cost if the gateway ignores the flag.
type Stake struct {
	Recipients int64
	Total      string // as the gateway wrote it
	Currency   string
	// Repeated says that an answer so far repeated the flag.
	Repeated bool
}

// A Finding is one question, its answer, and what follows.
type Finding struct {
	Asked string `json:"asked"`
	Came  string `json:"came"`
	// Page is what the vendor's pages say about it.
	Page string `json:"page"`
	// Does is what the client does about it.
	Does string `json:"does"`
}

// A Report is the outcome of an examination.
type Report struct {
	URL      string    `json:"url"`
	Findings []Finding `json:"findings"`
	Variant  Variant   `json:"-"`
	// Left are campaigns of the doctor's own that were not seen to be removed.
	Left []string `json:"left,omitempty"`
	// Simulated says that a simulated campaign was confirmed; Spent what it cost all
	// the same, if it did.
	Simulated bool   `json:"simulated,omitempty"`
	Spent     string `json:"spent,omitempty"`
	// Lasted is how long the simulated campaign took from its confirm to its end.
	Lasted time.Duration `json:"lasted,omitempty"`
}

func (o Options) withDefaults() Options {
	if o.Sender == "" {
		o.Sender = "Staffetta"
	}
	if o.Timeout == 0 {
		o.Timeout = 20 * time.Second
	}
	if o.Patience == 0 {
		o.Patience = 30 * time.Minute
	}
	if o.PerMinute <= 0 {
		o.PerMinute = trialRate
	}
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Tell == nil {
		o.Tell = func(Finding) {}
	}
	if o.Sleep == nil {
		o.Sleep = func(ctx context.Context, d time.Duration) error {
			t := time.NewTimer(d)
			defer t.Stop()
			select {
			case <-t.C:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
	return o
}

// examination is one in progress.
type examination struct {
	o      Options
	url    *url.URL
	base   string
	mark   string
	report Report
	rate   int // calls a minute that the account may make, as far as is known
	asked  bool
	// firstShape is the envelope of the first refusal that was asked for.
	firstShape string
	// confirmed says that the simulated campaign was seen to be confirmed.
	confirmed bool
	// drafts that were made and are not known to be gone.
	drafts []string
}

// Examine asks the gateway everything that can be asked without risk, and with
// Simulate what only a campaign can show. The error is a Trouble if nothing could
// be found out; what was found until then is in the report.
func Examine(ctx context.Context, o Options) (report Report, err error) {
	o = o.withDefaults()
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return Report{}, trouble("--gateway-url %q is not a URL: want http(s)://host/path", o.URL)
	}
	e := &examination{
		o: o, url: u, base: strings.TrimSuffix(o.URL, "/"), rate: o.PerMinute,
		mark:   "[staffetta doctor " + strings.ToLower(rand.Text()[:10]) + "]",
		report: Report{URL: o.URL, Variant: Variant{}},
	}
	defer func() {
		e.removeDrafts(context.WithoutCancel(ctx))
		maps.DeleteFunc(e.report.Variant, func(_, value string) bool { return value == "" })
		report = e.report
	}()
	if err := e.checkReachable(ctx); err != nil {
		return e.report, err
	}
	id, err := e.draft(ctx)
	if err != nil {
		return e.report, err
	}
	e.refusals(ctx, id) // first: who refuses later is told by the shape
	e.reads(ctx, id)
	e.configures(ctx, id)
	e.account(ctx)
	e.uploads(ctx)
	e.removal(ctx, id)
	if o.Simulate {
		if err := e.simulate(ctx); err != nil {
			return e.report, err
		}
	}
	if err := ctx.Err(); err != nil {
		return e.report, trouble("the examination was stopped before its end: start it again")
	}
	return e.report, nil
}

// learn keeps what was seen. If an earlier call has shown otherwise, the way is
// not known.
func (e *examination) learn(name, value string) {
	if w, _ := wayOf(name); !w.allows(value) {
		return
	}
	if had, twice := e.report.Variant[name]; twice && had != value {
		value = ""
	}
	e.report.Variant[name] = value
}

func (e *examination) variant(name string) string { return e.report.Variant[name] }

func (e *examination) find(asked string, a answer, page, does string) {
	e.note(asked, a.summary(), page, does)
}

func (e *examination) note(asked, came, page, does string) {
	f := Finding{Asked: asked, Came: came, Page: page, Does: does}
	e.report.Findings = append(e.report.Findings, f)
	e.o.Tell(f)
}

func path(id, rest string) string { return "/campaigns/" + url.PathEscape(id) + rest }

// draftGone notes that a draft of the doctor's need not be removed any more.
func (e *examination) draftGone(id string) {
	e.drafts = slices.DeleteFunc(e.drafts, func(d string) bool { return d == id })
}

// removeDrafts removes the drafts that are left, and reports those that stay.
func (e *examination) removeDrafts(ctx context.Context) {
	for _, id := range e.drafts {
		if e.variant(deletes) == "no" || e.variant(deletes) == "ignored" || !e.ask(ctx, http.MethodDelete, path(id, ""), nil).ok() {
			e.report.Left = append(e.report.Left, id)
		}
	}
	e.drafts = nil
	if len(e.report.Left) > 0 {
		e.note("what is left", "campaigns of the doctor's own that were not seen to be removed: "+strings.Join(e.report.Left, ", "),
			"DELETE is on no page of UC-006", "a draft is never sent and costs nothing, and what is scheduled is a simulation; remove them on the gateway's own page, by "+e.mark)
	}
}
