package contract

import (
	"fmt"
	"regexp"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/deadletter"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// ProofBody is what the command proof says. Who gets the proof is laid down before, in one
// chunk of an audience: no number is in a command, nor in the dead letter that it may
// become.
type ProofBody struct {
	QuoteID string `json:"quote_id"`
	N       int    `json:"n"` // its ordinal among the proofs of that quote
	By      string `json:"by"`
	People  string `json:"people"` // SHA-256 of the chunk, which is CSV with a header
	Size    int64  `json:"size"`   // of the chunk, in bytes
	Phones  int    `json:"phones"` // how many people it has
}

// readProof insists on what an approval insists on, and on the people.
func readProof(body []byte, s speaker) (campaign.Input, error) {
	var b ProofBody
	if err := readBody(body, &b); err != nil {
		return nil, err
	}
	b.By = s.by(b.By)
	if err := checkAnswer(b.QuoteID, b.By); err != nil {
		return nil, err
	}
	var wrong []string
	for _, field := range []struct {
		name string
		fine bool
	}{
		{"n", b.N >= 1},
		{"people", digestForm.MatchString(b.People)},
		{"size", b.Size >= 1 && b.Size <= streams.ChunkSize},
		{"phones", b.Phones >= 1 && b.Phones <= campaign.PhonesOfAProof},
	} {
		if !field.fine {
			wrong = append(wrong, field.name)
		}
	}
	if len(wrong) > 0 {
		return nil, &Unreadable{Reason: deadletter.BadCommand, fields: wrong, Note: fmt.Sprintf(
			"say which proof of the quote it is (n, from 1) and who gets it: people and size are SHA-256 and length of one chunk that is laid down before, phones is how many it has, 1 to %d", campaign.PhonesOfAProof)}
	}
	return campaign.Prove{QuoteID: b.QuoteID, N: b.N, By: Clip(b.By, maxBy), Actor: s.actor(), Phones: b.Phones,
		People: campaign.Audience{Digest: b.People, Size: b.Size, Chunks: 1, Format: campaign.CSV}}, nil
}

var digestForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

// RequestOf is a request as it goes into its stream, of what the rules want to be asked for.
// An error names the fields at fault.
func RequestOf(v Validator, key campaign.Key, r campaign.Request) (Envelope, error) {
	m := Requested(key, r)
	if err := v.Validate(m); err != nil {
		return Envelope{}, err
	}
	return RequestEnvelope(m, "")
}
