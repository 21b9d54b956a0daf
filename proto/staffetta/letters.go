package staffetta

import (
	"context"
	"time"
)

// Letter is a message that nobody could act on, and why: a dead letter. Whoever may change
// and repeat it is the operator.
type Letter struct {
	ID     uint64    `json:"id"`
	Buried time.Time `json:"buried"`
	Reason string    `json:"reason"` // bad_key, conflict …: docs/operations.md lists them
	Fields []string  `json:"fields"` // at fault
	Note   string    `json:"note"`   // in words, with the remedy
}

// Letters are the dead letters about one campaign, the oldest first; none is the rule.
// A request that [Client.Request] has stored becomes one only if another program asked for
// something else under the same name meanwhile, or if the service knows rules that this
// version of the package does not know.
func (c *Client) Letters(ctx context.Context, source, requestID string) (all []Letter, err error) {
	question := struct {
		Key   string `json:"key"`
		After string `json:"after,omitempty"`
	}{Key: source + "." + requestID}
	for {
		var page struct {
			Letters []Letter `json:"letters"`
			Next    string   `json:"next"`
		}
		if err := c.Query(ctx, "dlq", question, &page); err != nil {
			return all, err
		}
		all = append(all, page.Letters...)
		if question.After = page.Next; page.Next == "" {
			return all, nil
		}
	}
}
