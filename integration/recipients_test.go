package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/proto/staffetta"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

var recipients = flag.Int("recipients", 20_000, "how many recipients come with the campaign of TestRecipients")

// mostAbove is how much more memory than before the service may ever have had, in MiB. A
// list that it held whole would take more with a million.
const mostAbove = 64

// TestRecipients: a campaign comes with many recipients, each with a code of its own, from a
// backend that has no more rights than a source: 20,000 here, more with make
// bench/recipients. All get their code, the
// service's memory does not grow with them, and in the end nothing of them is left in any
// stream, log or metric. What it took stands beside the sum of its parts, each made alone.
//
// It is not parallel: it is told alone, so that its times mean something.
func TestRecipients(t *testing.T) {
	s := newStack(t, 1)
	for name, value := range map[string]string{
		"RECIPIENTS_KEEP": "1s", "GATEWAY_TIMEOUT": "2m", "CONFIRM_SETTLE": "3m", "CAMPAIGN_LEASE": "5m", "LOG_LEVEL": "debug",
	} {
		s.env["STAFFETTA_"+name] = value
	}
	service := s.serve(t)
	p := &people{T: t, n: *recipients, js: streamClient(t, s.nats.connect(t, userOperator)), box: &fleet{T: t, sandbox: s.sandbox.url(t, "http", "8090/tcp")}}
	p.box.control(http.MethodPost, "/sandbox/credit", map[string]any{"credit": 1_000_000}, nil)
	file := p.file()

	backend, err := staffetta.New(s.nats.connect(t, userShop))
	if err != nil {
		t.Fatal(err)
	}
	idle, measured := service.memory(t, "VmRSS")
	began := time.Now()
	m := &campaignv1.CampaignRequested{
		Source: "shop-italia", RequestId: "codes", Name: "Black Friday", Sender: "ShopItalia", Text: "Solo per te: {{code}}",
		Start: &campaignv1.CampaignRequested_Immediately{Immediately: true},
	}
	if _, err := backend.RequestTo(t.Context(), m, bytes.NewReader(file), campaignv1.Audience_FORMAT_CSV); err != nil {
		t.Fatal(err)
	}
	laidDown := time.Since(began)
	p.until("confirmed", isConfirmed)
	took := time.Since(began)
	p.until("completed", isCompleted)
	peak, _ := service.memory(t, "VmHWM")
	p.gotTheirCodes()
	p.nothingIsLeft(s, service)

	parts := append([]part{{"laying them down", laidDown}}, p.alone(file)...)
	var sum time.Duration
	for _, one := range parts {
		sum += one.took
		t.Logf("%-32s %6d ms", one.name, one.took.Milliseconds())
	}
	t.Logf("%d recipients, %d KiB: from the first chunk to the confirm %d ms, %.2f times the sum of its parts", p.n, len(file)>>10, took.Milliseconds(), took.Seconds()/sum.Seconds())
	if !measured {
		t.Log("memory is not measured: the container engine is not on this machine")
		return
	}
	t.Logf("memory of the service: %.1f MiB before, %.1f MiB at most: %.1f above", idle, peak, peak-idle)
	if peak-idle > mostAbove {
		t.Errorf("the service took %.1f MiB more than before, want no more than %d", peak-idle, mostAbove)
	}
}

// people are those of one campaign, and where they are looked for.
type people struct {
	*testing.T
	n   int
	js  jetstream.JetStream
	box *fleet
}

func phoneOf(i int) string { return fmt.Sprintf("+39333%07d", i) }

// codeOf is a value that stands nowhere by chance.
func codeOf(i int) string { return fmt.Sprintf("Z%08xQ", uint32(i)*2654435761) }

// file is them as a spreadsheet writes them.
func (p *people) file() []byte {
	var b bytes.Buffer
	b.WriteString("phone;code\n")
	for i := range p.n {
		b.WriteString(phoneOf(i) + ";" + codeOf(i) + "\n")
	}
	return b.Bytes()
}

// until waits until the campaign's last event is what is waited for. A million people take
// longer than anything else here.
func (p *people) until(what string, is func(subject string, data []byte) bool) {
	p.Helper()
	const prefix = "campaign.v1.event.shop-italia.codes."
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(10 * time.Minute)
	last := "nothing"
	for {
		events, err := p.js.Stream(p.Context(), "CAMPAIGN_EVENTS")
		if err == nil {
			var m *jetstream.RawStreamMsg
			if m, err = events.GetLastMsgForSubject(p.Context(), prefix+">"); err == nil {
				if last = strings.TrimPrefix(m.Subject, prefix); is(last, m.Data) {
					return
				}
			}
		}
		if strings.HasPrefix(last, "rejected.") {
			p.Fatalf("until it is %s: it is rejected", what)
		}
		select {
		case <-tick.C:
		case <-limit:
			p.Fatalf("it is not %s: the last event is %s (%v)", what, last, err)
		}
	}
}

func isConfirmed(subject string, _ []byte) bool {
	return subject == "confirmed.1" || strings.HasPrefix(subject, "stats.")
}

func isCompleted(_ string, data []byte) bool {
	var stats campaignv1.CampaignStats
	return proto.Unmarshal(data, &stats) == nil && stats.Last
}

// gotTheirCodes wants everybody to have one message, and some of them, from the first to
// the last, to have their own code.
func (p *people) gotTheirCodes() {
	p.Helper()
	var seen struct{ Messages, Phones, MaxPerPhone, Confirms int }
	p.box.control(http.MethodGet, "/sandbox/seen", nil, &seen)
	if seen.Messages != p.n || seen.Phones != p.n || seen.MaxPerPhone != 1 || seen.Confirms != 1 {
		p.Errorf("the gateway saw %+v, want one message to each of %d and one confirm", seen, p.n)
	}
	for i := 0; i < p.n; i += max((p.n-1)/4, 1) {
		var got struct{ Texts []struct{ Text string } }
		p.box.control(http.MethodGet, "/sandbox/seen?phone="+strings.Replace(phoneOf(i), "+", "%2B", 1), nil, &got)
		if want := "Solo per te: " + codeOf(i); len(got.Texts) != 1 || got.Texts[0].Text != want {
			p.Errorf("number %d got %v, want %q", i, got.Texts, want)
		}
	}
}

// nothingIsLeft waits until the recipients are removed, and then looks for every number and
// every code in every stream, in the logs and in the metrics.
func (p *people) nothingIsLeft(s *stack, service *service) {
	p.Helper()
	eventually(p, "the campaign's recipients are removed", func(ctx context.Context) error {
		records, err := p.js.Stream(ctx, "KV_campaigns")
		if err != nil {
			return err
		}
		m, err := records.GetLastMsgForSubject(ctx, "$KV.campaigns.shop-italia.codes")
		if err != nil {
			return err
		}
		var c struct{ Cleared time.Time }
		if err := json.Unmarshal(m.Data, &c); err == nil && c.Cleared.IsZero() {
			err = errors.New("not yet")
			return err
		}
		return nil
	})
	hers := map[string]bool{}
	for i := range p.n {
		hers[phoneOf(i)[3:]], hers[codeOf(i)] = true, true
	}
	look := regexp.MustCompile(`[0-9]{10,}|Z[0-9a-f]{8}Q`)
	search := func(place string, content []byte) {
		for _, found := range look.FindAll(content, -1) {
			// A number may stand behind its country, or in the middle of other digits.
			for from := 0; from+10 <= len(found); from++ {
				if hers[string(found[from:from+10])] {
					p.Fatalf("%s still holds %s", place, found)
				}
			}
		}
	}
	var looked int
	for name := range p.js.StreamNames(p.Context()).Name() {
		st, err := p.js.Stream(p.Context(), name)
		if err != nil {
			p.Fatal(err)
		}
		for state, seq := st.CachedInfo().State, max(st.CachedInfo().State.FirstSeq, 1); seq <= state.LastSeq; seq++ {
			m, err := st.GetMsg(p.Context(), seq)
			if errors.Is(err, jetstream.ErrMsgNotFound) {
				continue
			}
			if err != nil {
				p.Fatalf("%s: %v", name, err)
			}
			search(name, fmt.Appendf(m.Data, "\n%s %v", m.Subject, m.Header))
			looked++
		}
	}
	for _, c := range []*container{service.container, s.nats.containers[0]} {
		r, err := c.Logs(p.Context())
		if err != nil {
			p.Fatal(err)
		}
		said, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			p.Fatal(err)
		}
		search("the log of "+c.name, said)
	}
	for _, page := range []string{"/metrics", "/readyz"} {
		said, err := fetch(p.Context(), http.MethodGet, service.URL()+page, "", nil)
		if err != nil {
			p.Fatal(err)
		}
		search(page, said)
	}
	if left, err := p.js.Stream(p.Context(), "CAMPAIGN_AUDIENCES"); err != nil || left.CachedInfo().State.Msgs > 0 {
		p.Errorf("chunks are left in CAMPAIGN_AUDIENCES (%v)", err)
	}
	if looked == 0 {
		p.Error("there was nothing to look into")
	}
}

// part is one part of what a campaign takes.
type part struct {
	name string
	took time.Duration
}

// alone makes the parts of a campaign with recipients by hand, one after the other, at the
// same servers: what nobody who does all of it can save.
func (p *people) alone(file []byte) (parts []part) {
	p.Helper()
	timed := func(name string, do func() error) {
		p.Helper()
		began := time.Now()
		if err := do(); err != nil {
			p.Fatalf("%s: %v", name, err)
		}
		parts = append(parts, part{name, time.Since(began)})
	}
	base := p.box.sandbox + "/api/partner-gateway/v1"
	var list, draft struct{ ID int }
	ask := func(method, path, contentType string, body []byte, into any) error {
		said, err := fetch(p.Context(), method, base+path, contentType, body)
		if err == nil && into != nil {
			err = json.Unmarshal(said, into)
		}
		return err
	}
	const asJSON = "application/json"
	timed("one upload", func() error {
		if err := ask(http.MethodPost, "/contacts/list", asJSON, []byte(`{"name":"by hand","description":""}`), &list); err != nil {
			return err
		}
		var form bytes.Buffer
		w := multipart.NewWriter(&form)
		for name, value := range map[string]string{"listId": strconv.Itoa(list.ID), "fileName": "people.csv", "removeHead": "true"} {
			if err := w.WriteField(name, value); err != nil {
				return err
			}
		}
		f, err := w.CreateFormFile("file", "people.csv")
		if err == nil {
			_, err = f.Write([]byte(strings.ReplaceAll(strings.Replace(string(file), "phone;", "phoneNumber;", 1), ";", ",")))
		}
		if err := errors.Join(err, w.Close()); err != nil {
			return err
		}
		return ask(http.MethodPost, "/contacts/upload", w.FormDataContentType(), form.Bytes(), nil)
	})
	timed("create, configure, calculate, price", func() error {
		content := fmt.Sprintf(`{"sender":"ShopItalia","text":"Solo per te: {{code}}","contactListId":%d,"unicode":false}`, list.ID)
		err := ask(http.MethodPost, "/campaigns", asJSON, []byte(`{"name":"by hand","channel":"SMS","description":""}`), &draft)
		for _, call := range []struct{ method, path, body string }{
			{http.MethodPut, "", content}, {http.MethodPost, "/calculateGoal", ""}, {http.MethodGet, "/price", ""},
		} {
			if err == nil {
				err = ask(call.method, fmt.Sprintf("/campaigns/%d%s", draft.ID, call.path), asJSON, []byte(call.body), nil)
			}
		}
		return err
	})
	return parts
}

// fetch makes an HTTP call with the gateway's key.
func fetch(ctx context.Context, method, url, contentType string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Api-Key", gatewayKey)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %s", method, url, res.Status, said)
	}
	return said, err
}

// memory is a figure of the service's process, in MiB, where the container engine is on
// this machine.
func (s *service) memory(t testing.TB, what string) (mib float64, known bool) {
	t.Helper()
	state, err := s.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	proc := fmt.Sprintf("/proc/%d/", state.State.Pid)
	if name, err := os.ReadFile(proc + "comm"); err != nil || strings.TrimSpace(string(name)) != "staffetta" {
		return 0, false
	}
	status, err := os.ReadFile(proc + "status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, what+":"); ok {
			kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib / 1024, true
		}
	}
	return 0, false
}
