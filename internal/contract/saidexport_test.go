package contract

import (
	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Messages are the events that the service can tell, by type: the name of each in the
// contract.
func Messages() map[campaign.EventType]string {
	names := map[campaign.EventType]string{}
	for t, row := range messages {
		names[t] = string(row.kind.Descriptor().FullName())
	}
	return names
}

// Words are the words of the contract's enumerations that stand for one of ours.
func Words() map[string][]int32 {
	return map[string][]int32{
		"CampaignRejected.Reason":   numbers(rejections),
		"CampaignFailed.Reason":     numbers(failures),
		"CampaignStats.Status":      numbers(statuses),
		"CampaignDeferred.WaitsFor": numbers(waits),
		"OnLimit":                   numbers(limited),
	}
}

func numbers[O comparable, T ~int32](table map[O]T) (all []int32) {
	for _, word := range table {
		all = append(all, int32(word))
	}
	return all
}

// Answers are the events that answer standing orders, by their names in the contract.
func Answers() (names []string) {
	for _, m := range answers {
		names = append(names, string(m.ProtoReflect().Descriptor().FullName()))
	}
	return names
}
