// Package why knows how to tell what happened to one campaign, to a reader who has
// never seen the code: when it was asked for, each call to the gateway and its outcome,
// what was decided and by whom, what it waits for now and until when, and what a person
// can do. It uses plain sentences, and nothing but what the streams hold.
//
// It refuses to know where the evidence comes from: it reads no stream, no
// clock and no terminal.
package why
