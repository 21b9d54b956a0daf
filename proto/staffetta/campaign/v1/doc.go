// Package campaignv1 is the public contract: the request that starts a bulk-SMS
// campaign and the events that tell what became of it. It knows shapes, units and
// the rules of a well-formed message (package buf.build/go/protovalidate checks
// them); it refuses to know streams, the gateway, and how a campaign moves.
//
// The .proto files beside it are the source: their comments say what each field
// means. A campaign is known by its source and request id, everywhere.
//
//	request   campaign.v1.request.<source>.<request id>
//	people    campaign.v1.audience.<source>.<sha256>.<n>, in chunks, and
//	          campaign.v1.audience.<source>.@<name>.<version>, under a name
//	events    campaign.v1.event.<source>.<request id>.<type>.<version>
//	types     cost_calculated approval_required approved deferred confirmed stats
//	          rejected cancelled failed unresolved audience_prepared
//
// What people lay down beyond a single campaign (what is held, what may be spent, what
// comes again) has a word in the place of the request id that no request has:
//
//	orders    campaign.v1.command.<source or @all>.@standing.<verb>.<actor>
//	answers   campaign.v1.event.<source or @all>.@standing.<type>.<n>
//	          of the types held, released, budget_changed, schedule_changed
//	told      occurrence_left_out, of what a schedule did not ask for
//
// Events are CloudEvents in binary mode. A campaign_id is a number of the gateway
// that the extension attribute "gateway" names, as a URL (header ce-gateway); events
// without a campaign_id, and those of versions before it, have none. The attribute
// "sequence" orders the events of one campaign, "partitionkey" names it, "dataschema" says
// where its message is explained, and "labelteam" is the request's label "team".
//
// Money and percentages are decimal text and instants are UTC Timestamps; there is
// no floating point in the contract.
package campaignv1

import "embed"

// Sources are the .proto files, with the comments that the generated code does not
// carry. A program that does not use it does not carry them either.
//
//go:embed *.proto
var Sources embed.FS
