// Package spelling finds the name that was meant by one that is misspelt. It knows no
// list of names: whoever refuses a name has it.
package spelling
