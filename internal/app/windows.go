package app

import (
	"fmt"
	"os"
	"strings"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/window"
)

// readWindows reads the files of send windows, separated by commas. Each is
// known by the name inside it, which is what a request says.
func readWindows(files string) (map[string]campaign.Window, error) {
	windows := map[string]campaign.Window{}
	for file := range strings.SplitSeq(files, ",") {
		if file = strings.TrimSpace(file); file == "" {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("windows: %w", err)
		}
		p, err := window.Read(data)
		if err != nil {
			return nil, fmt.Errorf("windows: %s: %w", file, err)
		}
		if windows[p.Name] != nil {
			return nil, fmt.Errorf("windows: %s: another file is called %q already: give each its own name", file, p.Name)
		}
		windows[p.Name] = &p
	}
	return windows, nil
}
