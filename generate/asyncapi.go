package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/staffetta-io/staffetta/internal/streams"
)

const documentAbout = `Staffetta turns one event into one bulk-SMS campaign, sent at most once. This document
is written from the side of those who use it: *send* is what you publish, *receive* is what
you are told.

Payloads are described in JSON Schema, as protobuf maps its messages to JSON. Requests and
standing orders may be published so (content-type application/json) or in protobuf
(application/protobuf); events are told in protobuf. x-protobuf names the message. What
JSON Schema cannot say, as the years of an instant, stands in the descriptions.

The binding of NATS knows no JetStream: x-jetstream names the stream that stores a subject,
components.x-streams has it as the service makes it, and x-permissions says who may use a
subject where accounts keep users apart.`

// document is the contract in AsyncAPI, with the schemas beside it. Examples are the
// golden messages, which lie under root.
func document(root string) ([]byte, error) {
	all := channels()
	var inChannels, operations, messages ordered
	for _, c := range all {
		inChannels = append(inChannels, pair{c.name, channelObject(c)})
		message, err := messageObject(root, c)
		if err != nil {
			return nil, err
		}
		messages = append(messages, pair{c.message, message})
		if c.reply != "" {
			inChannels = append(inChannels, pair{c.reply, ordered{
				{"address", nil},
				{"description", "The inbox that the question names."},
				{"messages", ordered{{c.reply, ref("components/messages/" + c.reply)}, {"Error", ref("components/messages/Error")}}},
			}})
			messages = append(messages, pair{c.reply, ordered{{"contentType", "application/json"}, {"payload", file(c.answer)}}})
		}
		operations = append(operations, pair{c.name, operationObject(c)})
	}
	messages = append(messages, pair{"Error", ordered{
		{"title", "Why there is no other answer"}, {"contentType", "application/json"}, {"payload", file("query.error.json")},
	}})
	headers := ordered{}
	for _, h := range []struct {
		name  string
		lines []header
	}{{"RequestHeaders", requestHeaders}, {"ChunkHeaders", chunkHeaders}, {"EventHeaders", eventHeaders}, {"LetterHeaders", letterHeaders}} {
		schema, err := schemaObject(headerSchema(h.lines))
		if err != nil {
			return nil, err
		}
		headers = append(headers, pair{h.name, schema})
	}
	described := ordered{}
	for _, name := range []string{"source", "request_id", "sha256", "chunk", "name", "version", "actor", "scope", "n"} {
		described = append(described, pair{name, ordered{{"description", parameters[name]}}})
	}
	stored, err := streamObjects(all)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString("# Written by: make generate.\n")
	err = encodeYAML(&b, ordered{
		{"asyncapi", "3.1.0"},
		{"info", ordered{
			{"title", "Staffetta"}, {"version", "1"}, {"description", documentAbout},
			{"externalDocs", ordered{{"description", "Every message and field"}, {"url", "https://github.com/staffetta-io/staffetta/tree/main/docs/reference"}}},
		}},
		{"defaultContentType", "application/json"},
		{"servers", ordered{
			{"dev", ordered{{"host", "127.0.0.1:4222"}, {"protocol", "nats"}, {"description", "staffetta dev: NATS, the service and a sandbox gateway in one process."}}},
			{"production", ordered{
				{"host", "{host}:4222"}, {"protocol", "nats"}, {"description", "NATS 2.12 or newer, with JetStream. Users are nkeys, over TLS, as docs/deploy.md sets it up."},
				{"variables", ordered{{"host", ordered{{"default", "nats.example.com"}}}}},
			}},
		}},
		{"channels", inChannels},
		{"operations", operations},
		{"components", ordered{{"parameters", described}, {"messages", messages}, {"schemas", headers}, {"x-streams", stored}}},
	})
	return b.Bytes(), err
}

func ref(to string) ordered    { return ordered{{"$ref", "#/" + to}} }
func file(name string) ordered { return ordered{{"$ref", "./" + name}} }

func channelObject(c channel) ordered {
	o := ordered{{"address", c.address}, {"title", c.title}, {"messages", ordered{{c.message, ref("components/messages/" + c.message)}}}}
	if names := parametersOf(c.address); len(names) > 0 {
		in := ordered{}
		for _, name := range names {
			in = append(in, pair{name, ref("components/parameters/" + name)})
		}
		o = append(o, pair{"parameters", in})
	}
	if c.stream != "" {
		stored := ordered{{"stream", c.stream}}
		if c.advice != "" {
			stored = append(stored, pair{"reading", c.advice})
		}
		o = append(o, pair{"x-jetstream", stored})
	}
	return append(o, pair{"x-permissions", c.who})
}

// streamObjects are the streams that store a channel, as the service makes them.
func streamObjects(all []channel) (ordered, error) {
	objects := ordered{}
	for _, cfg := range everyStream() {
		if !slices.ContainsFunc(all, func(c channel) bool { return c.stream == cfg.Name }) {
			continue // the service's alone
		}
		settings, err := settingsOf(cfg)
		if err != nil {
			return nil, err
		}
		o := ordered{{"subjects", cfg.Subjects}}
		for _, s := range settings {
			o = append(o, pair{s.name, s.is})
		}
		switch cfg.Name {
		case streams.Events:
			o = append(o, pair{"writing", "Each subject has one message: the service publishes with Nats-Expected-Last-Subject-Sequence 0, so each event is there once."})
		case streams.Audiences:
			o = append(o, pair{"writing", "Each subject has one message: the server refuses a second one, and that it is there already is no fault."})
		case streams.Requests, streams.Commands:
			o = append(o, pair{"writing", "Wait for the acknowledgement. Send no Nats-Msg-Id: a repetition is harmless, and a correction with the same id would be lost."})
		}
		objects = append(objects, pair{cfg.Name, o})
	}
	return objects, nil
}

func operationObject(c channel) ordered {
	action := "receive"
	if c.sends {
		action = "send"
	}
	o := ordered{
		{"action", action}, {"title", c.title}, {"channel", ref("channels/" + c.name)},
		{"bindings", ordered{{"nats", ordered{{"bindingVersion", "0.1.0"}}}}},
		{"messages", []ordered{ref("channels/" + c.name + "/messages/" + c.message)}},
	}
	if c.reply != "" {
		o = append(o, pair{"reply", ordered{
			{"channel", ref("channels/" + c.reply)},
			{"messages", []ordered{ref("channels/" + c.reply + "/messages/" + c.reply), ref("channels/" + c.reply + "/messages/Error")}},
		}})
	}
	return o
}

func messageObject(root string, c channel) (ordered, error) {
	o := ordered{{"contentType", c.content}}
	if c.about != "" {
		o = append(o, pair{"description", c.about})
	}
	if c.headers != "" {
		o = append(o, pair{"headers", ref("components/schemas/" + c.headers)})
	}
	if c.schema != "" {
		o = append(o, pair{"payload", file(c.schema)})
	}
	if c.example == "" {
		return o, nil
	}
	o = append(o, pair{"x-protobuf", "staffetta.campaign.v1." + c.message})
	data, err := os.ReadFile(filepath.Join(root, "internal/contract/testdata", c.example+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return o, nil // a new message, whose bytes are not kept yet
	}
	if err != nil {
		return nil, err
	}
	var payload yaml.Node // JSON is YAML, and this way the members stay in their order
	if err := yaml.Unmarshal(data, &payload); err != nil {
		return nil, err
	}
	return append(o, pair{"examples", []ordered{{{"payload", blockStyle(payload.Content[0])}}}}), nil
}

// blockStyle writes JSON as YAML is written, a member on each line.
func blockStyle(n *yaml.Node) *yaml.Node {
	n.Style &^= yaml.FlowStyle
	for _, inside := range n.Content {
		blockStyle(inside)
	}
	return n
}

// schemaObject is a schema for a place in the document.
func schemaObject(s *jsonschema.Schema) (*yaml.Node, error) {
	data, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	var n yaml.Node
	if err := yaml.Unmarshal(data, &n); err != nil {
		return nil, err
	}
	return blockStyle(n.Content[0]), nil
}
