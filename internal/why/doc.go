// Package why knows how to tell what happened to one campaign to somebody who
// has never seen the code: when it was asked for, each call to the gateway and
// what came of it, what was decided and by whom, what it waits for now and
// until when, and what a person can do. It tells it in plain sentences, from
// what the streams hold and nothing else.
//
// It refuses to know where the evidence comes from: it reads no stream, no
// clock and no terminal.
package why
