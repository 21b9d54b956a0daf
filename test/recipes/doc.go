// Package recipes holds the recipes of CONTRIBUTING.md to the code: what they say has to
// be touched is touched, on a copy of the tree, and each step that is left out has to
// make the build or a test fail. It holds the closed sets to their tables as well. It is
// tests only.
package recipes
