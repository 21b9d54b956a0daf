package runner

import (
	"context"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/loop"
)

// askForProof asks for a proof that the record has, once the record has it. A crash before
// it is asked for leaves the command in its stream: it comes again, and finds the proof in
// the record. Asked for twice, it is asked for once.
func (r *run) askForProof(ctx context.Context, in campaign.Prove) loop.Verdict {
	for _, p := range r.stored.Proofs {
		if p.QuoteID != in.QuoteID || p.N != in.N {
			continue
		}
		if err := r.journal.AskFor(ctx, p.Key(r.stored.Key), p.Request(r.stored)); err != nil {
			return r.trouble(err)
		}
	}
	return loop.Verdict{Do: loop.Ack}
}

// seenProof is the request id of a proof that has reached a phone, of those that the person
// who approves has asked for; empty: none has, as far as their records say. A campaign
// without proofs makes no further read.
func (r *Runner) seenProof(ctx context.Context, c campaign.Campaign, a campaign.Approve) (string, error) {
	for _, p := range c.Proven(a) {
		key := p.Key(c.Key)
		proof, _, err := r.journal.Load(ctx, key)
		if err != nil {
			return "", err
		}
		if s := proof.Stats; s != nil && s.Delivered > 0 {
			return key.RequestID, nil
		}
	}
	return "", nil
}
