// Package web is the page that people look at in a browser: what waits for them, what
// campaigns are doing, what money is left, and what they can do about it. It asks the
// service and tells it, like any other person's client, and keeps nothing.
//
// It knows HTTP, HTML, and the words of a language. It refuses to know streams, rules,
// gateways and settings.
package web
