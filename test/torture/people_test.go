package torture

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/sandbox"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Campaigns whose recipients come with the request: in it, or in chunks beside it. Each
// person has a code, and is judged by the text that came.

// keptFor is how long recipients are kept after the end, so that a test sees them go.
const keptFor = "STAFFETTA_RECIPIENTS_KEEP=2s"

// guest is a person who came with a request.
type guest struct{ phone, code string }

// newGuests are people who come with one campaign, and whom no other one has. Their numbers
// and codes stand nowhere by chance.
func (f *fleet) newGuests(id string) (all []guest) {
	for range peopleOfOne {
		n := f.people.Add(1)
		all = append(all, guest{fmt.Sprintf("+39333%07d", n), fmt.Sprintf("Z%08xQ", uint32(n)*2654435761)})
	}
	if f.guests == nil {
		f.guests = map[string][]guest{}
	}
	f.guests[id] = all
	return all
}

// launchWithPeople asks for one more campaign, with recipients of its own: every other one
// has them in the request.
func (f *fleet) launchWithPeople(rules ...sandbox.Fault) (id string) {
	f.Helper()
	id = fmt.Sprintf("c%d", len(f.ids))
	f.fault(id, rules...)
	f.ids = append(f.ids, id)
	all := f.newGuests(id)
	m := f.request(id, withPeople(all))
	if len(f.guests)%2 == 0 {
		f.inChunks(m, all)
	}
	f.ask(m)
	return id
}

// withPeople puts people into a request, in the place of a list.
func withPeople(all []guest) requestEdit {
	return func(m *campaignv1.CampaignRequested) {
		m.ContactListId, m.Text = 0, "Il tuo codice: {{code}}"
		for _, g := range all {
			m.Recipients = append(m.Recipients, &campaignv1.Recipient{PhoneNumber: g.phone, Fields: map[string]string{"code": g.code}})
		}
	}
}

// inChunks lays them down beside the request instead.
func (w *testbed) inChunks(m *campaignv1.CampaignRequested, all []guest) {
	w.Helper()
	file := "phone,code\n"
	for _, g := range all {
		file += g.phone + "," + g.code + "\n"
	}
	var err error
	if m.Audience, err = client.Audience(strings.NewReader(file), campaignv1.Audience_FORMAT_CSV); err != nil {
		w.Fatal(err)
	}
	m.Recipients = nil
	w.eventually("lay down the recipients of "+m.RequestId, func(ctx context.Context) error {
		return w.client.LayDown(ctx, m.Source, m.Audience, strings.NewReader(file), nil)
	})
}

// judgePeople looks at the campaigns with recipients of their own once all are over: who
// was sent to got the text that is hers; the lists are gone from the gateway; and no number
// and no code is left in any stream, nor in what the services have logged.
func (f *fleet) judgePeople() (campaigns, texts int) {
	f.Helper()
	f.eventually("the recipients are removed", func(ctx context.Context) error {
		records, err := f.records(ctx)
		if err != nil {
			return err
		}
		for id := range f.guests {
			if c := records[id]; c.Cleared.IsZero() && c.Request.Audience != nil {
				return fmt.Errorf("not those of %s, which is %s", id, c.State)
			}
		}
		return nil
	})
	hers := map[string]bool{}
	for id, all := range f.guests {
		for _, g := range all {
			hers[strings.TrimPrefix(g.phone, "+39")], hers[g.code] = true, true
			var seen struct{ Texts []struct{ Text string } }
			f.control("GET", "seen?phone="+url.QueryEscape(g.phone), nil, &seen)
			for _, got := range seen.Texts {
				texts++
				if want := "Il tuo codice: " + g.code; got.Text != want {
					f.Errorf("%s: somebody got %q, want %q", id, got.Text, want)
				}
			}
		}
	}
	for _, l := range f.listsLeft() {
		f.Errorf("the list %q is left at the gateway", l)
	}
	for place, content := range f.everywhere() {
		for _, found := range regexp.MustCompile(`333[0-9]{7}|Z[0-9a-f]{8}Q`).FindAll(content, -1) {
			if hers[string(found)] {
				f.Errorf("%s still holds %s", place, found)
				break
			}
		}
	}
	return len(f.guests), texts
}

// listsLeft are the gateway's lists that were made for campaigns.
func (w *testbed) listsLeft() (names []string) {
	w.Helper()
	said, err := call(w.Context(), "GET", w.gateway+"/api/partner-gateway/v1/contacts/list?limit=1000&search=%5Bstaffetta", nil)
	var found struct{ Content []struct{ Name string } }
	if err == nil {
		err = json.Unmarshal(said, &found)
	}
	if err != nil {
		w.Fatal(err)
	}
	for _, l := range found.Content {
		names = append(names, l.Name)
	}
	return names
}

// everywhere is what every stream holds, and what the services have logged.
func (f *fleet) everywhere() map[string][]byte {
	f.Helper()
	all := map[string][]byte{}
	for _, p := range f.services {
		all["the log of "+p.name] = p.logged()
	}
	f.eventually("read every stream", func(ctx context.Context) error {
		names := f.js.StreamNames(ctx)
		for name := range names.Name() {
			s, err := f.js.Stream(ctx, name)
			if err != nil {
				return err
			}
			var held bytes.Buffer
			state := s.CachedInfo().State
			for seq := max(state.FirstSeq, 1); seq <= state.LastSeq; seq++ {
				m, err := s.GetMsg(ctx, seq)
				if errors.Is(err, jetstream.ErrMsgNotFound) {
					continue
				}
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				fmt.Fprintf(&held, "%s %v %s\n", m.Subject, m.Header, m.Data)
			}
			all[name] = slices.Clone(held.Bytes())
		}
		return names.Err()
	})
	return all
}
