package contract

import (
	"regexp"
	"strings"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/deadletter"
)

// ApproveBody is what the command approve says.
type ApproveBody struct {
	QuoteID string `json:"quote_id"`
	By      string `json:"by"`
}

// readApprove insists on a name and on the one quote that it is for.
func readApprove(body []byte, s speaker) (campaign.Input, error) {
	var b ApproveBody
	if err := readBody(body, &b); err != nil {
		return nil, err
	}
	b.By = s.by(b.By)
	if err := checkAnswer(b.QuoteID, b.By); err != nil {
		return nil, err
	}
	return campaign.Approve{QuoteID: b.QuoteID, By: Clip(b.By, maxBy), Actor: s.actor()}, nil
}

// DeclineBody is what the command decline says.
type DeclineBody struct {
	QuoteID string `json:"quote_id"`
	By      string `json:"by"`
	Why     string `json:"why,omitempty"`
}

func readDecline(body []byte, s speaker) (campaign.Input, error) {
	var b DeclineBody
	if err := readBody(body, &b); err != nil {
		return nil, err
	}
	b.By = s.by(b.By)
	if err := checkAnswer(b.QuoteID, b.By); err != nil {
		return nil, err
	}
	return campaign.Decline{QuoteID: b.QuoteID, By: Clip(b.By, maxBy), Actor: s.actor(), Why: Clip(b.Why, maxWhy)}, nil
}

var quoteForm = regexp.MustCompile(`^[0-9a-f]{16}$`)

// checkAnswer says what is missing from an answer to a quote.
func checkAnswer(quoteID, by string) error {
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
	return &Unreadable{Reason: deadletter.BadCommand, fields: missing, Note: "say to which quote (quote_id, 16 hexadecimal digits, as in approval_required) and who answers (by)"}
}
