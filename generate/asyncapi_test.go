package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	spec "github.com/asyncapi/spec-json-schemas/v6"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/deadletter"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// object is a part of the document.
type object = map[string]any

func readDocument(t *testing.T) object {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "schemas/asyncapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var doc object
	if err := yaml.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	// The validator wants the types that JSON has.
	if data, err = json.Marshal(doc); err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return v.(object)
}

// asyncAPI is the schema of AsyncAPI's own makers for this version of documents.
func asyncAPI(t *testing.T) *jsonschema.Schema {
	t.Helper()
	data, err := spec.Get("3.1.0")
	if err != nil || data == nil {
		t.Fatal("there is no schema of AsyncAPI 3.1.0", err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("http://asyncapi.com/definitions/3.1.0/asyncapi.json", v); err != nil {
		t.Fatal(err)
	}
	return c.MustCompile("http://asyncapi.com/definitions/3.1.0/asyncapi.json")
}

// The document is one of AsyncAPI 3.1, and a broken one is not.
func TestTheDocumentIsAsyncAPI(t *testing.T) {
	t.Parallel()
	rules := asyncAPI(t)
	if err := rules.Validate(readDocument(t)); err != nil {
		t.Fatalf("%v", err)
	}
	for name, spoil := range map[string]func(object){
		"NoTitle":           func(d object) { delete(d["info"].(object), "title") },
		"AnotherAction":     func(d object) { d["operations"].(object)["request"].(object)["action"] = "publish" },
		"AMisspeltMember":   func(d object) { d["channels"].(object)["request"].(object)["subject"] = "x" },
		"AServerNowhere":    func(d object) { delete(d["servers"].(object)["dev"].(object), "host") },
		"APayloadOfNoForm":  func(d object) { d["components"].(object)["messages"].(object)["Error"].(object)["payload"] = 7 },
		"AnOperationOnNone": func(d object) { delete(d["operations"].(object)["request"].(object), "channel") },
	} {
		doc := readDocument(t)
		if spoil(doc); rules.Validate(doc) == nil {
			t.Errorf("%s: the rules of AsyncAPI let it pass", name)
		}
	}
}

// Each reference leads somewhere, in the document or to a file beside it.
func TestEveryReferenceLeadsSomewhere(t *testing.T) {
	t.Parallel()
	doc := readDocument(t)
	followed := 0
	var walk func(at string, v any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case []any:
			for i, inside := range v {
				walk(fmt.Sprintf("%s/%d", at, i), inside)
			}
		case object:
			for name, inside := range v {
				walk(at+"/"+name, inside)
			}
			to, is := v["$ref"].(string)
			if !is {
				return
			}
			followed++
			if beside, ok := strings.CutPrefix(to, "./"); ok {
				if _, err := os.Stat(filepath.Join(root, "schemas", beside)); err != nil {
					t.Errorf("%s: %v", at, err)
				}
				return
			}
			var here any = doc
			for step := range strings.SplitSeq(strings.TrimPrefix(to, "#/"), "/") {
				o, _ := here.(object)
				if here = o[step]; here == nil {
					t.Errorf("%s refers to %s, where nothing is", at, to)
					return
				}
			}
		}
	}
	walk("", doc)
	if followed < 100 {
		t.Errorf("%d references were followed: the document is empty", followed)
	}
}

// Everything that there is has an operation: the request, each event, each answer to a
// standing order, each verb, each question. And nothing is there that does not exist.
func TestNothingIsLeftOut(t *testing.T) {
	t.Parallel()
	want := []string{"request", "audience", "audience_version", "dead"}
	for _, e := range campaign.EventTypes {
		want = append(want, "event."+string(e))
	}
	for kind := range contract.AnswerMessages() {
		want = append(want, "answer."+kind)
	}
	for _, verb := range contract.Verbs() {
		want = append(want, "command."+verb)
	}
	for _, verb := range contract.StandingVerbs() {
		want = append(want, "order."+verb)
	}
	for _, q := range query.Questions() {
		want = append(want, "query."+q.Verb)
	}
	var have []string
	for name, o := range readDocument(t)["operations"].(object) {
		have = append(have, name)
		if _, replies := o.(object)["reply"]; replies != strings.HasPrefix(name, "query.") {
			t.Errorf("%s: has it a reply? %t", name, replies)
		}
	}
	slices.Sort(want)
	slices.Sort(have)
	if !slices.Equal(have, want) {
		t.Errorf("there are operations %v, want %v", have, want)
	}
}

// A subject of each channel is taken by the stream that the document names, and by no
// other; a question by none.
func TestEverySubjectIsStoredWhereTheDocumentSays(t *testing.T) {
	t.Parallel()
	for name, c := range readDocument(t)["channels"].(object) {
		address, _ := c.(object)["address"].(string)
		if address == "" {
			continue // an inbox
		}
		for _, p := range parametersOf(address) {
			address = strings.Replace(address, "{"+p+"}", "x", 1)
		}
		var taken []string
		for _, cfg := range everyStream() {
			if slices.ContainsFunc(cfg.Subjects, func(pattern string) bool { return server.SubjectsCollide(address, pattern) }) {
				taken = append(taken, cfg.Name)
			}
		}
		var want []string
		if stored, is := c.(object)["x-jetstream"].(object); is {
			want = []string{stored["stream"].(string)}
		}
		if !slices.Equal(taken, want) {
			t.Errorf("%s: %s is stored by %v, the document says %v", name, address, taken, want)
		}
	}
}

// The headers that the service writes are those that are described, and each one that is
// always there is there.
func TestTheHeadersAreThoseOfTheService(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	key := campaign.Key{Source: "shop-italia", RequestID: "bf"}
	bare := campaign.Event{Type: campaign.EventFailed, N: 1, At: at, Reason: &campaign.Reason{Code: campaign.ReasonVanished, Message: "gone"}}
	full := bare
	full.Gateway, full.Account, full.Sequence = "https://gateway.example", "main", 7
	least, err := contract.EventEnvelope(campaign.Campaign{Key: key}, bare)
	if err != nil {
		t.Fatal(err)
	}
	most, err := contract.EventEnvelope(campaign.Campaign{Key: key, Trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", TraceState: "vendor=1"}, full)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "an event", eventHeaders, least.Header, most.Header)

	request, err := contract.RequestEnvelope(nil, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	if err != nil {
		t.Fatal(err)
	}
	for name := range request.Header {
		if !slices.ContainsFunc(requestHeaders, func(h header) bool { return h.name == name }) {
			t.Errorf("the service's own requests have the header %s, which is not described", name)
		}
	}

	letter := contract.DeadLetter("campaign.v1.request.a.b", contract.Header{contract.HeaderReplay: {"7"}, "Other": {strings.Repeat("x", http.DefaultMaxHeaderBytes)}}, nil,
		contract.Origin{Stream: streams.Requests, Sequence: 1, Stored: at},
		loop.Verdict{Do: loop.Bury, Reason: deadletter.NotJSON, Fields: []string{"text"}, Note: "it is no JSON"})
	plain := contract.DeadLetter("campaign.v1.request.a.b", nil, nil, contract.Origin{Stream: streams.Requests, Sequence: 1, Stored: at}, loop.Verdict{Do: loop.Bury, Reason: deadletter.NotJSON})
	compare(t, "a dead letter", letterHeaders, plain.Header, letter.Header)
}

func compare(t *testing.T, what string, described []header, least, most contract.Header) {
	t.Helper()
	for _, h := range described {
		if least[h.name] != nil != h.always {
			t.Errorf("%s has always %s: %t, described is %t", what, h.name, least[h.name] != nil, h.always)
		}
		if values := most[h.name]; len(values) == 0 || h.is != "" && values[0] != h.is {
			t.Errorf("%s has %s: %q, described is %q", what, h.name, values, h.is)
		}
	}
	for name := range most {
		if !slices.ContainsFunc(described, func(h header) bool { return h.name == name }) {
			t.Errorf("%s has the header %s, which is not described", what, name)
		}
	}
}
