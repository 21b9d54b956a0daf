package contract_test

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/testing/protocmp"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

var write = flag.Bool("write", false, "write the golden messages that are missing; never one that exists")

// folder is where the contract lies.
const folder = "../../proto/staffetta/campaign/v1"

// The package's comment lists the types of events by which people subscribe.
func TestThePackageListsItsEvents(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile(filepath.Join(folder, "doc.go"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(folder, "campaign_*.proto"))
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	_, types, _ := strings.Cut(string(doc), "//	types ")
	types, _, _ = strings.Cut(types, "//\n")
	listed := strings.Fields(strings.ReplaceAll(types, "//", ""))
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "campaign_"), ".proto")
		if name != "requested" && !slices.Contains(listed, name) {
			t.Errorf("%s is in none of the types %q", name, listed)
		}
		if messages()["campaign_"+name] == nil {
			t.Errorf("no message stands for %s in the golden files", name)
		}
	}
	if len(listed) != len(files)-1 {
		t.Errorf("%d types of %d events: %q", len(listed), len(files)-1, listed)
	}
}

// golden are messages of every type.
func golden() map[string]proto.Message {
	all := messages()
	maps.Copy(all, orders())
	maps.Copy(all, answers())
	maps.Copy(all, named())
	return all
}

// What was published stays readable: the golden files are bytes of the day the
// contract was accepted, and are never written again.
func TestGoldenMessagesMeanTheSameToday(t *testing.T) {
	t.Parallel()
	codecs := map[string]struct {
		encode func(proto.Message) ([]byte, error)
		decode func([]byte, proto.Message) error
	}{
		".binpb": {proto.MarshalOptions{Deterministic: true}.Marshal, proto.Unmarshal},
		".json":  {protojson.MarshalOptions{Multiline: true}.Marshal, protojson.Unmarshal},
	}
	for name, want := range golden() {
		for ext, codec := range codecs {
			t.Run(name+ext, func(t *testing.T) {
				t.Parallel()
				file := filepath.Join("testdata", name+ext)
				data, err := os.ReadFile(file)
				if os.IsNotExist(err) && *write {
					if data, err = codec.encode(want); err == nil {
						err = os.WriteFile(file, data, 0o644)
					}
				}
				if err != nil {
					t.Fatal(err)
				}
				got := want.ProtoReflect().New().Interface()
				if err := codec.decode(data, got); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
					t.Errorf("%s means something else now (-then +now):\n%s", file, diff)
				}
			})
		}
	}
}

// fields calls do for each field of each message of the package.
func fields(do func(protoreflect.FieldDescriptor)) {
	var walk func(protoreflect.MessageDescriptors)
	walk = func(messages protoreflect.MessageDescriptors) {
		for i := range messages.Len() {
			m := messages.Get(i)
			for j := range m.Fields().Len() {
				do(m.Fields().Get(j))
			}
			walk(m.Messages())
		}
	}
	protoregistry.GlobalFiles.RangeFilesByPackage("staffetta.campaign.v1", func(f protoreflect.FileDescriptor) bool {
		walk(f.Messages())
		return true
	})
}

func TestNoFieldIsAFloatingPointNumber(t *testing.T) {
	t.Parallel()
	seen := 0
	fields(func(f protoreflect.FieldDescriptor) {
		seen++
		if k := f.Kind(); k == protoreflect.FloatKind || k == protoreflect.DoubleKind {
			t.Errorf("%s is a %s", f.FullName(), k)
		}
		if m := f.Message(); m != nil && m.ParentFile().Package() != "staffetta.campaign.v1" && m.ParentFile().Package() != "google.protobuf" {
			t.Errorf("%s is a %s: a type whose insides are not ours to promise", f.FullName(), m.FullName())
		}
	})
	if seen < 50 {
		t.Errorf("walked %d fields only", seen)
	}
}

// Whoever reads one event can read the head of them all.
func TestEveryEventNamesItsCampaignInTheSameFields(t *testing.T) {
	t.Parallel()
	head := []protoreflect.Name{"source", "request_id", "campaign_id", "version", "simulation"}
	for name, m := range messages() {
		if _, request := m.(*campaignv1.CampaignRequested); request {
			continue
		}
		for i, want := range head {
			f := m.ProtoReflect().Descriptor().Fields().ByNumber(protoreflect.FieldNumber(i + 1))
			if f == nil || f.Name() != want {
				t.Errorf("%s: field %d is %v, want %s", name, i+1, f, want)
			}
		}
	}
}

func TestThereIsAGoldenMessageOfEachType(t *testing.T) {
	t.Parallel()
	has := map[protoreflect.FullName]bool{ // inside the others
		"staffetta.campaign.v1.Money": true, "staffetta.campaign.v1.Recipient": true, "staffetta.campaign.v1.Audience": true,
		"staffetta.campaign.v1.NamedAudience": true, "staffetta.campaign.v1.TakenVersion": true,
	}
	for _, m := range golden() {
		has[m.ProtoReflect().Descriptor().FullName()] = true
	}
	protoregistry.GlobalFiles.RangeFilesByPackage("staffetta.campaign.v1", func(f protoreflect.FileDescriptor) bool {
		for i := range f.Messages().Len() {
			if name := f.Messages().Get(i).FullName(); !has[name] {
				t.Errorf("%s has none", name)
			}
		}
		return true
	})
}
