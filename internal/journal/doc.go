// Package journal knows NATS JetStream: the streams, the record of a campaign
// under compare-and-set, the events that are in the stream exactly once, the
// timers, and how a message becomes a wake-up. It is the only package that
// turns a verdict into an acknowledgement, and the only one that sees both the
// protobuf contract and the campaign.
//
// It refuses to know what a campaign may do next (package campaign), the order
// of load, save and deliver (package runner), and the gateway.
//
//	CAMPAIGN_REQUESTS      campaign.v1.request.<source>.<request id>
//	CAMPAIGN_AUDIENCES     campaign.v1.audience.<source>.<digest>.<n>
//	CAMPAIGN_COMMANDS      campaign.v1.command.<source>.<request id>.<verb>.<actor>
//	KV_campaigns           $KV.campaigns.<source>.<request id>
//	CAMPAIGN_EVENTS        campaign.v1.event.<source>.<request id>.<type>.<n>
//	CAMPAIGN_WAKEUPS       campaign.v1.timer.<source>.<request id>.<instant>
//	                       campaign.v1.wakeup.<source>.<request id>
//	CAMPAIGN_DEAD_LETTERS  campaign.v1.dead.<source>.<request id>
//	KV_budgets             $KV.budgets.<definition, ledger or change>.…, once there are budgets
//	KV_people              $KV.people.<hashkey, claims, rows or readers>.…, once a campaign needs it
//	KV_schedules           $KV.schedules.<source>.<schedule id>
//	SCHEDULE_WAKEUPS       campaign.v1.schedule.timer.<source>.<schedule id>.<instant>
//	                       campaign.v1.schedule.wakeup.<source>.<schedule id>
package journal
