// Package button is the red button: what people press when something is wrong and
// nobody knows yet what. While it is pressed, for one source or for all, nothing is
// begun and nothing is confirmed; what is cancelled or expires goes its way.
//
// It is one record that all replicas share, and one look at it a second for each of
// them while there is work. Whoever cannot look takes it for pressed.
package button
