package streams

// The streams, by name.
const (
	Requests    = "CAMPAIGN_REQUESTS"
	Commands    = "CAMPAIGN_COMMANDS"
	Records     = "KV_campaigns"
	Events      = "CAMPAIGN_EVENTS"
	Wakeups     = "CAMPAIGN_WAKEUPS"
	DeadLetters = "CAMPAIGN_DEAD_LETTERS"
)

const (
	RequestPrefix = "campaign.v1.request."
	RecordPrefix  = "$KV.campaigns."
	EventPrefix   = "campaign.v1.event."
	TimerPrefix   = "campaign.v1.timer."
	WakeupPrefix  = "campaign.v1.wakeup."
	CommandPrefix = "campaign.v1.command."
	DeadPrefix    = "campaign.v1.dead."
	DeadUnnamed   = DeadPrefix + "unreadable" // of a message whose subject names no campaign
)

// Budgets holds the budgets and their ledgers. It is there once somebody
// has set a budget, or a service was told to enforce them.
const Budgets = "KV_budgets"

// BudgetPrefix begins the subjects of budgets and their ledgers.
const BudgetPrefix = "$KV.budgets."

// Rate holds the tokens of each gateway account that its services share.
const Rate = "KV_rate"

// RatePrefix begins the subjects of these records; the account's name follows.
const RatePrefix = "$KV.rate."

// People holds the secret of the hashes that stand for people, and which campaigns hold
// which people. It is there once a campaign needs it. It holds no number and no value.
const People = "KV_people"

const (
	PeoplePrefix = "$KV.people."
	// HashKey is the secret.
	HashKey = PeoplePrefix + "hashkey"
	// ClaimsPrefix begins the subjects of the claims; the account's name follows.
	ClaimsPrefix = PeoplePrefix + "claims."
	// ReadersPrefix begins the names of the campaigns that read chunks: source, digest and
	// request id follow.
	ReadersPrefix = PeoplePrefix + "readers."
	// RowsPrefix begins the subjects of what a claim holds: the account's name, source,
	// request id and a number follow.
	RowsPrefix = PeoplePrefix + "rows."
)

// The streams of recurring campaigns: the record of each schedule, and its
// timers. The server's own cron schedules (ADR-51) know zones, but say nothing
// of a time that a day skips or has twice, and nothing of what an outage left
// behind; so each timer is for one instant, and package schedule names it.
const (
	Schedules       = "KV_schedules"
	ScheduleWakeups = "SCHEDULE_WAKEUPS"
)

const (
	SchedulePrefix       = "$KV.schedules."
	ScheduleTimerPrefix  = "campaign.v1.schedule.timer."
	ScheduleWakeupPrefix = "campaign.v1.schedule.wakeup."
)

// HeaderKV is on the marker of a record that was deleted by hand.
const HeaderKV = "KV-Operation"

// Words of which subjects are made, where JetStream has to know them.
const (
	// Standing stands in the place of a request id: a standing order is about no single
	// campaign.
	Standing = "@standing"
	// CancelVerb is the verb that has a consumer of its own.
	CancelVerb = "cancel"
)
