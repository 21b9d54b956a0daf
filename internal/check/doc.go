// Package check says what would become of a request, without asking for it: it runs the
// rules on a record that is never saved. With a price it makes the calls of a draft, as
// far as the quote, and deletes the draft again. It refuses to know rules of its own, and
// it can make no confirm.
package check
