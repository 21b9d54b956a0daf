// Package scenario knows the three companies of UC-006 and what they have to
// go through: ShopItalia's Black Friday, Studio Bianchi's Mondays, AcquaLuce's
// due dates. Each is a test that lives their days in simulated time, with the
// real rules, loop, gateway client and sandbox, and prints what a manager
// would want to read; testdata holds what was printed.
//
// It refuses to know NATS: there the same campaigns run in package story.
package scenario
