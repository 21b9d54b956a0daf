// Package policies carries the example of a file of send windows in the program, for
// trying it out. No service loads it of its own accord.
package policies

import _ "embed"

// ExampleIT is the file example-it.json: send windows under the name of example-it.
//
//go:embed example-it.json
var ExampleIT []byte
