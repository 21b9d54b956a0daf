// Package browser looks at the page as people do: in a real browser, at the real program
// with NATS and the sandbox gateway on board. It has the program and a browser, and knows
// nothing else of Staffetta. It is a package of the tools, so that what drives the browser
// is no part of what others import.
package browser
