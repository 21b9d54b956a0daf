package contract_test

import (
	"maps"
	"slices"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
)

// Every event of the rules has its message in the contract, and every event of the
// contract has its rules checked, those of later versions too.
func TestEveryEventHasItsMessage(t *testing.T) {
	t.Parallel()
	var events []string
	protoregistry.GlobalTypes.RangeMessages(func(m protoreflect.MessageType) bool {
		if d := m.Descriptor(); d.ParentFile().Package() == "staffetta.campaign.v1" && (d.Fields().ByName("campaign_id") != nil && d.Fields().ByName("version") != nil || d.Fields().ByName("command") != nil || d.Fields().ByName("due") != nil) {
			events = append(events, string(d.FullName()))
		}
		return true
	})
	told := contract.Messages()
	checked := slices.Sorted(slices.Values(append(slices.Collect(maps.Values(told)), contract.Answers()...)))
	if slices.Sort(events); !slices.Equal(events, checked) {
		t.Errorf("the contract has the events %v, checked are %v", events, checked)
	}
	for _, e := range campaign.EventTypes {
		if told[e] == "" {
			t.Errorf("nothing in the contract tells of %s", e)
		}
	}
	if len(told) != len(campaign.EventTypes) {
		t.Errorf("told are %v, the rules have only %v", told, campaign.EventTypes)
	}
}

// Every word of the contract's enumerations is one of ours.
func TestTheContractHasNoWordThatNobodySays(t *testing.T) {
	t.Parallel()
	said := contract.Words()
	for name, ours := range said {
		d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName("staffetta.campaign.v1." + name))
		if err != nil {
			t.Fatal(err)
		}
		values := d.(protoreflect.EnumDescriptor).Values()
		for i := range values.Len() {
			word := values.Get(i)
			if meant := slices.Contains(ours, int32(word.Number())); !meant && word.Number() != 0 && word.Name() != "ON_LIMIT_REJECT" {
				t.Errorf("%s: nobody says %s", name, word.Name())
			}
		}
	}
}
