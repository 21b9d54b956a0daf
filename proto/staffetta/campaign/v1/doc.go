// Package campaignv1 is the public contract: the request that starts a bulk-SMS
// campaign and the events that tell what became of it. It knows shapes, units and
// the rules of a well-formed message (package buf.build/go/protovalidate checks
// them); it refuses to know streams, the gateway, and how a campaign moves.
//
// The .proto files beside it are the source: their comments say what each field
// means. A campaign is known by its source and request id, everywhere.
//
//	request   campaign.v1.request.<source>.<request id>
//	events    campaign.v1.event.<source>.<request id>.<type>.<version>
//	types     cost_calculated approval_required approved deferred confirmed stats
//	          rejected cancelled failed unresolved
//
// Events are CloudEvents in binary mode. A campaign_id is a number of the gateway
// that the extension attribute "gateway" names, as a URL (header ce-gateway); events
// without a campaign_id, and those of versions before it, have none.
//
// Money and percentages are decimal text and instants are UTC Timestamps; there is
// no floating point in the contract.
package campaignv1
