package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/staffetta-io/staffetta/internal/access"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/query"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// folders hold nothing but what is written here.
var folders = []string{"schemas", "deploy/nack", "docs/reference"}

// tableOfAccess is the one that the examples of deploy begin with.
const tableOfAccess = "deploy/nats/access.yaml"

// bareContract is the contract for protoc.
const bareContract = "schemas/staffetta.campaign.v1.binpb"

// files are all that is written, by their path from the root.
func files(root string) (map[string][]byte, error) {
	data, err := os.ReadFile(filepath.Join(root, tableOfAccess))
	if err != nil {
		return nil, err
	}
	table, err := access.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", tableOfAccess, err)
	}
	all := map[string][]byte{}
	if err := addSchemas(all); err != nil {
		return nil, err
	}
	for name, of := range map[string]func() ([]byte, error){
		"schemas/asyncapi.yaml":      func() ([]byte, error) { return document(root) },
		bareContract:                 bare,
		"docs/reference/README.md":   indexPage,
		"docs/reference/request.md":  requestPage,
		"docs/reference/events.md":   eventsPage,
		"docs/reference/orders.md":   ordersPage,
		"deploy/nats/streams.sh":     script,
		"deploy/nack/streams.yaml":   manifests,
		"deploy/nack/consumers.yaml": func() ([]byte, error) { return readers(table) },
	} {
		var err error
		if all[name], err = of(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// told is a message of the contract, and where it goes.
type told struct {
	message protoreflect.MessageDescriptor
	kind    string // of an event its type, of an order its verb
}

// requested is the one message that asks for a campaign.
func requested() protoreflect.MessageDescriptor {
	return (*campaignv1.CampaignRequested)(nil).ProtoReflect().Descriptor()
}

// version is the message that publishes a list under a name.
func version() protoreflect.MessageDescriptor {
	return (*campaignv1.AudienceVersion)(nil).ProtoReflect().Descriptor()
}

// events are those of campaigns, in the order of their lives.
func events() (all []told) {
	for _, t := range campaign.EventTypes {
		all = append(all, told{contract.EventMessage(t), string(t)})
	}
	return all
}

// answers are what is told beyond single campaigns.
func answers() []told { return byKind(contract.AnswerMessages()) }

// orders are what is laid down beyond a single campaign.
func orders() []told { return byKind(contract.OrderMessages()) }

func addSchemas(all map[string][]byte) error {
	add := func(s *jsonschema.Schema, err error) error {
		if err != nil {
			return err
		}
		name := "schemas/" + s.ID[len(schemaHome):]
		if all[name], err = encoded(s); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	}
	if err := add(schemaOf(requested(), true)); err != nil {
		return err
	}
	if err := add(schemaOf(version(), true)); err != nil {
		return err
	}
	for _, o := range orders() {
		if err := add(schemaOf(o.message, true)); err != nil {
			return err
		}
	}
	for _, e := range append(events(), answers()...) {
		if err := add(schemaOf(e.message, false)); err != nil {
			return err
		}
	}
	for _, verb := range contract.Verbs() {
		if err := add(commandSchema(verb)); err != nil {
			return err
		}
	}
	for _, q := range query.Questions() {
		asked, answer, err := questionSchemas(q)
		if err := add(asked, err); err != nil {
			return err
		}
		if err := add(answer, nil); err != nil {
			return err
		}
	}
	return add(errorSchema())
}

// byKind puts messages into the order of their kinds.
func byKind(of map[string]protoreflect.MessageDescriptor) (all []told) {
	for _, kind := range slices.Sorted(maps.Keys(of)) {
		all = append(all, told{of[kind], kind})
	}
	return all
}

// contractFiles are the .proto files of the contract, in the order of their names.
func contractFiles() (all []string) {
	protoregistry.GlobalFiles.RangeFilesByPackage(requested().ParentFile().Package(), func(f protoreflect.FileDescriptor) bool {
		all = append(all, f.Path())
		return true
	})
	slices.Sort(all)
	return all
}
