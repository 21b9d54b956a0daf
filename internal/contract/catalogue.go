package contract

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// What there is in the contract, for whoever describes it to others.

// EventMessage is what an event of a type says.
func EventMessage(t campaign.EventType) protoreflect.MessageDescriptor {
	return messages[t].kind.Descriptor()
}

// AnswerMessages are what the events that answer standing orders say, by type.
func AnswerMessages() map[string]protoreflect.MessageDescriptor {
	all := map[string]protoreflect.MessageDescriptor{}
	for kind, m := range answers {
		all[kind] = m.ProtoReflect().Descriptor()
	}
	return all
}

// OrderMessages are what standing orders say, by verb.
func OrderMessages() map[string]protoreflect.MessageDescriptor {
	all := map[string]protoreflect.MessageDescriptor{}
	for verb, m := range standingVerbs {
		all[verb] = m.ProtoReflect().Descriptor()
	}
	return all
}

// CommandBodies are a zero value of what each command to a campaign says, by verb.
func CommandBodies() map[string]any {
	all := map[string]any{}
	for verb, c := range verbs {
		all[verb] = c.body
	}
	return all
}
