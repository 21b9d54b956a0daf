// Package staffetta asks Staffetta for bulk-SMS campaigns and follows them, over NATS.
//
//	nc, err := nats.Connect(url)
//	client, err := staffetta.New(nc)
//	placed, err := client.Request(ctx, &campaignv1.CampaignRequested{…})
//
// [Client.Request] asks for a campaign; to ask twice is harmless. [Client.Watch] tells what
// happens to one campaign, from its beginning. [Client.Consume] hands over the events of
// all campaigns, through restarts, each until it was handled. [Client.Query] asks the
// service what it knows.
//
// It needs no more than the permissions of a source's own account, and none at all on a
// bare server. Who may do what is on the page docs/security.md of the service, the questions
// are on docs/query.md. Tests of a program that uses this package need no NATS: package
// staffettatest lives campaigns in process.
//
// It knows subjects, headers, and the rules of a well-formed request; it refuses to know
// streams of the service, records, and the gateway.
package staffetta
