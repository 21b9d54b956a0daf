// Package budget knows what may be spent and what is spent: definitions (a limit
// for a day and for a month, of one source, of one account or of all together), one ledger
// for each budget and period, and how an amount is put into several ledgers so
// that no limit is ever exceeded, whatever crashes on the way.
//
// It refuses to know where records are kept (it asks a [Store] with
// compare-and-set), when a campaign may be confirmed, and what the gateway is.
//
// # The ledger
//
// A ledger holds the total of what was settled and, by campaign, what is reserved
// and not settled yet. Settling takes the reservation out and adds the real cost
// to the total in one write. So the record does not grow with the number of
// campaigns, only with those under way: at most [MaxOpen]. A campaign that finds
// the ledger full is asked to come again. Beside them the ledger keeps the hashes
// of the last [MaxCounted] campaigns that were settled at a cost, twelve bytes
// each, so that settling twice is settling once.
//
// A campaign that is settled without a reservation (it was confirmed before the
// budget was set, or a power cut took the reservation) is counted all the same.
// Its hash tells it from one that is settled for the second time. A repeat that
// comes after a thousand others is counted twice: too much, never too little.
//
// # Several budgets
//
// A reservation goes into the ledgers of the source before those of its account and those
// of all together, the day before the month. Each ledger holds its limit alone. A crash between
// two leaves too much reserved, never too little, until the campaign comes again,
// ends, or is found by [Ledgers.Sweep]. The reservation is pending until the last
// ledger has it. A campaign that finds no room because of a pending one is asked
// to come again: the budget is not called exceeded.
//
// Only [Ledgers.Settle] takes out what another call has put in. This puts a duty on
// two callers. Before it settles at no cost, the caller must know that the
// campaign can no longer be confirmed. Before it confirms, the caller must have a
// reservation, and must have saved its intent on a record that permits the
// confirm.
package budget
