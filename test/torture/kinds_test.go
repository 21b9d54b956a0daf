package torture

import (
	"slices"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/sandbox"
)

// A kind of gateway: what it does otherwise, and what the service is told of it. Each
// accepts a second confirm of a draft, charges and sends it.
type kind struct {
	name     string
	variants sandbox.Variants
	settings []string
	// asks: a campaign may end unresolved, because nothing can show what became of its
	// confirm.
	asks bool
	// never is a call that no campaign makes after its confirm at such a gateway, so that
	// none can be waited for.
	never sandbox.Operation
}

var kinds = []kind{
	{name: "by id"},
	// Nothing shows here that a lost confirm did not happen, so its draft is not deleted.
	{name: "to the letter", variants: sandbox.Variants{UC006: true}, asks: true, never: sandbox.Delete},
	// It is told that a read by id finds nothing, so it asks the statistics at once.
	{name: "to the letter, measured", never: sandbox.Status, variants: sandbox.Variants{UC006: true}, settings: []string{
		"STAFFETTA_GATEWAY_VARIANT=read=no read_confirmed=no configure_sent=refused", "STAFFETTA_GATEWAY_CONFIGURE_REFUSED_ONCE_SENT=yes"}},
	{name: "no delete", variants: sandbox.Variants{NoDelete: true}},
	{name: "configured once", variants: sandbox.Variants{ConfigureOnce: true, UploadTwoSteps: true}},
	{name: "confirm without a body", variants: sandbox.Variants{ConfirmNoBody: true}},
}

// deleteUnseen says that a campaign cannot be known to be unsent. Its gateway refuses to
// configure a draft again, so a draft with an intent is left behind only if it is shown
// unconfirmed, deleted, and then seen to vanish. Here the delete took effect and the
// process was killed before it saved the answer. From then on a read answers 404, and
// that proves nothing: the record does not know that the gateway took the delete.
func (k kind) deleteUnseen(c campaign.Campaign, drafts []sandbox.SeenCampaign) bool {
	return k.variants.ConfigureOnce && c.Draft != nil && c.Draft.Intended && !c.Draft.Disarmed && c.Draft.Delete == "" &&
		slices.ContainsFunc(drafts, func(d sandbox.SeenCampaign) bool {
			return int64(d.ID) == c.Draft.ID && d.Deleted && d.Confirms == 0
		})
}

// becomes makes the fleet's gateway one of a kind.
func (f *fleet) becomes(k kind) {
	f.Helper()
	v := k.variants
	v.SecondConfirm = true
	f.control("POST", "variants", v, nil)
}

// ended waits until all campaigns are over. They are sent, but for those of which this
// kind of gateway cannot show whether they were.
func (f *fleet) ended(k kind) (unresolved int) {
	f.Helper()
	records := f.waitUntilOver(f.ids)
	drafts := f.draftsSeen()
	for _, id := range f.ids {
		switch c := records[id]; {
		case c.State == campaign.Completed:
		case c.State == campaign.Unresolved && (k.asks || k.deleteUnseen(c, drafts[id])):
			unresolved++
		default:
			f.Errorf("%s: ended %s %+v, want completed; its drafts at the gateway: %+v", id, c.State, c.Reason, drafts[id])
		}
	}
	return unresolved
}
