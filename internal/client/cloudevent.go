package client

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/query"
)

// CloudEvent is an event in JSON.
func CloudEvent(e contract.StoredEvent) (query.Event, error) {
	c := query.Event{
		SpecVersion: "1.0", ID: e.Attribute("ce-id"), Source: e.Attribute("ce-source"), Type: e.Attribute("ce-type"),
		Subject: e.About(), Time: e.Attribute("ce-time"), TraceParent: e.Attribute("traceparent"), Gateway: e.Attribute("ce-gateway"), Account: e.Attribute("ce-account"),
		DataSchema: e.Attribute("ce-dataschema"), PartitionKey: e.Attribute("ce-partitionkey"), TraceState: e.Attribute("tracestate"), Ordinal: e.Attribute("ce-sequence"),
		Sequence: e.Sequence, Stored: e.Stored.UTC(),
	}
	if e.Message == nil {
		return c, nil
	}
	data, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(e.Message)
	if err != nil {
		return c, fmt.Errorf("event %s: %w", e.Subject, err)
	}
	c.DataContentType, c.Data = "application/json", data
	return c, nil
}

// ReadEvent reads what CloudEvent wrote. One of a type that this version does not know
// is told without its message; fields that it does not know are left out.
func ReadEvent(c query.Event) (contract.StoredEvent, error) {
	e := contract.StoredEvent{Subject: contract.EventSubject(c.ID), Sequence: c.Sequence, Stored: c.Stored, Header: map[string][]string{}}
	for name, value := range map[string]string{
		"ce-id": c.ID, "ce-source": c.Source, "ce-type": c.Type, "ce-time": c.Time, "ce-gateway": c.Gateway, "ce-account": c.Account, "traceparent": c.TraceParent,
		"ce-dataschema": c.DataSchema, "ce-partitionkey": c.PartitionKey, "tracestate": c.TraceState, "ce-sequence": c.Ordinal,
	} {
		if value != "" {
			e.Header[name] = []string{value}
		}
	}
	var err error
	if e.Key, e.Type, err = contract.EventAbout(e.Subject); err != nil {
		return e, fmt.Errorf("event %s: %w", c.ID, err)
	}
	kind, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(c.Type))
	if err != nil || len(c.Data) == 0 {
		return e, nil
	}
	body := kind.New().Interface()
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(c.Data, body); err != nil {
		return e, fmt.Errorf("event %s: %w", c.ID, err)
	}
	e.Message = body
	return e, nil
}
