// Package budget knows what may be spent and what is: definitions (a limit for
// a day and for a month, of one source or of the whole account), one ledger for
// each budget and period, and how an amount is put into several ledgers so that
// together they are never exceeded, whoever crashes on the way.
//
// It refuses to know where records are kept (it asks a [Store] with
// compare-and-set), when a campaign may be confirmed, and what the gateway is.
//
// # The ledger
//
// A ledger holds the total of what was settled and, by campaign, what is
// reserved and not settled yet. Settling takes the reservation out and adds the
// real cost to the total in one write, so the record does not grow with the
// number of campaigns, only with those under way: at most [MaxOpen], and a
// campaign that finds it full is asked to come again. Beside them it keeps the
// marks of the last [MaxCounted] campaigns that were settled at a cost, twelve
// bytes each, so that settling twice is settling once.
//
// A campaign that is settled without a reservation (it was confirmed before the
// budget was set, or a power cut took the reservation) is counted all the same.
// It is told from one that is settled for the second time by its mark. A repeat
// that comes after a thousand others is counted twice: too much, never too
// little.
//
// # Several budgets
//
// A reservation goes into the ledgers of the source before those of the
// account, the day before the month. Each holds alone: it admits nothing above
// its limit. A crash between two leaves too much reserved, never too little,
// until the campaign comes again, ends, or is found by [Book.Sweep]. Until the
// last ledger has it the reservation is pending: whoever finds no room because
// of it is told to come again, and not that the budget is exceeded.
//
// Nothing takes out what somebody else has put in, except [Book.Settle]. So
// whoever settles at nothing must first have made sure that the campaign cannot
// be confirmed any more, and whoever confirms must have a reservation and save
// that it does so on a record that says that it may.
package budget
