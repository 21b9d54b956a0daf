// Package cli knows what people type, and what they read back: commands,
// flags, settings, and the words and figures on the screen.
//
// It refuses to know how anything is done: it turns what was typed into
// options of package app, or into a message for a stream.
package cli
