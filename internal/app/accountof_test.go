package app

import (
	"testing"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// The record says which account a campaign is in, not the settings of the day; and
// records of before, which name none, keep theirs.
func TestTheAccountOfACampaign(t *testing.T) {
	t.Parallel()
	named := func(name, at string, movedFrom ...string) *account {
		return &account{at: at, accountOptions: accountOptions{name: name, Options: Options{Rules: campaign.Rules{MovedFrom: movedFrom}}}}
	}
	standing, bianchi, acqua, only := named("default", "one"), named("bianchi", "two", "older"), named("acqua-luce", "two"), named("", "one")
	three := accounts{all: []*account{standing, bianchi, acqua}, bySource: map[string]*account{"studio-bianchi": bianchi, "acqua-luce": acqua, everyOther: standing}}
	nobodyElse := accounts{all: []*account{bianchi, acqua}, bySource: map[string]*account{"acqua-luce": acqua}}
	single := accounts{all: []*account{only}, bySource: map[string]*account{everyOther: only}}
	draft := func(at string) campaign.Campaign { return campaign.Campaign{Draft: &campaign.Bound{Gateway: at}} }
	for name, tt := range map[string]struct {
		in     accounts
		source string
		c      campaign.Campaign
		want   *account
	}{
		"ANewOneIsItsSources":                     {three, "studio-bianchi", campaign.Campaign{}, bianchi},
		"OrThatOfAllOthers":                       {three, "shop-italia", campaign.Campaign{}, standing},
		"OrNobodys":                               {nobodyElse, "shop-italia", campaign.Campaign{}, nil},
		"TheRecordSaysIt":                         {three, "studio-bianchi", campaign.Campaign{Account: "acqua-luce"}, acqua},
		"TheRecordSaysDefault":                    {three, "studio-bianchi", campaign.Campaign{Account: "default"}, standing},
		"TheOnlyOneIsTheDefault":                  {single, "studio-bianchi", campaign.Campaign{Account: "default"}, only},
		"OneThatIsNotThereIsSeenByTheRules":       {three, "studio-bianchi", campaign.Campaign{Account: "gone"}, bianchi},
		"ARecordOfBeforeIsTheDefaults":            {three, "studio-bianchi", draft("one"), standing},
		"ARecordOfBeforeIsWhereItsDraftIs":        {nobodyElse, "acqua-luce", draft("older"), bianchi},
		"ARecordOfBeforeWithTwoThereIsItsSources": {three, "acqua-luce", draft("two"), acqua},
		"ARecordOfBeforeAtNoneIsItsSources":       {three, "acqua-luce", draft("three"), acqua},
		"ARecordThatNamesNoGatewayIsTheDefaults":  {three, "acqua-luce", draft(""), standing},
		"OrItsSources":                            {nobodyElse, "acqua-luce", draft(""), acqua},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tt.in.of(campaign.Key{Source: tt.source, RequestID: "bf"}, tt.c); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}
