// Package story knows what campaigns live through, from the outside: a backend
// publishes, events come, the sandbox gateway has seen what it has seen. Each
// story is told against a [Stack] and does not know whether that is one process
// or a network of containers.
//
// It refuses to know the inside: no package of ours but the contract. It is for
// tests only.
package story
