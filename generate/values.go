package main

import (
	"encoding"
	"encoding/json"
	"reflect"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// Questions, their answers and the commands to a campaign are JSON made of Go values, so
// their schemas are made of the types of those.

// texts are the types that are text in JSON, whatever they are in Go.
func texts(t reflect.Type, seen map[reflect.Type]bool, all map[reflect.Type]*jsonschema.Schema) {
	if seen[t] {
		return
	}
	seen[t] = true
	marshals := reflect.TypeFor[encoding.TextMarshaler]()
	if t.Kind() != reflect.Pointer && all[t] == nil && t != reflect.TypeFor[time.Time]() && (t.Implements(marshals) || reflect.PointerTo(t).Implements(marshals)) {
		all[t] = &jsonschema.Schema{Type: "string"}
		return
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		texts(t.Elem(), seen, all)
	case reflect.Struct:
		for f := range t.Fields() {
			texts(f.Type, seen, all)
		}
	}
}

// typeSchema is the schema of what a Go type is in JSON. What people send is closed.
func typeSchema(t reflect.Type, closed bool) (*jsonschema.Schema, error) {
	special := map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[json.RawMessage]():     {},
		reflect.TypeFor[decimal.Decimal]():     {Type: "string", Pattern: `^-?[0-9]+([.][0-9]+)?$`},
		reflect.TypeFor[decimal.NullDecimal](): {Types: []string{"string", "null"}},
		reflect.TypeFor[[]byte]():              {Type: "string", ContentEncoding: "base64"},
		reflect.TypeFor[time.Time]():           {Type: "string", Format: "date-time"},
		reflect.TypeFor[query.Duration]():      {Type: "string", Pattern: `^[-+]?([0-9.]+(ns|us|µs|ms|s|m|h))+$|^0$`},
	}
	texts(t, map[reflect.Type]bool{}, special)
	s, err := jsonschema.ForType(t, &jsonschema.ForOptions{TypeSchemas: special})
	if err != nil {
		return nil, err
	}
	if !closed {
		open(s)
	}
	s.Schema = draft07
	return s, nil
}

// open lets a later version add fields, in every object of a schema.
func open(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	if s.Properties != nil {
		s.AdditionalProperties = nil
	}
	open(s.Items)
	open(s.AdditionalProperties)
	for _, p := range s.Properties {
		open(p)
	}
}

// questionSchemas are those of a question and of its answer.
func questionSchemas(q query.Question) (asked, answer *jsonschema.Schema, err error) {
	if asked, err = typeSchema(q.Asked, true); err != nil {
		return nil, nil, err
	}
	if answer, err = typeSchema(q.Answer, false); err != nil {
		return nil, nil, err
	}
	name := "staffetta.query." + q.Verb
	asked.ID, asked.Title, asked.Description = schemaHome+name+".question.json", name, "What is asked: "+q.About+". docs/query.md says what each field means."
	answer.ID, answer.Title, answer.Description = schemaHome+name+".answer.json", "Answer to "+name, "The answer: "+q.About+". An error is query.error.json."
	if q.Verb == query.VerbList {
		oneOfWords(asked.Properties["states"], query.States())
		oneOfWords(asked.Properties["reasons"], query.Reasons())
	}
	return asked, answer, nil
}

func oneOfWords(list *jsonschema.Schema, words []string) {
	for _, w := range words {
		list.Items.Enum = append(list.Items.Enum, w)
	}
}

// errorSchema is that of the other answer to any question.
func errorSchema() (*jsonschema.Schema, error) {
	inside, err := typeSchema(reflect.TypeFor[query.Error](), false)
	if err != nil {
		return nil, err
	}
	inside.Schema = ""
	return &jsonschema.Schema{
		Schema: draft07, ID: schemaHome + "query.error.json", Title: "Error", Type: "object",
		Description: "Why there is no other answer. The headers Nats-Service-Error and Nats-Service-Error-Code say it too.",
		Properties:  map[string]*jsonschema.Schema{"error": inside}, Required: []string{"error"},
	}, nil
}

// mustSay are the fields that a command is refused without, whoever gives it. By is not
// among them: the user's name at NATS stands for it where the server proves one.
var mustSay = map[string][]string{
	contract.VerbResolve: {"sent"},
	contract.VerbApprove: {"quote_id"},
	contract.VerbProof:   {"quote_id", "n", "people", "size", "phones"},
	contract.VerbDecline: {"quote_id"},
}

// about says what the fields of commands mean.
var about = map[string]string{
	"by":       "Who says so, for people. It may be left out where the subject ends in the user's name.",
	"why":      "Why, in their words. More than 1000 characters are cut off.",
	"sent":     "Whether the gateway's own page shows that it was sent.",
	"quote_id": "Which quote is answered, as in CampaignApprovalRequired: 16 hexadecimal digits.",
	"n":        "Which proof of that quote it is, from 1. The same one again is sent once.",
	"people":   "SHA-256, in lower-case hexadecimal, of the chunk in which those who get the proof are laid down before.",
	"size":     "Of that chunk, in bytes.",
	"phones":   "How many people it has.",
}

// atMost bounds the numbers of commands, where something does.
var atMost = map[string]float64{"size": streams.ChunkSize, "phones": campaign.PhonesOfAProof}

// commandSchema is that of a command to a campaign. It is open: the service passes over a
// field that it does not know.
func commandSchema(verb string) (*jsonschema.Schema, error) {
	s, err := typeSchema(reflect.TypeOf(contract.CommandBodies()[verb]), false)
	if err != nil {
		return nil, err
	}
	s.ID, s.Title, s.Required = schemaHome+"command."+verb+".json", verb, mustSay[verb]
	s.Description = "What the command " + verb + " says, on campaign.v1.command.<source>.<request id>." + verb + ".<actor>."
	for name, p := range s.Properties {
		p.Description = about[name]
		p.Type, p.Types = onlyType(p), nil
		switch name {
		case "quote_id":
			p.Pattern = "^[0-9a-f]{16}$"
		case "people":
			p.Pattern = "^[0-9a-f]{64}$"
		case "n", "size", "phones":
			p.Minimum = new(1.0)
			if most := atMost[name]; most > 0 {
				p.Maximum = &most
			}
		}
	}
	return s, nil
}

// onlyType is the one type of a field that may not be null.
func onlyType(s *jsonschema.Schema) string {
	for _, t := range s.Types {
		if t != "null" {
			return t
		}
	}
	return s.Type
}
