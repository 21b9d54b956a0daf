package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/staffetta-io/staffetta/internal/audience"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/sms"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// recipients are a list in a file, that is laid down beside a request.
type recipients struct {
	path     string
	audience *campaignv1.Audience
}

// mostShown is how many of those who are left out are shown.
const mostShown = 20

// withRecipients has a request name the list in a file, and says what would be sent: who is
// given, who gets a message, who does not and why, line by line. Of the list nothing is
// printed but numbers of lines, and names of columns where they are the fault.
func withRecipients(t Terminal, m *campaignv1.CampaignRequested, path string) (*recipients, error) {
	if m.ContactListId != 0 || len(m.Recipients) > 0 || m.Audience != nil || m.NamedAudience != nil {
		return nil, errors.New("the request says already to whom: take contactListId, recipients, audience and namedAudience out of it, or leave out --recipients")
	}
	return readRecipients(t, m, path)
}

// readRecipients says what a campaign would make of the list in a file.
func readRecipients(t Terminal, m *campaignv1.CampaignRequested, path string) (*recipients, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	fields := audience.Fields(sms.Placeholders(m.Text))
	wish := audience.Wish{Region: m.DefaultRegion, Fields: fields, Lacks: contract.Lacking(m)}
	var left []audience.Left
	got, err := audience.Prepare(audience.FromCSV(file, fields), wish, io.Discard, func(l audience.Left) {
		if len(left) < mostShown {
			left = append(left, l)
		}
	})
	sayPrepared(t, path, got, fields, left)
	for _, l := range sms.Lookalikes(m.Text) {
		fmt.Fprintf(t.Err, "staffetta: %s is sent as it stands: a placeholder is {{name}}, of letters A to Z, digits, _ - and .\n", l)
	}
	if wrong := (*audience.Fault)(nil); errors.As(err, &wrong) && wrong.Found != "" {
		err = fmt.Errorf("%w; %s", err, wrong.Found)
	}
	if err == nil && got.Valid == 0 {
		err = errors.New("nobody of the list gets a message")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if _, err = file.Seek(0, io.SeekStart); err == nil {
		m.Audience, err = client.Audience(file, campaignv1.Audience_FORMAT_CSV)
	}
	return &recipients{path, m.Audience}, err
}

// outWords are the reasons as people read them.
var outWords = map[audience.Reason]string{
	audience.Malformed: "malformed", audience.Duplicate: "given twice", audience.Suppressed: "suppressed", audience.Lacking: "lacking a field",
}

func sayPrepared(t Terminal, path string, p audience.Prepared, fields []string, left []audience.Left) {
	if p.Given == 0 {
		return
	}
	var why []string
	for _, r := range audience.Reasons {
		if n := p.Out[r]; n > 0 {
			why = append(why, fmt.Sprintf("%s %s", thousands(n), outWords[r]))
		}
	}
	out := ""
	if len(why) > 0 {
		out = fmt.Sprintf(", %s out: %s", thousands(p.Given-p.Valid), strings.Join(why, ", "))
	}
	fmt.Fprintf(t.Out, "%s: %s given, %s valid%s\n", path, thousands(p.Given), thousands(p.Valid), out)
	for _, l := range left {
		what := outWords[l.Reason]
		if l.Why != "" {
			what += ": " + l.Why
		}
		fmt.Fprintf(t.Out, "  %s: %s\n", l.Place, what)
	}
	if more := p.Given - p.Valid - int64(len(left)); more > 0 && len(left) > 0 {
		fmt.Fprintf(t.Out, "  and %s more\n", thousands(more))
	}
	for _, f := range fields {
		if n := p.Lacking[f]; n > 0 {
			fmt.Fprintf(t.Out, "  {{%s}}: %s lack it\n", f, thousands(n))
		}
	}
}

// layDown publishes the list, with a bar on a terminal.
func (r *recipients) layDown(ctx context.Context, t Terminal, c *client.Client, source string) error {
	file, err := os.Open(r.path)
	if err != nil {
		return err
	}
	defer file.Close()
	b := newBar(t, paint{t.Colour})
	defer b.clear()
	return c.LayDown(ctx, source, r.audience, file, func(done, whole int64) { b.draw(done, whole, "of the recipients are laid down") })
}
