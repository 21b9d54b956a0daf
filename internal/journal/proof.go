package journal

import (
	"context"
	"fmt"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// learnProof learns whether the subjects of commands prove who said them, and says in one
// line who may do what.
func (j *Journal) learnProof(ctx context.Context) error {
	ctx, done := streams.WatchRights(j.nc).Watch(ctx, streams.WhoAmI)
	defer done()
	me, err := streams.AskMe(ctx, j.nc, contract.IsToken)
	j.intake.Proven, j.intake.Required = err == nil && me.Proves(), j.options.ProofRequired
	switch {
	case j.intake.Proven:
		j.options.Log.Info("the account of the streams is the service's: who said a command is what its subject proves", "account", me.Account)
	case j.options.ProofRequired && err != nil:
		return fmt.Errorf("commands.proof is required, and NATS does not say who this is: %w", err)
	case j.options.ProofRequired:
		return fmt.Errorf("commands.proof is required, and on a server without accounts nothing is proven: print accounts with staffetta access print, see docs/security.md, or leave the setting out")
	case err != nil:
		j.options.Log.Warn("who said a command is unproven: NATS does not say who this is", "error", err)
	default:
		j.options.Log.Info("everybody is in one account: whoever connects reads and tells everything, and who said a command is unproven; docs/security.md")
	}
	return nil
}
