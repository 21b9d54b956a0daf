package contract

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"

	"github.com/staffetta-io/staffetta/internal/campaign"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// audienceOf is whom a validated request names in the place of a list; nil: it names a list.
func audienceOf(m *campaignv1.CampaignRequested) *campaign.Audience {
	var a campaign.Audience
	switch chunks := m.GetAudience(); {
	case chunks != nil:
		a.Digest, a.Size, a.Chunks, a.Format = chunks.GetSha256(), chunks.GetSize(), int(chunks.GetChunks()), formatOf(chunks)
	case m.GetNamedAudience() != nil:
		a.Name, a.MaxAge = m.GetNamedAudience().GetName(), m.GetNamedAudience().GetMaxAge().AsDuration()
	case len(m.GetRecipients()) > 0:
		a.Digest = RecipientsDigest(m.GetRecipients())
	default:
		return nil
	}
	return &a
}

func formatOf(m *campaignv1.Audience) campaign.Format {
	if m.GetFormat() == campaignv1.Audience_FORMAT_PROTOBUF {
		return campaign.Protobuf
	}
	return campaign.CSV
}

// Lacking is what a request wants to become of a recipient who lacks a field of its text.
func Lacking(m *campaignv1.CampaignRequested) campaign.Lacking {
	return codeOf(lacking, m.GetMissingField())
}

// RecipientsDigest stands for exactly these people, with these fields, in this order. It is
// kept for ever beside the request, so it is not made of protobuf's own encoding, which may
// change.
func RecipientsDigest(all []*campaignv1.Recipient) string {
	sum := sha256.New()
	var length [binary.MaxVarintLen64]byte
	number := func(n int) { sum.Write(length[:binary.PutUvarint(length[:], uint64(n))]) }
	text := func(s string) {
		number(len(s))
		sum.Write([]byte(s))
	}
	for _, r := range all {
		text(r.GetPhoneNumber())
		number(len(r.GetFields()))
		for _, name := range slices.Sorted(maps.Keys(r.GetFields())) {
			text(name)
			text(r.GetFields()[name])
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}
