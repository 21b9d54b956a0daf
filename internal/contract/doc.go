// Package contract is what the service and the world say to each other: protobuf to
// campaigns and back, what a request or a command must be, each fault with its field and
// its remedy, events held against their rules, and stored events and dead letters read
// back. The keys and subjects of messages are here too.
//
// Its tests hold the contract to its word: what was published stays readable, and each
// field refuses what is not well-formed.
//
// It refuses to know NATS, and how a campaign moves.
package contract
