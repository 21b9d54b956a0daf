package app

import (
	"fmt"

	"github.com/staffetta-io/staffetta/internal/doctor"
	"github.com/staffetta-io/staffetta/internal/gateway"
	"github.com/staffetta-io/staffetta/internal/gateway/uc006"
)

// vendors are those whose API is spoken, by their name in gateway.vendor. A new one is
// a package beside theirs, and a line here.
var vendors = map[string]func(Gateway) (gateway.Vendor, error){
	defaultVendor: openUC006,
}

const defaultVendor = "uc006"

// vendor is the one that is configured.
func (g Gateway) vendor() (gateway.Vendor, error) {
	if err := checkVendor(Options{Gateway: g}); err != nil {
		return gateway.Vendor{}, fmt.Errorf("gateway.vendor%w", err)
	}
	return vendors[g.Vendor](g)
}

func openUC006(g Gateway) (gateway.Vendor, error) {
	envelope, err := uc006.ParseEnvelope(g.Envelope)
	if err != nil {
		return gateway.Vendor{}, fmt.Errorf("gateway.envelope: %w", err)
	}
	learnt, err := doctor.ParseVariant(g.Variant)
	if err != nil {
		return gateway.Vendor{}, fmt.Errorf("gateway.variant: %w", err)
	}
	return uc006.New(uc006.Options{Envelope: envelope, NoRead: learnt.NoRead(), TwoSteps: learnt.TwoSteps()}), nil
}
