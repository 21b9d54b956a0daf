package web

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/sms"
	"github.com/staffetta-io/staffetta/internal/words"
)

// What a browser remembers. None of it is a secret.
const (
	cookieZone     = "zone"     // the time zone of the machine, as its script says
	cookieLanguage = "language" // as somebody chose it
	cookieName     = "name"     // as somebody said it who did not sign in
)

// visit is one request, and the page that answers it. Templates call its methods.
type visit struct {
	ctx    context.Context
	w      http.ResponseWriter
	r      *http.Request
	lang   *language
	zone   *time.Location
	now    time.Time
	status int
	body   bytes.Buffer

	Person  Person
	SignsIn bool // somebody signs in here: no form asks for a name
	Decides bool // the person may press buttons
	Title   string
	Place   string // the tab that is lit
	Live    string // what the page wants to hear of: a campaign's key, or *; empty: nothing
	It      any    // what the page shows
}

func (s *Server) visitOf(w http.ResponseWriter, r *http.Request) (*visit, error) {
	v := &visit{ctx: r.Context(), w: w, r: r, zone: time.UTC, now: time.Now(), status: http.StatusOK, lang: languageOf(r)}
	if c, err := r.Cookie(cookieZone); err == nil {
		if name, err := url.QueryUnescape(c.Value); err == nil && name != "Local" { // that would be the zone of this machine
			if zone, err := time.LoadLocation(name); err == nil {
				v.zone = zone
			}
		}
	}
	var err error
	v.Person, err = s.SignIn.Person(r)
	_, open := s.SignIn.(nobody)
	v.SignsIn, v.Decides = !open, s.decides(v.Person)
	return v, err
}

// show renders a page into the visit's body.
func (v *visit) show(name, title, place string, it any) error {
	v.Title, v.Place, v.It = title, place, it
	v.body.Reset()
	return templates[name].ExecuteTemplate(&v.body, "layout", v)
}

// goTo sends the browser elsewhere, with a GET.
func (v *visit) goTo(path string) error {
	http.Redirect(v.w, v.r, path, http.StatusSeeOther)
	return nil
}

// remember keeps something in the browser for a year.
func (v *visit) remember(name, value string) {
	http.SetCookie(v.w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteStrictMode})
}

// With hands a template one thing, and the visit.
func (v *visit) With(it any) *visit {
	other := *v
	other.body = bytes.Buffer{}
	other.It = it
	return &other
}

// T is a text in the language of whoever looks.
func (v *visit) T(name string, args ...any) string { return v.lang.text(name, args...) }

// N is a number of things: 1 recipient, 9,831 recipients.
func (v *visit) N(name string, n int64) string {
	if n == 1 {
		return v.T(name+".one", v.Count(n))
	}
	return v.T(name+".many", v.Count(n))
}

// Code is the language.
func (v *visit) Code() string { return v.lang.Code }

// Languages are all there are.
func (v *visit) Languages() []*language { return languages }

// Version stands for the content of the files beside the page.
func (v *visit) Version() string { return version }

// Here is the address of the page.
func (v *visit) Here() string { return v.r.URL.RequestURI() }

// Zone is the name of the zone in which times are shown.
func (v *visit) Zone() string { return v.zone.String() }

// Count is a whole number as the language writes it.
func (v *visit) Count(n int64) string { return v.lang.number(words.Count(n)) }

// Money is an amount with every decimal that it has, and its currency.
func (v *visit) Money(m campaign.Money) string {
	if m.Currency == "" {
		return v.T("unknown")
	}
	return v.lang.number(words.Amount(m)) + "\u00a0" + m.Currency
}

// Percent is a share of something, as 34 %.
func (v *visit) Percent(part, whole int64) string {
	if whole == 0 {
		return ""
	}
	return fmt.Sprintf("%d\u00a0%%", part*100/whole)
}

// Sentence is a sentence of the service, with its instants in the zone of whoever looks.
func (v *visit) Sentence(s string) string {
	return written.ReplaceAllStringFunc(words.Zoned(s, v.zone), v.plainly)
}

// Moment is an instant: where the browser is, and in UTC beside it.
type Moment struct{ ISO, Local, UTC string }

// At is an instant for people.
func (v *visit) At(at time.Time) Moment {
	m := Moment{ISO: at.UTC().Format(time.RFC3339), Local: v.lang.instant(at.In(v.zone), v.now.In(v.zone)), UTC: at.UTC().Format("15:04")} // the day is the same, or the one beside it
	if v.zone == time.UTC {
		m.Local, m.UTC = m.Local+" UTC", ""
	} else {
		m.UTC += " UTC"
	}
	return m
}

// Exactly is an instant to the second.
func (v *visit) Exactly(at time.Time) Moment {
	m := v.At(at)
	m.Local = strings.Replace(m.Local, at.In(v.zone).Format("15:04"), at.In(v.zone).Format(time.TimeOnly), 1)
	return m
}

// Clock is the time of an instant, where its day is said beside it.
func (v *visit) Clock(at time.Time) Moment {
	m := v.At(at)
	if m.Local = at.In(v.zone).Format("15:04"); m.UTC == "" {
		m.Local += " UTC"
	}
	return m
}

// In is how far away an instant is: in 6 h, 6 h ago.
func (v *visit) In(at time.Time) string {
	d := at.Sub(v.now)
	if d < 0 {
		return v.T("ago", v.Took(-d))
	}
	return v.T("in", v.Took(d))
}

// Took is a duration in its two largest units at most.
func (v *visit) Took(d time.Duration) string {
	s := int64(d.Seconds())
	switch {
	case s < 60:
		return v.T("short.s", s)
	case s < 3600:
		return v.T("short.min", s/60)
	case s < 48*3600:
		if m := s / 60 % 60; m > 0 && s < 10*3600 {
			return v.T("short.h", s/3600) + " " + v.T("short.min", m)
		}
		return v.T("short.h", s/3600)
	}
	return v.T("short.d", s/(24*3600))
}

// State is where a campaign stands, in words.
func (v *visit) State(s campaign.State) string { return v.T("state." + string(s)) }

// Mood is the colour of a state: it means the same everywhere.
func (v *visit) Mood(s campaign.State) string {
	switch s {
	case campaign.Quoted:
		return "waits"
	case campaign.Completed:
		return "well"
	case campaign.Rejected, campaign.Cancelled:
		return "over"
	case campaign.Failed, campaign.Unresolved, campaign.Unreconciled:
		return "bad"
	}
	return "works"
}

// Size is how a text is sent.
func (v *visit) Size(text string) sms.Size { return sms.Measure(text) }

// Odds are the characters that make a text dearer.
func (v *visit) Odds(text string) (all []sms.Odd) {
	for odd := range sms.Odds(text) {
		if len(all) == 3 {
			break
		}
		all = append(all, odd)
	}
	return all
}

// Search is the address's question with one field changed; empty takes it out.
func (v *visit) Search(name, value string) string {
	q := v.r.URL.Query()
	q.Del(name)
	if value != "" {
		q.Set(name, value)
	}
	if len(q) == 0 {
		return v.r.URL.Path
	}
	return v.r.URL.Path + "?" + q.Encode()
}

// Lines are a text line by line.
func (v *visit) Lines(text string) []string { return strings.Split(text, "\n") }
