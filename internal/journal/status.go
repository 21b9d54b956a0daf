package journal

import "github.com/staffetta-io/staffetta/internal/campaign"

// sortStatuses gives the causes to a record of an earlier version, which has only the
// number of each. The rules decide by the cause: without it such a record would be
// decided otherwise than by the version that wrote it.
func sortStatuses(c *campaign.Campaign) {
	if why := c.Reason; why != nil {
		sortStatus(&why.Cause, why.HTTP)
	}
	if u := c.Unanswered; u != nil {
		sortStatus(&u.Cause, u.HTTP)
	}
	for i := range c.Attempts {
		sortStatus(&c.Attempts[i].Cause, c.Attempts[i].HTTP)
	}
}

// sortStatus is what a number meant in those versions, which knew one vendor only.
func sortStatus(cause *campaign.Cause, code int) {
	switch {
	case *cause != "":
	case code == 402:
		*cause = campaign.NoCredit
	case code == 403:
		*cause = campaign.Forbidden
	case code == 404:
		*cause = campaign.NotFound
	case code == 405:
		*cause = campaign.Unsupported
	case code >= 500:
		*cause = campaign.Failing
	}
}
