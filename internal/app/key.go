package app

import "github.com/staffetta-io/staffetta/internal/gateway"

// Unprotected says that what goes to a URL can be read on the way.
var Unprotected = gateway.Unprotected

// ReadKeyFile reads the gateway's API key, as the service does.
func ReadKeyFile(path string) (string, error) {
	key, _, err := gateway.ReadKeyFile(path)
	return string(key), err
}
