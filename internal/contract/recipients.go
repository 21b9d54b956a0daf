package contract

import (
	"errors"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// RequestIn reads a request as it was published, whatever rule it breaks.
func RequestIn(h Header, data []byte) (*campaignv1.CampaignRequested, error) {
	var m campaignv1.CampaignRequested
	if err := decodeRequest(&m, h, data); err != nil {
		return nil, errors.New("the request cannot be read any more")
	}
	return &m, nil
}

// RecipientsIn reads the people in a request that was read before.
func RecipientsIn(h Header, data []byte) ([]*campaignv1.Recipient, error) {
	m, err := RequestIn(h, data)
	return m.GetRecipients(), err
}
