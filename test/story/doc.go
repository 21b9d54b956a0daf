// Package story holds the stories that test Staffetta from outside. A backend
// publishes a request, events come, and the sandbox gateway says what it has
// seen. Each story runs against a [Stack] and does not know whether that is one
// process or a network of containers.
//
// It refuses to know the inside: it imports no package of ours but the contract.
// It is for tests only.
package story
