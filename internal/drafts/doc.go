// Package drafts finds the campaigns at the gateway that bear our mark, holds them
// against what is known of their keys, and deletes those that nobody needs: what a crash
// between a create and the record of it left behind.
//
// It refuses to know the loop. A draft that a record or an event names is never deleted
// here, and neither is one of which nobody here asked for the campaign, unless a check
// made it.
package drafts
