package journal

import "google.golang.org/protobuf/proto"

// Promised are the events whose rules are checked, by name.
func Promised() (names []string) {
	for _, m := range promised {
		names = append(names, string(proto.MessageName(m)))
	}
	return names
}
