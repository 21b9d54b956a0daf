// Package cli knows what people type, and what they read: commands, flags, settings,
// and the words and figures on the screen.
//
// It refuses to know how anything is done: it turns the command line into options of
// package app, or into a message for a stream.
package cli
