package contract_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/staffetta-io/staffetta/internal/contract"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Each message, field, enum and value of the contract is explained, by the text above it
// and by no other one.
func TestEverythingIsExplained(t *testing.T) {
	t.Parallel()
	explained := 0
	explain := func(d protoreflect.Descriptor) {
		t.Helper()
		explained++
		if text, err := contract.Comment(d); err != nil || text == "" {
			t.Errorf("%s: %v", d.FullName(), err)
		}
	}
	enum := func(e protoreflect.EnumDescriptor) {
		explain(e)
		for i := range e.Values().Len() {
			explain(e.Values().Get(i))
		}
	}
	var message func(protoreflect.MessageDescriptor)
	message = func(m protoreflect.MessageDescriptor) {
		if m.IsMapEntry() {
			return // nobody wrote it
		}
		explain(m)
		for i := range m.Fields().Len() {
			explain(m.Fields().Get(i))
		}
		for i := range m.Enums().Len() {
			enum(m.Enums().Get(i))
		}
		for i := range m.Messages().Len() {
			message(m.Messages().Get(i))
		}
	}
	request := (*campaignv1.CampaignRequested)(nil).ProtoReflect().Descriptor()
	protoregistry.GlobalFiles.RangeFilesByPackage(request.ParentFile().Package(), func(f protoreflect.FileDescriptor) bool {
		for i := range f.Messages().Len() {
			message(f.Messages().Get(i))
		}
		for i := range f.Enums().Len() {
			enum(f.Enums().Get(i))
		}
		return true
	})
	if explained < 150 {
		t.Errorf("%d things are explained", explained)
	}
	for d, want := range map[protoreflect.Descriptor]string{
		request:                                "CampaignRequested asks for one bulk-SMS campaign.",
		request.Fields().ByName("immediately"): "As soon as it is confirmed. Only true means anything.",
		request.Fields().ByName("at"):          "At this instant (2020 to 2099).",
		request.Fields().ByName("on_late"):     "What to do when it is later than that:",
		request.Fields().ByName("on_late").Enum().Values().ByNumber(2): "Ask for an approval of exactly this quote.",
	} {
		if text, _ := contract.Comment(d); !strings.HasPrefix(text, want) {
			t.Errorf("%s: %q, want %q", d.FullName(), text, want)
		}
	}
}
