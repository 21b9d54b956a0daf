package app

import (
	"strings"

	"github.com/staffetta-io/staffetta/internal/gateway"
)

// addresses reads URLs separated by commas, as records have them.
func addresses(urls string) (all []string, err error) {
	for url := range strings.SplitSeq(urls, ",") {
		if url = strings.TrimSpace(url); url == "" {
			continue
		}
		address, err := gateway.Address(url)
		if err != nil {
			return nil, err
		}
		all = append(all, address)
	}
	return all, nil
}
