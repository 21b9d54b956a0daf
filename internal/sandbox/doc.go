// Package sandbox is the bulk-SMS gateway as UC-006 describes it: an HTTP handler
// with its own contacts, lists, opt-outs and credit, that enforces what the
// gateway enforces, really counts recipients and parts, computes money in
// decimals, and sends in simulated time. It can be told to misbehave and asked
// what it saw.
//
// It refuses to know its client. It shares no type with package gateway, and
// imports nothing of ours but package sms: two readings of one specification
// check each other.
//
// # Time
//
// Nothing runs in the background. How far a campaign has come is worked out from
// the clock when a call asks for it. So 100,000 recipients cost nothing while they
// are sent to, and the sandbox works in a testing/synctest bubble. Speed makes sending
// faster and nothing else: instants and scheduled dates are those of the clock.
// Advance moves the clock.
//
// # Control
//
// Everything under /sandbox/ is control, and has a method of Sandbox for use in
// process:
//
//	GET    /sandbox/seen         Seen, SeenPhone   what was really confirmed, charged and sent
//	GET    /sandbox/calls        Calls             the call log
//	*      /sandbox/faults       AddFault …        misbehave: delay, cut, refuse, happen later
//	*      /sandbox/variants     SetVariants       behave otherwise than UC-006, for good
//	*      /sandbox/credit       SetCredit         the money
//	POST   /sandbox/contacts     AddContacts, FillDemo
//	POST   /sandbox/strangers    FillStrangers     campaigns of other customers
//	*      /sandbox/optouts      OptOut, OptIn
//	POST   /sandbox/unreachable  Unreachable, UnreachablePrefix
//	POST   /sandbox/keys, rate   SetKeys, SetRate
//	*      /sandbox/clock        Advance, SetSpeed
//	POST   /sandbox/campaigns/{id}/fail  FailCampaign
//	POST   /sandbox/reset        Reset
//
// docs/sandbox.md has the bodies, and lists what UC-006 leaves open and the
// sandbox had to decide.
package sandbox
