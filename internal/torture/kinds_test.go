package torture

import (
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
}

var kinds = []kind{
	{name: "by id"},
	{name: "to the letter", variants: sandbox.Variants{UC006: true}, asks: true},
	{name: "to the letter, measured", variants: sandbox.Variants{UC006: true}, settings: []string{
		"STAFFETTA_GATEWAY_VARIANT=read=no read_confirmed=no configure_sent=refused", "STAFFETTA_GATEWAY_CONFIGURE_REFUSED_ONCE_SENT=yes"}},
	{name: "no delete", variants: sandbox.Variants{NoDelete: true}},
	{name: "configured once", variants: sandbox.Variants{ConfigureOnce: true}},
	{name: "confirm without a body", variants: sandbox.Variants{ConfirmNoBody: true}},
}

// becomes makes the fleet's gateway one of a kind.
func (f *fleet) becomes(k kind) {
	f.Helper()
	v := k.variants
	v.SecondConfirm = true
	f.control("POST", "variants", v, nil)
}

// ended waits until all campaigns are over. They are sent, but for what this kind of
// gateway does not show.
func (f *fleet) ended(k kind) (unresolved int) {
	f.Helper()
	for id, c := range f.land(f.ids) {
		switch {
		case c.State == campaign.Completed:
		case c.State == campaign.Unresolved && k.asks:
			unresolved++
		default:
			f.Errorf("%s: ended %s %+v, want completed", id, c.State, c.Reason)
		}
	}
	return unresolved
}
