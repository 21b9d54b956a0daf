package campaign_test

import (
	"encoding/json"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// reload is the record as the next run finds it.
func reload(t interface {
	Helper()
	Fatal(...any)
}, c campaign.Campaign) campaign.Campaign {
	t.Helper()
	raw, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var back campaign.Campaign
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	return back
}
