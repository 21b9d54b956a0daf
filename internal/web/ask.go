package web

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/query"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// asking is a form by which a campaign is asked for: the same request that a backend would
// publish.
type asking struct {
	Form    url.Values
	Request campaign.Request // as far as it can be read
	Fault   string           // what cannot be read
	Checked *query.Checked   // what would become of it
	Agreed  string           // stands for exactly what was checked; empty: it may not be asked for yet
}

// Of is what was typed into a field.
func (a asking) Of(name string) string { return a.Form.Get(name) }

func (s *Server) ask(v *visit) error {
	return v.show("ask", v.T("ask"), "ask", asking{Form: url.Values{"request_id": {v.now.In(v.zone).Format("2006-01-02-1504")}}})
}

// preview is a text as a phone shows it, while somebody types.
func (s *Server) preview(v *visit) error {
	q := v.r.URL.Query()
	return v.show("preview", "", "", campaign.Request{Sender: q.Get("sender"), Text: q.Get("text")})
}

// askFor checks what was typed, and asks for it if that is what was checked a moment ago.
func (s *Server) askFor(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	a := asking{Form: form}
	m, err := a.read(v.zone)
	if err != nil {
		a.Fault = err.Error()
		return v.show("ask", v.T("ask"), "ask", a)
	}
	data, err := protojson.Marshal(m)
	if err != nil {
		return err
	}
	// protojson varies its spaces from build to build, never within a process; replicas
	// may be of two builds, so what is compared is what was typed.
	sum := sha256.Sum256([]byte(typed(form)))
	agreed := hex.EncodeToString(sum[:12])
	if form.Get("do") == "ask" && form.Get("agreed") == agreed {
		placed, err := s.Client.Request(v.ctx, m, "")
		if err != nil {
			return err
		}
		key := m.GetSource() + "." + m.GetRequestId()
		s.Log.Info("told the service", "what", "request", "key", key, "by", v.Person.Name, "sequence", placed.Sequence)
		return v.goTo("/campaigns/" + key)
	}
	checked, err := query.AskCheck(v.ctx, s.Client, query.CheckAsk{Request: data, Price: form.Get("do") != "check"})
	if query.Is(err, query.Unpriced) {
		a.Fault = err.Error()
		checked, err = query.AskCheck(v.ctx, s.Client, query.CheckAsk{Request: data})
	}
	if err != nil {
		return err
	}
	if a.Checked = &checked; checked.Accepted && checked.Known == query.KnownNew {
		a.Agreed = agreed
	}
	return v.show("ask", v.T("ask"), "ask", a)
}

// asked are the fields that make the request.
var asked = []string{"source", "request_id", "name", "sender", "text", "list", "at", "expires", "unicode", "simulation", "approval"}

// typed is what was typed into them, as one text.
func typed(form url.Values) string {
	var all strings.Builder
	for _, name := range asked {
		fmt.Fprintf(&all, "%s=%q\n", name, form.Get(name))
	}
	return all.String()
}

// read makes a request of what was typed. Whether it keeps the contract is the service's
// to say.
func (a *asking) read(zone *time.Location) (*campaignv1.CampaignRequested, error) {
	of := func(name string) string { return strings.TrimSpace(a.Of(name)) }
	r := campaign.Request{Name: of("name"), Sender: of("sender"), Text: strings.ReplaceAll(a.Of("text"), "\r\n", "\n"),
		Unicode: of("unicode") != "", Simulation: of("simulation") != ""}
	r.Limits.Approval = of("approval") != ""
	a.Request = r
	var err error
	if list := of("list"); list != "" {
		if r.ListID, err = strconv.ParseInt(list, 10, 64); err != nil {
			return nil, fmt.Errorf("list: %q is no number", list)
		}
	}
	for name, at := range map[string]*time.Time{"at": &r.At, "expires": &r.ExpiresAt} {
		if said := of(name); said != "" {
			if *at, err = time.ParseInLocation("2006-01-02T15:04", said, zone); err != nil {
				return nil, fmt.Errorf("%s: %q is no time: write 2026-11-27T09:00", name, said)
			}
		}
	}
	a.Request = r
	return contract.Requested(campaign.Key{Source: of("source"), RequestID: of("request_id")}, r), nil
}
