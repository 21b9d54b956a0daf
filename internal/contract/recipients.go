package contract

import (
	"errors"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// RecipientsIn reads the people in a request that was read before.
func RecipientsIn(h Header, data []byte) ([]*campaignv1.Recipient, error) {
	var m campaignv1.CampaignRequested
	if err := decodeRequest(&m, h, data); err != nil {
		return nil, errors.New("the request cannot be read any more")
	}
	return m.GetRecipients(), nil
}
