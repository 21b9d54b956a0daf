package journal

import (
	"context"
	"regexp"
	"strings"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

type approveBody struct {
	QuoteID string `json:"quote_id"`
	By      string `json:"by"`
}

// readApprove insists on a name and on the one quote that it is for.
func readApprove(body []byte, s speaker) (campaign.Input, error) {
	var b approveBody
	if err := readBody(body, &b); err != nil {
		return nil, err
	}
	b.By = s.by(b.By)
	if err := answered(b.QuoteID, b.By); err != nil {
		return nil, err
	}
	return campaign.Approve{QuoteID: b.QuoteID, By: clip(b.By, maxBy), Actor: s.actor()}, nil
}

type declineBody struct {
	QuoteID string `json:"quote_id"`
	By      string `json:"by"`
	Why     string `json:"why,omitempty"`
}

func readDecline(body []byte, s speaker) (campaign.Input, error) {
	var b declineBody
	if err := readBody(body, &b); err != nil {
		return nil, err
	}
	b.By = s.by(b.By)
	if err := answered(b.QuoteID, b.By); err != nil {
		return nil, err
	}
	return campaign.Decline{QuoteID: b.QuoteID, By: clip(b.By, maxBy), Actor: s.actor(), Why: clip(b.Why, maxWhy)}, nil
}

var quoteForm = regexp.MustCompile(`^[0-9a-f]{16}$`)

// answered says what is missing from an answer to a quote.
func answered(quoteID, by string) error {
	var missing []string
	if !quoteForm.MatchString(quoteID) {
		missing = append(missing, "quote_id")
	}
	if strings.TrimSpace(by) == "" {
		missing = append(missing, "by")
	}
	if len(missing) == 0 {
		return nil
	}
	return &unreadable{reason: reasonCommand, fields: missing, note: "say to which quote (quote_id, 16 hexadecimal digits, as in approval_required) and who answers (by)"}
}

// Approve tells the service that somebody agrees to one quote of a campaign,
// and to nothing else.
func (c *Client) Approve(ctx context.Context, key campaign.Key, quoteID, by string) (Placed, error) {
	return c.Command(ctx, key, VerbApprove, approveBody{QuoteID: quoteID, By: by})
}

// Decline tells the service that somebody does not agree to a quote: the
// campaign is rejected.
func (c *Client) Decline(ctx context.Context, key campaign.Key, quoteID, by, why string) (Placed, error) {
	return c.Command(ctx, key, VerbDecline, declineBody{QuoteID: quoteID, By: by, Why: why})
}
